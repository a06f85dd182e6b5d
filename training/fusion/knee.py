"""How many blendshapes each domain needs, measured: `python -m duet.training.fusion.knee` prints the curves.

Before training, a basis of K blendshapes can do no better than the first K principal components of its set (Eckart
and Young 1936); trained bases begin there and keep their span (speech) or stay near it (expressions). So the curves
are of principal components: found on one draw of the set, measured on another.
"""

from __future__ import annotations

import numpy as np

from ...inference.arrays import Doubles, Floats
from ...inference.head.canonical import Head, load_head
from ..mouth import LIPS, vertices_of
from .deformation_space import DeformationSpace
from .examples import FusionSet, Sample
from .train import Materials, materials

SAMPLES = 1500
SPEECH_LIMIT = 0.002134  # mm: what the module may add to the lips' error (Mao et al. 2025)
STEP, GAIN = 10, 0.2  # the knee: ten more expression blendshapes gain less than 0.2 mm
_FACE = ("face",)


def curve(learned: Floats, held_out: Floats, components: Floats) -> Doubles:
    """Error (K,) in mm left by 1, 2, ... principal components of some faces (N, D) on others.

    Mean over faces of the largest error among the vertices of `components` (D, n, 3).
    """
    axes = np.linalg.svd(learned, full_matrices=False)[2]
    flat = components.reshape(len(components), -1)
    left, errors = held_out @ flat, []
    amounts, moved = held_out @ axes.T, axes @ flat
    for k in range(len(axes)):
        left = left - amounts[:, k : k + 1] * moved[k]
        errors.append(float(np.linalg.norm(left.reshape(len(left), -1, 3), axis=-1).max(axis=1).mean()))
        if errors[-1] < 1e-5:
            break
    return np.array(errors)


def speech_curve(made: Materials, head: Head) -> Doubles:
    """Of neutral speech, at the lips."""
    sets = (made.data(seed) for seed in (0, 1))
    draws = [data.neutral(SAMPLES) @ made.space.people[0] for data in sets]
    return curve(draws[0], draws[1], made.space.components[:, vertices_of(head, LIPS)])


def expression_curve(made: Materials, head: Head) -> Doubles:
    """Of sealed expressions on all people, in the moving face."""
    held = [_expressions(made.data(seed), made.space) @ made.space.sealed.coefficients for seed in (0, 1)]
    return curve(held[0], held[1], made.space.components[:, vertices_of(head, _FACE)])


def _expressions(data: FusionSet, space: DeformationSpace) -> Floats:
    sample = data.expressions(SAMPLES)
    return data.coefficients(Sample(sample.own, np.zeros_like(sample.own)), space, True)


def fewest_within(errors: Doubles, limit: float) -> int:
    """The smallest number whose error is at most the limit; all of them where none is."""
    return next((k + 1 for k, error in enumerate(errors) if error <= limit), len(errors))


def knee(errors: Doubles, step: int = STEP, gain: float = GAIN) -> int:
    """The smallest number from which `step` more lower the error by less than `gain`."""
    gained = errors[:-step] - errors[step:]
    return int(np.argmax(gained < gain)) + 1 if (gained < gain).any() else len(errors)


def report() -> list[str]:
    """Lines of Markdown: both curves and the numbers that the rules choose."""
    made, head = materials(0), load_head()
    speech, expression = speech_curve(made, head), expression_curve(made, head)
    shown = [k for k in (5, 10, 12, 13, 14, 15, 16) if k <= len(speech)]
    lines = ["| Ks | largest lip error left, mean (mm) |", "| --- | --- |"]
    lines += [f"| {k} | {speech[k - 1]:.4f} |" for k in shown]
    lines += ["", f"Ks = {fewest_within(speech, SPEECH_LIMIT)}: the fewest within {SPEECH_LIMIT} mm.", ""]
    lines += ["| Ke | largest face error left, mean (mm) | gained by ten more |", "| --- | --- | --- |"]
    for k in (5, 10, 20, 30, 40, 45, 50, 55, 60, 70, 80):
        lines.append(f"| {k} | {expression[k - 1]:.2f} | {expression[k - 1] - expression[k - 1 + STEP]:.2f} |")
    lines += ["", f"Ke = {knee(expression)}: the fewest from which {STEP} more gain less than {GAIN} mm."]
    return lines


if __name__ == "__main__":
    print("\n".join(report()))
