"""Lips of bound heads at the p, b and m of real recordings: `python -m duet.training.evaluation.closures`.

The recordings in examples/ go through the whole pipeline; PocketSphinx says when they say p, b or m. The frame of each
closure is where the Duet head's own lips are nearest to each other, and the weights there are put on the
test subjects, which Duet has bound. What the Duet head's lips do in those frames is the speech model's doing and
stands beside it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate
from tqdm import tqdm

from ...inference.arrays import Numbers
from ...inference.audio.decode import load_audio
from ...inference.binding.bind import bind
from ...inference.binding.correspond import lip_sides
from ...inference.binding.mesh import Mesh
from ...inference.binding.nearest import Surface
from ...inference.bound import Binding
from ...inference.engine.pipeline import Pipeline
from ...inference.head.blendshapes import Blendshapes, load_blendshapes
from ...inference.head.canonical import Head, load_head
from ...inference.head.recompose import vertices_of
from ...inference.take import GenerateRequest
from ..data.alignment import Recording, aligned
from ..synthesis.coarticulation import LAG
from ..test_subjects.subject import Subject
from .transfer import lip_halves, lip_pairs, subjects

_RATE = 50.0  # frames a second
MEETS = 0.5  # mm: lips nearer than that meet
_CORNER = 0.006  # metres from the corners, inside of which both lips are one fold
_DEPTH = 0.003  # metres: what lies deeper in the other lip than that is beside it, not in it
_LINES = {
    "0870": "and mister john dashwood had then leisure to consider how much there might be prudently in his power to"
    " do for them",
    "0880": "he was not an ill disposed young man",
    "0920": "had he married a more amiable woman he might have been made still more respectable than he was",
}


@dataclass(frozen=True, eq=False)
class Closure:
    """One p, b or m: its place, weights (N,) of all that a face is mixed of, the Duet head's gap in mm over rest."""

    name: str
    weights: Numbers
    gap: float


def real_closures(head: Head, folder: Path | None = None) -> list[Closure]:
    """All p, b and m of the example recordings."""
    root = Path(__file__).resolve().parents[2]
    upper, lower = (head.regions[f"inner_lip_{side}"] for side in ("upper", "lower"))
    pipeline, found = Pipeline(root / "weights", "numpy"), []
    for number, words in _LINES.items():
        name = f"sense_and_sensibility_{number}"
        samples = load_audio((folder or root / "examples" / "recordings") / f"{name}.wav")
        take = pipeline.generate(samples, GenerateRequest(fps=_RATE), lambda *_: None)
        moved = vertices_of(take.speech_names, take.speech_weights)[..., 2] - head.vertices[:, 2]
        gaps = np.percentile(moved[:, upper] - moved[:, lower], 95, axis=1) * 1000
        for phone in aligned(Recording(name, "", samples, words)):
            if phone.phone[:1] not in ("p", "b", "m"):
                continue
            first, last = (int((time + LAG) * _RATE) for time in (phone.start, phone.end))
            frame = first + int(gaps[first : last + 2].argmin())
            mixed = pipeline.shapes.mixed(take.face_weights[[frame]])[0]
            found.append(Closure(f"{number} {phone.phone} {phone.start:.2f} s", mixed, gaps[frame]))
    return found


def bound_closures(subject: Subject, binding: Binding, closures: Sequence[Closure]) -> Numbers:
    """(n, 3) mm on a bound head: lips apart (95th percentile), lips nearer (5th), and the deepest one in the other."""
    count = len(closures[0].weights)
    above, below = lip_pairs(subject)
    ends = subject.vertices[subject.landmarks[[48, 54]], 0]
    inner = np.abs(subject.vertices[:, 0] - ends.mean()) < np.ptp(ends) / 2 - _CORNER
    above_all, below_all = (half[inner[half]] for half in lip_halves(subject))
    halves, rows = (above_all, below_all), []
    for closure in closures:
        delta = np.zeros((len(subject.vertices), 3))
        delta[binding.moving] = np.tensordot(closure.weights, binding.deltas[:count], axes=1)
        change = (delta[above] - delta[below])[:, 2] * 1000
        deep = crossing(subject.mesh.moved(subject.vertices + delta), halves)
        rows.append((np.percentile(change, 95), np.percentile(change, 5), deep))
    return np.array(rows)


