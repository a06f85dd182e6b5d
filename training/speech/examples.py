"""What the speech model learns from: stretches of encoder features with the rig channels that they should become.

A stretch says where its sound is from, in which style its face moves, and, of people on video, what was measured of
their mouths. People's own are made in `video.examples`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.engine.windows import FRAME_RATE
from ...inference.take import STYLES
from ..data.synthetic import streams
from ..data.vocaset_takes import vocaset_streams
from ..features import cached_features
from ..read_at import at_feature_rate
from ..video.people_rules import people_manner

NATURAL, ENUNCIATED = (STYLES.index(name) for name in ("natural", "enunciated"))
# sources: OWN is of somebody's own style, in STILL nobody speaks
PEOPLE, SYNTHETIC, OWN, STILL = "people", "synthetic", "own", "still"
VALIDATION_STREAMS = 8
REACH = {NATURAL: 1.0, ENUNCIATED: 1.25}  # how far the face goes, times people's own
SPEEDS = ((9, 10), (11, 10), (19, 20), (21, 20))  # played faster by the first over the second


@dataclass(frozen=True, eq=False)
class Example:
    """A stretch of speech at 50 Hz: features (T, layers, width), channels (T, C) and their style.

    `measures` (T, M) in mm, where there are some, are what video shows of the face; NaN in frames that it does not
    show. See `video.face_measures`. `weight` is how often a frame is drawn, against others of its kind.
    """

    features: NDArray[np.float16]
    channels: Floats
    style: int
    source: str
    measures: Floats | None = None
    weight: float = 1.0

    @property
    def kind(self) -> tuple[str, int]:
        """Its source, and its style where that is one of STYLES; the styles of own people are one kind."""
        return (self.source, -1 if self.source == OWN else self.style)

    def in_style(self, style: int, channels: Floats) -> Example:
        """The same sound in another style."""
        return replace(self, style=style, channels=channels, measures=None)


def played(samples: Floats, speed: tuple[int, int]) -> Floats:
    """Samples at another speed: pitch and formants rise with it, as of a shorter vocal tract."""
    return samples if speed == (1, 1) else scipy.signal.resample_poly(samples, speed[1], speed[0]).astype(np.float32)


def synthetic_examples(split: str, style: int, changed: bool = False) -> Iterator[Example]:
    """Every stream of a split in a style, each at one changed speed as well where wanted.

    The face follows the rules that were fitted to people; enunciated, it goes further.
    """
    for number, stream in enumerate(streams(split, people_manner(REACH[style]))):
        times = np.arange(len(stream.channels)) / FRAME_RATE
        for speed in ((1, 1), SPEEDS[number % len(SPEEDS)])[: 2 if changed else 1]:
            features = cached_features(played(stream.samples, speed))
            channels = at_feature_rate(stream.channels, times * speed[1] / speed[0], len(features))
            yield Example(features, channels, style, SYNTHETIC)


def vocaset_examples(folder: Path) -> tuple[list[Example], list[str]]:
    """VOCASET's training subjects, for those who have it, and their names: a speaking style each, after our own."""
    examples, subjects = [], []
    for subject, stream in vocaset_streams(folder):
        if subject not in subjects:
            subjects.append(subject)
        features = cached_features(stream.samples)
        style = len(STYLES) + subjects.index(subject)
        examples.append(Example(features, stream.channels[: len(features)], style, OWN))
    return examples, subjects


def synthetic_validation() -> list[Example]:
    """Streams of voices that are not trained on, in both styles."""
    both = (synthetic_examples("heldout_voice", style) for style in (NATURAL, ENUNCIATED))
    return [example for examples in both for example in islice(examples, VALIDATION_STREAMS)]
