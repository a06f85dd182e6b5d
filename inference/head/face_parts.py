"""What of an expression is the mouth's, and what the rest of the face's: each can be turned down without the other.

Where the mouth is, speech says: the further the speech keys move a vertex, the more it belongs to the mouth. What an
expression leaves to the rest of the face is found in its own blendshapes: those weights that come nearest to its face
with the mouth at rest. So the parts are weights as well, on every head.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from ..arrays import Floats
from ..numeric import smoothstep
from ..take import Take
from .blendshapes import Blendshapes, shipped

_FROM, _TO = 0.05, 0.35  # of how far speech moves a vertex at most: none of the mouth's, all of it
_BETWEEN, _MOUTH = 0.1, 2.0  # how much a vertex counts there, where the rest of the face has 1: the mouth keeps still
_EVERY = 4  # vertices, of which one counts: there are thousands left
_LEAST = 1e-5  # of the squares' mean: holds weights down that nothing asks for


def mouth_of(shapes: Blendshapes, weights: Floats) -> Floats:
    """(N, Ke): the part of weights (N, Ke) of the expression blendshapes that moves the mouth."""
    return (weights @ _mouth_part(shapes)).astype(np.float32)


def known_mouth_of(names: tuple[str, ...], weights: Floats) -> Floats:
    """The same of weights of these names; 0 where they are another version's, whose parts are not known."""
    shapes = shipped()
    return mouth_of(shapes, weights) if names == shapes.expression_names else np.zeros_like(weights)


def in_parts(take: Take, upper: float, mouth: float) -> Take:
    """The take with so much of its emotions above the mouth, and in it; of another version's, `upper` in all."""
    if upper == mouth == 1.0:
        return take
    weights = take.expression_weights
    part = known_mouth_of(take.expression_names, weights)
    return replace(take, expression_weights=(upper * weights + (mouth - upper) * part).astype(np.float32))


@cache
def _mouth_part(shapes: Blendshapes) -> Floats:
    """(Ke, Ke): weights times it are the mouth's part."""
    speech, felt = (basis[:, ::_EVERY].astype(np.float64) for basis in (shapes.speech_basis, shapes.expression_basis))
    reach = np.sqrt(np.square(speech).sum(axis=(0, 2)))
    mouth = smoothstep(reach / reach.max(), _FROM, _TO)[:, None]
    count = np.where(mouth == 0, 1.0, np.where(mouth == 1, _MOUTH, _BETWEEN))
    faces, rest = ((felt * share).reshape(len(felt), -1) for share in (count, count * (1 - mouth)))
    squares = faces @ faces.T
    squares += _LEAST * np.trace(squares) / len(squares) * np.eye(len(squares))
    above = np.linalg.solve(squares, faces @ rest.T).T
    return (np.eye(len(above)) - above).astype(np.float32)