def own_crossing(head: Head, shapes: Blendshapes, closures: Sequence[Closure]) -> Numbers:
    """(n,) mm of the Duet head's own lips in each other."""
    mesh, halves = lip_halves_of(head)
    moved = (mesh.vertices + np.tensordot(each.weights, shapes.basis, axes=1) for each in closures)
    return np.array([crossing(mesh.moved(each), halves) for each in moved])


def lip_halves_of(head: Head) -> tuple[Mesh, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The Duet head at rest, and the vertices of its upper and of its lower lip, without the corners."""
    vertices = head.vertices.astype(np.float64)
    side = lip_sides(head, vertices)
    near = np.abs(vertices[:, 0]) < 0.02
    upper, lower = (np.flatnonzero((side * sign > 0) & (side * sign < 0.016) & near) for sign in (1, -1))
    return Mesh(vertices, head.triangles.astype(np.int64)), (upper, lower)


def crossing(mesh: Mesh, halves: tuple[NDArray[np.int64], NDArray[np.int64]]) -> float:
    """How deep in mm a vertex of one lip lies behind the surface of the other; 0 where none does."""
    deepest = 0.0
    for one, other in (halves, halves[::-1]):
        part = Mesh(mesh.vertices, mesh.triangles[np.isin(mesh.triangles, other).all(axis=1)])
        points = mesh.vertices[one]
        hit = Surface(part).closest(points, reach=2 * _DEPTH)
        normal = part.triangle_normals[np.maximum(hit.triangle, 0)]
        normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
        height = np.einsum("nd,nd->n", points - hit.position, normal)
        straight = np.abs(height) > 0.8 * hit.distance  # over a triangle, not past the surface's edge
        inside = (hit.triangle >= 0) & (hit.distance < _DEPTH) & (height < 0) & straight
        deepest = max(deepest, float(-height[inside].min(initial=0.0)))
    return deepest * 1000


def main(argv: Sequence[str] | None = None) -> None:
    """Print one table a head."""
    parser = argparse.ArgumentParser(description="Lips of bound heads at p, b and m of real recordings.")
    parser.add_argument("--identities", type=int, default=2, help="random people of the scanned model")
    options = parser.parse_args(argv)
    head, shapes = load_head(), load_blendshapes()
    closures = real_closures(head)
    neutral = Closure("rest", np.zeros(len(shapes.names)), 0.0)
    own, crossed = np.array([closure.gap for closure in closures]), own_crossing(head, shapes, [neutral, *closures])
    crossed, meets = crossed[1:] - crossed[0], own < MEETS
    print(f"{len(closures)} closures; the Duet head's own lips meet within {MEETS} mm in {int(meets.sum())} of them")
    columns = [
        "head",
        "lips meet in",
        "furthest apart there",
        "crossing, more than at rest",
        "gap, unlike the Duet head's",
    ]
    rows = [["Duet", int(meets.sum()), own[meets].max(), crossed[meets].max(), None]]
    for subject in tqdm(list(subjects(options.identities)), unit="head", disable=None):
        binding = bind(head, shapes, subject.request, lambda fraction, stage: None)
        found = bound_closures(subject, binding, [neutral, *closures])
        apart, deep = found[1:, 0], (found[1:, 2] - found[0, 2])[meets]
        change = np.abs(apart - own)[meets].max()
        rows.append([subject.name, int((apart < MEETS).sum()), apart[meets].max(), deep.max(), change])
    print(tabulate(rows, columns, "github", floatfmt=".2f"))


if __name__ == "__main__":
    main()
