"""Training data of the alternatives: a fixed part of what the speech model learns from, with its encoder features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...inference.audio_mel import loud_level, mel_frame_count, normalised_mel
from ...inference.windows import FRAME_RATE
from ..captured import TRAINING_TAKES, VALIDATION_FROM, VALIDATION_TAKE, load_captured
from ..features import cached_features
from ..read_at import at_feature_rate
from ..synthetic import streams

CAPTURED, SYNTHETIC = 0, 1  # speaking styles
MEL_WIDTH = 160  # two mel frames of 80 bands a feature frame
MINUTES = 40.0  # of synthetic speech: four times the captured takes'

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Example:
    """Features (T, layers, width), mel bands (T, 160) and channels (T, C; NaN where unknown) at 50 Hz, and a style."""

    features: NDArray[np.float16]
    mel: NDArray[np.float16]
    channels: Floats
    style: int


def mel_bands(samples: Floats) -> NDArray[np.float16]:
    """Whisper's input at 50 Hz: each frame's two mel frames side by side, (T, 160)."""
    count = mel_frame_count(len(samples)) // 2
    mel = normalised_mel(samples, 0, 2 * count, loud_level(samples))
    return mel.reshape(count, MEL_WIDTH).astype(np.float16)


def captured_examples() -> Iterator[Example]:
    """The training takes, without the stretch that validates."""
    for name in TRAINING_TAKES:
        take = load_captured(name)
        features, mel = cached_features(take.samples), mel_bands(take.samples)
        channels = at_feature_rate(take.channels, take.times, len(features))
        stop = int(len(features) * VALIDATION_FROM) if name == VALIDATION_TAKE else None
        yield Example(features[:stop], mel[:stop], channels[:stop], CAPTURED)


def synthetic_examples(minutes: float = MINUTES) -> Iterator[Example]:
    """The first streams of the synthetic set's training split."""
    seconds = 0.0
    for stream in streams("train"):
        features, mel = cached_features(stream.samples), mel_bands(stream.samples)
        count = min(len(features), len(stream.channels))
        yield Example(features[:count], mel[:count], stream.channels[:count], SYNTHETIC)
        seconds += count / FRAME_RATE
        if seconds >= 60 * minutes:
            return
