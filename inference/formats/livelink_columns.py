"""The columns of a Live Link Face table, however another program spells them, and the scale of its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Floats
from ..head.arkit_names import recognise, words

_ANGLES = frozenset(("yaw", "pitch", "roll"))
_MOST = 2.0  # a coefficient is at most 1; the app's calibration has made a little more of it
PERCENT = 100.0


@dataclass(frozen=True)
class Columns:
    """Which columns of a header have numbers to read: their places, and names as the app writes them."""

    places: tuple[int, ...]
    names: tuple[str, ...]
    shapes: int  # the first so many are ARKit's, the rest angles
    unknown: tuple[str, ...]  # columns that mean nothing here
    twice: tuple[str, str] | None  # two columns for the same shape


def find_columns(header: Sequence[str], first: int) -> Columns:
    """What the columns from `first` on are: ARKit's shapes, also with a prefix or other signs, angles, or unknown."""
    shapes: dict[str, int] = {}
    angles: dict[str, int] = {}
    unknown: list[str] = []
    twice = None
    for place, text in enumerate(header[first:], start=first):
        hit = recognise(text)
        if hit:
            name = hit[0][0].upper() + hit[0][1:]
            if name in shapes:
                twice = twice or (header[shapes[name]], text)
            shapes[name] = place
        elif _ANGLES & set(words(text)):
            angles[text] = place
        elif text:
            unknown.append(text)
    places, names = (*shapes.values(), *angles.values()), (*shapes, *angles)
    return Columns(places, names, len(shapes), tuple(unknown), twice)


def scale_of(values: Floats) -> float:
    """By what the coefficients (T, shapes) are to be divided: 100 where most rows say that they are per cent."""
    beyond = np.abs(values).max(axis=1, initial=0.0) > _MOST
    return PERCENT if 2 * int(beyond.sum()) >= len(values) else 1.0


def first_beyond(values: Floats) -> tuple[int, int] | None:
    """(row, column) of the first value that no coefficient has, or None."""
    found = np.argwhere(np.abs(values) > _MOST)
    return (int(found[0][0]), int(found[0][1])) if len(found) else None
