"""What weights of blendshapes amount to on the Duet head, without inference: vertices, and ARKit coefficients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import numpy as np

from ..arrays import Floats
from ..errors import WeightsError
from ..steps import Steps
from .blendshapes import Blendshapes, shipped
from .canonical import Head, load_head
from .lips import lips_of
from .retarget import ArkitSolver


@cache
def _shapes() -> tuple[Head, Blendshapes, ArkitSolver]:
    head, shapes = load_head(), shipped()
    return head, shapes, ArkitSolver(head.arkit, shapes.basis, lips=lips_of(head))


def mixed(
    names: Sequence[str], weights: Floats, life: Mapping[str, Floats] | None = None
) -> tuple[tuple[str, ...], Floats]:
    """All K learned shapes that move, and their weights (T, K): those given (T, N) of these names, and the correctives.

    `life` are the values (T,) of ARKit's shapes that move beside them, which correctives follow too. Raises
    WeightsError where one of the names is not among the shipped ones.
    """
    shapes = _shapes()[1]
    return shapes.names, shapes.mixed(_full(names, weights), life)


def deltas_of(names: Sequence[str]) -> Floats:
    """What learned shapes and ARKit's of these names add to the Duet head at 1: (K, V, 3) metres; raises as `mixed`."""
    head, shapes, _ = _shapes()
    known = (*shapes.names, *head.arkit_names)
    _require(names, known)
    if tuple(names) == shapes.names:
        return shapes.basis
    return np.concatenate([shapes.basis, head.arkit])[[known.index(name) for name in names]]


def vertices_of(names: Sequence[str], weights: Floats, life: Mapping[str, Floats] | None = None) -> Floats:
    """The Duet head's vertices (T, V, 3) in metres, of weights (T, N) of speech and expression, and of life.

    Raises as `mixed`.
    """
    head, shapes, _ = _shapes()
    faces = shapes.faces(head.vertices, _full(names, weights), life)
    for name, values in (life or {}).items():
        faces += values[:, None, None] * head.arkit[head.arkit_names.index(name)]
    return faces


def knows(names: Iterable[str]) -> bool:
    """Whether blendshapes of these names are all among the shipped ones."""
    _, shapes, _ = _shapes()
    return {*shapes.speech_names, *shapes.expression_names}.issuperset(names)


def solve_arkit(names: tuple[str, ...], weights: Floats) -> Steps[Floats]:
    """ARKit coefficients (T, 52) of weights (T, K) of the learned blendshapes of these names, in steps.

    Raises WeightsError where one is not among the shipped ones.
    """
    return (yield from _shapes()[2].steps(mixed(names, weights)[1]))


def _full(names: Sequence[str], weights: Floats) -> Floats:
    """Weights (T, N) of these names as (T, Ks + Ke) of all speech and expression shapes."""
    shapes = _shapes()[1]
    known = (*shapes.speech_names, *shapes.expression_names)
    if tuple(names) == known:
        return weights
    _require(names, known)
    full = np.zeros((len(weights), len(known)), np.float32)
    full[:, [known.index(name) for name in names]] = weights
    return full


def _require(names: Iterable[str], known: Sequence[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise WeightsError(f"The blendshape '{unknown[0]}' is of another version of Duet.", "Generate it again.")
