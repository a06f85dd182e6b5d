"""What is a person's own in their tracks: the neutral that motion is measured from, and how far they move.

Of people reading the same kind of sentences some open their mouths twice as far as others. A model that hears only
cannot tell who does, and would learn the size of whoever spoke the longest. So each person's motion is brought to the
mean size of all people, each counting once, whatever the minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...inference.arrays import Floats
from .face_measures import MEASURES
from .tracks import Clip

SHUT = 0.6  # mm: lips nearer than that are shut; the tracks of shut lips stand at 0.0 to 0.3
_OWN_FRAMES = 15  # shut frames of a clip that count as much as the person's neutral from all clips
_WIDTH = MEASURES.index("width")


@dataclass(frozen=True, eq=False)
class Motion:
    """A clip and its measures (T, 7) in mm away from the person's neutral."""

    clip: Clip
    measures: Floats


@dataclass(frozen=True)
class Size:
    """How far a person moves in mm: 95th percentile of the gap, and the spread of the width (95th less 5th)."""

    gap: float
    width: float


def motions(clips: Sequence[Clip], measured: Sequence[Floats]) -> list[Motion]:
    """Measures (T, 7) of one person's clips, taken from the neutral: the median of the frames with shut lips.

    Heads nod and lean back over a session, so a clip with shut lips of its own is measured from them.
    """
    shut = [clip.seen & (rows[:, 0] < SHUT) for clip, rows in zip(clips, measured, strict=True)]
    together = np.concatenate([rows[still] for rows, still in zip(measured, shut, strict=True)])
    if not len(together):  # a person whose lips never meet: their narrowest twentieth has to do
        together = np.concatenate([rows[rows[:, 0] <= np.percentile(rows[:, 0], 5)] for rows in measured])
    person = np.median(together, axis=0)
    found = []
    for clip, rows, still in zip(clips, measured, shut, strict=True):
        count = int(still.sum())
        own = np.median(rows[still], axis=0) if count else person
        neutral = (count * own + _OWN_FRAMES * person) / (count + _OWN_FRAMES)
        found.append(Motion(clip, (rows - neutral).astype(np.float32)))
    return found


def size_of(person: Sequence[Motion]) -> Size:
    """How far a person moves."""
    rows = np.concatenate([motion.measures[motion.clip.seen] for motion in person])
    low, high = np.percentile(rows[:, _WIDTH], (5, 95))
    return Size(float(np.percentile(rows[:, 0], 95)), float(high - low))


def scaled(measures: Floats, own: Size, wanted: Size) -> Floats:
    """Measures (T, 7) of a person of one size as one of another size would move."""
    factors = np.full(measures.shape[1], wanted.gap / own.gap, np.float32)
    factors[_WIDTH] = wanted.width / own.width
    return measures * factors
