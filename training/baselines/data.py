"""Training data of the alternatives: a fixed part of what the speech model learns from, with its encoder features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.audio.mel import loud_level, mel_frame_count, normalised_mel
from ...inference.engine.windows import FRAME_RATE
from ..data.synthetic import streams
from ..features import cached_features
from ..speech.examples import PEOPLE, SYNTHETIC
from ..synthesis.coarticulation import channels_of, loudness_gains
from ..video.aligned import phones_of
from ..video.people import common_size, talking_folder, training_people, validates
from ..video.people_rules import people_manner
from ..video.targets import targets_of

MEL_WIDTH = 160  # two mel frames of 80 bands a feature frame
MINUTES = 30.0  # of synthetic speech


@dataclass(frozen=True, eq=False)
class Example:
    """Features (T, layers, width), mel bands (T, 160) and channels (T, C) at 50 Hz, and their source."""

    features: NDArray[np.float16]
    mel: NDArray[np.float16]
    channels: Floats
    source: str


def mel_bands(samples: Floats) -> NDArray[np.float16]:
    """Whisper's input at 50 Hz: each frame's two mel frames side by side, (T, 160)."""
    count = mel_frame_count(len(samples)) // 2
    mel = normalised_mel(samples, 0, 2 * count, loud_level(samples))
    return mel.reshape(count, MEL_WIDTH).astype(np.float16)


def people_examples() -> Iterator[Example]:
    """The people on video, without the sentences that validate, near the motion that their aligned phones call for."""
    people = training_people(talking_folder())
    size = common_size(people)
    for person in people:
        for number, motion in enumerate(person.motions):
            segments = None if validates(person, number) else phones_of(motion.clip)
            if segments is None:
                continue
            samples = motion.clip.samples
            features, mel = cached_features(samples), mel_bands(samples)
            prior = channels_of(segments, len(features), loudness_gains(segments, samples))
            channels, _ = targets_of(person, motion, prior, size, 0.0)
            yield Example(features, mel, channels, PEOPLE)


def synthetic_examples(minutes: float = MINUTES) -> Iterator[Example]:
    """The first streams of the synthetic set's training split, by the rules that were fitted to people."""
    seconds = 0.0
    for stream in streams("train", people_manner()):
        features, mel = cached_features(stream.samples), mel_bands(stream.samples)
        count = min(len(features), len(stream.channels))
        yield Example(features[:count], mel[:count], stream.channels[:count], SYNTHETIC)
        seconds += count / FRAME_RATE
        if seconds >= 60 * minutes:
            return
