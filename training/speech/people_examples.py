"""People on video as examples to learn from: channels that were fitted to their tracks, and the measures themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.engine.windows import FRAME_RATE
from ..features import cached_features
from ..read_at import at_feature_rate
from ..synthesis.augment import recorded
from ..video.manner import Size
from ..video.offset import offset_of
from ..video.people import Person, validates
from ..video.targets import head_measures, targets_of
from .examples import ENUNCIATED, NATURAL, OWN, PEOPLE, Example, played

SPEEDS = ((17, 20), (20, 17))  # 15 % slower and faster
MINUTES = 0.75  # people are drawn by their minutes to this power: the small sets a little more than by minutes alone
RECORDED = 0.5  # of the copies at another speed sound as from another room and microphone, or in noise

Predict = Callable[[NDArray[np.float16]], Floats]


def people_examples(people: Sequence[Person], teacher: Predict, size: Size) -> tuple[list[Example], list[Example]]:
    """What trains and what validates: all clips of some people in the natural style, moving as far as `size`.

    Each person counts once in the validation. Those that train come at three speeds, and once in the enunciated style,
    as the teacher (features to channels of that style) says.
    """
    train, validation = [], []
    for person in people:
        kept: list[Example] = []
        rng = np.random.default_rng(0)
        weight = minutes_of(person) ** (MINUTES - 1)
        for number, (samples, found, prior) in enumerate(_stretches(person, teacher, size, NATURAL, PEOPLE)):
            plain = replace(found, weight=weight)
            if validates(person, number):
                kept.append(plain)
            else:
                train += [plain, plain.in_style(ENUNCIATED, prior), *_copies(samples, plain, rng)]
        validation += [replace(example, weight=1 / len(kept)) for example in kept]
    return train, validation


def own_examples(person: Person, teacher: Predict, style: int) -> list[Example]:
    """One person's clips as they are, in a style of their own."""
    rng = np.random.default_rng(0)
    found = _stretches(person, teacher, person.size, style, OWN)
    return [example for samples, plain, _ in found for example in (plain, *_copies(samples, plain, rng))]


def _stretches(
    person: Person, teacher: Predict, size: Size, style: int, source: str
) -> Iterator[tuple[Floats, Example, Floats]]:
    """Each clip's samples, itself in the style, and the teacher's channels."""
    features = [cached_features(motion.clip.samples) for motion in person.motions]
    said = [np.clip(teacher(each), 0.0, 1.0) for each in features]
    offset = offset_of(person.motions, [channels @ head_measures()[0] for channels in said])
    for motion, heard, prior in zip(person.motions, features, said, strict=True):
        channels, measures = targets_of(person, motion, prior, size, offset)
        yield motion.clip.samples, Example(heard, channels, style, source, measures), prior


def _copies(samples: Floats, plain: Example, rng: np.random.Generator) -> Iterator[Example]:
    """A stretch slower and faster, some of it recorded otherwise."""
    assert plain.measures is not None
    for speed in SPEEDS:
        heard = played(samples, speed)
        if rng.random() < RECORDED:
            heard, _ = recorded(heard, rng)
        features = cached_features(heard)
        times = np.arange(len(plain.channels)) / FRAME_RATE * speed[1] / speed[0]
        channels, measures = (at_feature_rate(rows, times, len(features)) for rows in (plain.channels, plain.measures))
        yield replace(plain, features=features, channels=channels, measures=measures)


def minutes_of(person: Person) -> float:
    """How long a person is seen."""
    return sum(len(motion.clip.points) / motion.clip.fps for motion in person.motions) / 60
