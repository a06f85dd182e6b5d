"""Left and right of a performed face turned over: what it feels, and its life. Speech moves both sides alike."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from ..arrays import Floats
from ..errors import WeightsError
from ..head.blendshapes import shipped
from ..head.canonical import ARKIT_NAMES, load_head
from ..take import Take
from .life import LifeKeys

_EVERY = 4  # vertices of the face, of which one is compared: there are more than a thousand left
_ACROSS = np.array([-1.0, 1.0, 1.0], np.float32)


def mirrored(take: Take) -> Take:
    """The take with left and right of its emotions turned over; raises WeightsError for another version's."""
    names, turn = _turn()
    if take.expression_names != names:
        raise WeightsError("The take's version of Duet cannot be mirrored.", "Generate it again.")
    return replace(take, expression_weights=(take.expression_weights @ turn).astype(np.float32))


def mirrored_life(keys: LifeKeys) -> LifeKeys:
    """Life with left and right turned over: the other lid, brow and eye; the head turns and tilts the other way."""
    shapes = {other_side(name): each for name, each in keys.shapes.items()}
    if keys.neck is None:
        return LifeKeys(shapes, None)
    nod, (when, turn), (at, tilt) = keys.neck
    return LifeKeys(shapes, (nod, (when, -turn), (at, -tilt)))


def other_side(name: str) -> str:
    """The ARKit shape of the other side; the same for one of both sides."""
    if name.endswith("Left"):
        found = f"{name[:-4]}Right"
    elif name.endswith("Right"):
        found = f"{name[:-5]}Left"
    else:
        found = name
    return found if found in ARKIT_NAMES else name


@cache
def _turn() -> tuple[tuple[str, ...], Floats]:
    """(names, (Ke, Ke)): weights (N, Ke) of the expression blendshapes times it come nearest to the mirrored faces."""
    head, shapes = load_head(), shipped()
    face = head.regions["face"]
    some = face[::_EVERY]
    places, wanted = head.vertices[face].astype(np.float64), (head.vertices[some] * _ACROSS).astype(np.float64)
    squares = np.sum(places**2, axis=1) - 2 * wanted @ places.T  # less the same for all of a row
    others = face[squares.argmin(axis=1)]
    count = len(shapes.expression_names)
    here = shapes.expression_basis[:, some].reshape(count, -1).astype(np.float64)
    there = (shapes.expression_basis[:, others] * _ACROSS).reshape(count, -1).astype(np.float64)
    turn = np.linalg.lstsq(here @ here.T, here @ there.T, rcond=None)[0].T
    return shapes.expression_names, turn.astype(np.float32)
