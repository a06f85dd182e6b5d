"""A take with other curves, without inference: ARKit coefficients and vertices follow from its weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np

from ..errors import WeightsError
from ..steps import Steps
from ..take import Floats, Take
from .blendshapes import Blendshapes, load_blendshapes
from .canonical import Head, load_head
from .retarget import ArkitSolver


@cache
def _shapes() -> tuple[Head, Blendshapes, ArkitSolver]:
    head, shapes = load_head(), load_blendshapes()
    return head, shapes, ArkitSolver(head.arkit, shapes.basis)


def with_curves(
    take: Take, emotion_curves: Floats, speech_weights: Floats | None = None, silence: Floats | None = None
) -> Take:
    """The take with other sliders (T, E) and, where given, other speech weights (T, Ks) and silence (T,).

    Its ARKit coefficients and, where it has them, its vertices are computed anew. Raises WeightsError where the take
    is not of the shipped blendshapes.
    """
    head, shapes, solve = _shapes()
    if (take.speech_names, take.expression_names) != (shapes.speech_names, shapes.expression_names):
        raise WeightsError("The take was made by another version of Duet's model.", "Generate it again.")
    take = replace(
        take,
        emotion_curves=np.asarray(emotion_curves, np.float32),
        speech_weights=take.speech_weights if speech_weights is None else np.asarray(speech_weights, np.float32),
        silence=take.silence if silence is None else np.asarray(silence, np.float32),
    )
    weights = take.face_weights
    vertices = None if take.vertices is None else shapes.faces(head.vertices, weights)
    return replace(take, arkit=solve(shapes.mixed(weights)), vertices=vertices)


def knows(names: Iterable[str]) -> bool:
    """Whether blendshapes of these names are all among the shipped ones."""
    _, shapes, _ = _shapes()
    return {*shapes.speech_names, *shapes.expression_names}.issuperset(names)


def solve_arkit(names: tuple[str, ...], weights: Floats) -> Steps[Floats]:
    """ARKit coefficients (T, 52) of weights (T, K) of the learned blendshapes of these names, in steps.

    Raises WeightsError where one is not among the shipped ones.
    """
    _, shapes, solve = _shapes()
    known = (*shapes.speech_names, *shapes.expression_names)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise WeightsError(f"The blendshape '{unknown[0]}' is of another version of Duet.", "Add a new head.")
    full = np.zeros((len(weights), len(known)), np.float32)
    full[:, [known.index(name) for name in names]] = weights
    return (yield from solve.steps(shapes.mixed(full)))
