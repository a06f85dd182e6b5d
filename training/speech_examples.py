"""What the speech model learns from: stretches of encoder features with the rig channels that they should become.

A stretch says who was heard and who says how the face moved: the capture or the synthesis itself, or a teacher
(`speech_teachers`), a model of the other set alone, so that each style is seen on the voices of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from ..inference.windows import FRAME_RATE
from .captured import TRAINING_TAKES, VALIDATION_FROM, VALIDATION_TAKE, CapturedTake, load_captured
from .features import cached_features
from .read_at import at_feature_rate
from .synthesis.augment import recorded
from .synthetic import streams
from .vocaset import vocaset_streams

STYLES = ("captured", "enunciated")
CAPTURED, ENUNCIATED = range(2)
VALIDATION_STREAMS = 12
SPEEDS = ((1, 1), (9, 10), (11, 10), (19, 20), (21, 20))  # played faster by the first over the second

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Example:
    """A stretch of speech: features (T, layers, width) and channels (T, C), both at 50 Hz, and its style.

    `captured` tells whether a captured voice is heard, `taught` whether a teacher made the channels.
    """

    features: NDArray[np.float16]
    channels: Floats
    style: int
    captured: bool
    taught: bool = False

    def until(self, stop: int | None) -> Example:
        """Its first frames."""
        return replace(self, features=self.features[:stop], channels=self.channels[:stop])


def played(samples: Floats, speed: tuple[int, int]) -> Floats:
    """Samples at another speed: pitch and formants rise with it, as of a shorter vocal tract."""
    return samples if speed == (1, 1) else scipy.signal.resample_poly(samples, speed[1], speed[0]).astype(np.float32)


def captured_example(take: CapturedTake, speed: tuple[int, int], rng: np.random.Generator | None = None) -> Example:
    """A captured take at some speed, in another room and microphone where there is a generator to draw them from."""
    samples = played(take.samples, speed)
    if rng is not None:
        samples, _ = recorded(samples, rng)
    features = cached_features(samples)
    channels = at_feature_rate(take.channels, take.times * speed[1] / speed[0], len(features))
    return Example(features, channels, CAPTURED, True)


def captured_examples() -> Iterator[Example]:
    """Every training take at every speed, clean and recorded otherwise, without the stretch that validates."""
    for number, name in enumerate(TRAINING_TAKES):
        take = load_captured(name)
        for order, speed in enumerate(SPEEDS):
            for rng in (None, np.random.default_rng((number, order))):
                example = captured_example(take, speed, rng)
                yield example.until(int(len(example.features) * VALIDATION_FROM) if name == VALIDATION_TAKE else None)


def synthetic_examples(split: str, changed: bool = False) -> Iterator[Example]:
    """Every stream of a split of the synthetic set, each at one changed speed as well where wanted."""
    for number, stream in enumerate(streams(split)):
        times = np.arange(len(stream.channels)) / FRAME_RATE
        for speed in ((1, 1), SPEEDS[1 + number % (len(SPEEDS) - 1)])[: 2 if changed else 1]:
            features = cached_features(played(stream.samples, speed))
            channels = at_feature_rate(stream.channels, times * speed[1] / speed[0], len(features))
            yield Example(features, channels, ENUNCIATED, False)


def vocaset_examples(folder: Path) -> tuple[list[Example], list[str]]:
    """VOCASET's training subjects, for those who have it, and their names: a speaking style each, after our own."""
    examples, subjects = [], []
    for subject, stream in vocaset_streams(folder):
        if subject not in subjects:
            subjects.append(subject)
        features = cached_features(stream.samples)
        style = len(STYLES) + subjects.index(subject)
        examples.append(Example(features, stream.channels[: len(features)], style, True))
    return examples, subjects


def training_examples() -> list[Example]:
    """All that was captured or synthesised for training."""
    return [*captured_examples(), *synthetic_examples("train", changed=True)]


def validation_examples() -> list[Example]:
    """The captured stretch and the synthetic streams that choose the best step."""
    example = captured_example(load_captured(VALIDATION_TAKE), (1, 1))
    start = int(len(example.features) * VALIDATION_FROM)
    kept_back = Example(example.features[start:], example.channels[start:], CAPTURED, True)
    return [kept_back, *islice(synthetic_examples("heldout_voice"), VALIDATION_STREAMS)]
