"""Truth of binding: Duet's ARKit shapes on heads that have shapes of their own, beside those.

`python -m duet.training.evaluation.transfer [--identities N] [--pictures FOLDER]` prints the tables of docs/binding.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Doubles, Ints
from ...inference.binding.bind import bind, carry_shapes, fit_head
from ...inference.binding.correspond import surface_distance
from ...inference.binding.frontview import front_view
from ...inference.binding.mesh import Mesh
from ...inference.binding.nearest import Surface
from ...inference.binding.nonrigid import whole_skin
from ...inference.binding.solve import graph_of
from ...inference.binding.transfer import carrier
from ...inference.bound import Binding
from ...inference.head.blendshapes import load_blendshapes
from ...inference.head.canonical import Head, load_head
from ..test_subjects.ict import ict_subjects
from ..test_subjects.makehuman import load_makehuman
from ..test_subjects.subject import Subject

_MOVING = 0.25  # of a shape's largest movement, from which a vertex counts as moving
_PIXEL = 0.0002  # metres
_TOUCH = 0.0015  # metres between the lips of the neutral head within which two vertices are a pair
COSINE, MAGNITUDE = 0.85, (0.75, 1.33)  # what every shape is to reach
SHAPES = (
    *("jawOpen", "mouthFunnel", "mouthPucker", "mouthClose", "mouthSmileLeft", "mouthSmileRight"),
    *("mouthFrownLeft", "mouthFrownRight", "browDownLeft", "browDownRight", "browInnerUp"),
    *("browOuterUpLeft", "browOuterUpRight", "eyeBlinkLeft", "eyeBlinkRight"),
)
# Poses of p, b and m: what the jaw opens, mouthClose shuts; and lips pressed and rolled in.
CLOSURES: dict[str, dict[str, float]] = {
    "jaw 0.2 shut": {"jawOpen": 0.2, "mouthClose": 0.2},
    "jaw 0.5 shut": {"jawOpen": 0.5, "mouthClose": 0.5},
    "pressed": {"mouthPressLeft": 0.6, "mouthPressRight": 0.6},
    "rolled": {"mouthRollLower": 0.4, "mouthRollUpper": 0.4},
}


def subjects(identities: int) -> list[Subject]:
    """The MakeHuman head and random people of the scanned model, always the same ones."""
    return [load_makehuman(), *ict_subjects(identities)]


def shape_of(binding: Binding, name: str, count: int) -> Doubles:
    """(count, 3) a bound shape on all vertices."""
    delta = np.zeros((count, 3))
    delta[binding.moving] = binding.deltas[binding.names.index(name)]
    return delta


def compare(found: Doubles, true: Doubles) -> tuple[float, float]:
    """Median cosine and magnitude ratio of (n, 3) over the vertices that truly move."""
    size, own = np.linalg.norm(true, axis=1), np.linalg.norm(found, axis=1)
    moving = size > _MOVING * size.max()
    cosine = (found * true).sum(axis=1)[moving] / np.maximum(size[moving] * own[moving], 1e-12)
    return float(np.median(cosine)), float(np.median(own[moving] / size[moving]))


def furthest(found: Doubles, true: Doubles) -> float:
    """How far the vertex that moves most goes, of displacements (n, 3): found over true."""
    own, due = (float(np.linalg.norm(delta, axis=1).max()) for delta in (found, true))
    return own / max(due, 1e-12)


def lip_halves(head: Subject) -> tuple[Ints, Ints]:
    """Vertices of the upper and of the lower lip, between the corners, by the head's own landmarks."""
    edges = head.mesh.edges[np.isin(head.mesh.edges, head.skin).all(axis=1)]
    length = np.linalg.norm(head.vertices[edges[:, 0]] - head.vertices[edges[:, 1]], axis=1)
    graph = graph_of(edges, len(head.vertices), length)
    upper = surface_distance(graph, head.landmarks[50:53], 0.2)
    lower = surface_distance(graph, head.landmarks[56:59], 0.2)
    ends = head.vertices[head.landmarks[[48, 54]], 0]
    within = (head.vertices[:, 0] > ends.min() + 0.003) & (head.vertices[:, 0] < ends.max() - 0.003)
    mouth = np.flatnonzero((np.minimum(upper, lower) < 0.04) & within)
    return mouth[upper[mouth] < lower[mouth]], mouth[upper[mouth] > lower[mouth]]


def lip_pairs(head: Subject) -> tuple[Ints, Ints]:
    """Vertices of the upper lip and the ones of the lower lip that lie on them."""
    above, below = lip_halves(head)
    off = np.linalg.norm(head.vertices[above][:, None] - head.vertices[below], axis=2)
    near = off.min(axis=1) < _TOUCH
    return above[near], below[off.argmin(axis=1)[near]]


def lip_gaps(head: Subject, binding: Binding, pose: dict[str, float]) -> tuple[float, float]:
    """How far pairs of lips part (95th percentile) and cross (5th, negative) in a pose, mm against the neutral."""
    above, below = lip_pairs(head)
    delta = np.sum([weight * shape_of(binding, name, len(head.vertices)) for name, weight in pose.items()], axis=0)
    change = (delta[above] - delta[below])[:, 2] * 1000
    return float(np.percentile(change, 95)), float(np.percentile(change, 5))


def own_gaps(head: Head, pose: dict[str, float]) -> tuple[float, float]:
    """What `lip_gaps` is on the Duet head itself."""
    change = (head.pose(pose) - head.vertices)[:, 2] * 1000
    apart = change[head.regions["inner_lip_upper"]] - change[head.regions["inner_lip_lower"]]
    return float(np.percentile(apart, 95)), float(np.percentile(apart, 5))


def closing_share(head: Subject) -> float:
    """How much of what the subject's own jawOpen opens its own mouthClose shuts: over 1 the lips pass each other.

    A mouthClose whose lips meet has at most 1 / this of its magnitude.
    """
    above, below = lip_pairs(head)
    opened, closed = (
        np.median((head.shapes[name][above] - head.shapes[name][below])[:, 2]) for name in ("jawOpen", "mouthClose")
    )
    return float(-closed / opened)


def eye_left_open(head: Subject, delta: Doubles) -> float:
    """Share of the eyeball's pixels, seen from the front, that a shape leaves uncovered; lashes do not cover."""
    triangles = head.mesh.triangles
    usable = [np.isin(triangles, part).all(axis=1) for part in (head.skin, head.eyes)]
    triangles, seen = triangles[usable[0] | usable[1]], []
    moved = np.abs(delta).sum(axis=1).argmax()
    side = np.sign(head.vertices[moved, 0])
    eye = head.vertices[head.landmarks[42:48] if side > 0 else head.landmarks[36:42]][:, [0, 2]]
    for vertices in (head.vertices, head.vertices + delta):
        view = front_view(vertices, triangles, eye.min(axis=0) - 0.005, eye.max(axis=0) + 0.005, _PIXEL)
        hit = view.triangle[view.triangle >= 0]
        seen.append(int(np.isin(triangles[hit, 0], head.eyes).sum()))
    return seen[1] / max(seen[0], 1)


def shut_at(head: Subject, delta: Doubles) -> float:
    """The least share of a blink at which under 2 % of the eye is left open; nan where none is."""
    shares = np.linspace(0.5, 1.0, 11)
    return next((float(share) for share in shares if eye_left_open(head, share * delta) < 0.02), float("nan"))


def missed(shapes: Mapping[str, tuple[float, float]]) -> list[str]:
    """Names of those whose (cosine, magnitude) do not reach COSINE and MAGNITUDE."""
    least, most = MAGNITUDE
    return [name for name, (cosine, ratio) in shapes.items() if cosine < COSINE or not least <= ratio <= most]


@dataclass(frozen=True, eq=False)
class Truth:
    """What binding gave one subject, beside what it has itself."""

    binding: Binding
    seconds: float
    landmarks: float  # mm, median over the inner ones
    shapes: dict[str, tuple[float, float]]  # name -> cosine, magnitude
    lips: dict[str, tuple[float, float]]  # pose -> parted, crossed, mm
    furthest: dict[str, float]  # name -> how far the vertex that moves most goes, over how far it truly does
    shut_at: dict[str, float]  # blink -> the share of the subject's own shape at which the eye is shut
    open_eyes: dict[str, tuple[float, float]]  # blink -> share of the eye that stays open; by the subject's own shape

    def missed(self) -> list[str]:
        """Shapes that do not reach COSINE and MAGNITUDE."""
        return missed(self.shapes)


def evaluate(head: Head, subject: Subject) -> Truth:
    """Bind one subject and compare."""
    start = time.perf_counter()
    binding = bind(head, load_blendshapes(), subject.request, lambda fraction, stage: None)
    seconds = time.perf_counter() - start
    off = np.linalg.norm(binding.landmarks - subject.vertices[subject.landmarks], axis=1)[17:] * 1000
    given = {name: shape_of(binding, name, len(subject.vertices)) for name in SHAPES}
    blinks = [name for name in SHAPES if name.startswith("eyeBlink")]
    return Truth(
        binding,
        seconds,
        float(np.median(off)),
        {name: compare(given[name][subject.face], subject.shapes[name][subject.face]) for name in SHAPES},
        {label: lip_gaps(subject, binding, pose) for label, pose in CLOSURES.items()},
        {name: furthest(given[name][subject.face], subject.shapes[name][subject.face]) for name in SHAPES},
        {n: shut_at(subject, subject.shapes[n]) for n in blinks},
        {n: (eye_left_open(subject, given[n]), eye_left_open(subject, subject.shapes[n])) for n in blinks},
    )


def described(subject: Subject, truth: Truth) -> list[str]:
    """Lines of text."""
    lines = [
        f"## {subject.name}: bound in {truth.seconds:.1f} s, face within {truth.binding.residual:.2f} mm, "
        f"inner landmarks within {truth.landmarks:.1f} mm (median)",
        "| shape | cosine | magnitude | furthest |",
        "| --- | --- | --- | --- |",
    ]
    for name, (cosine, ratio) in truth.shapes.items():
        lines.append(f"| {name} | {cosine:.3f} | {ratio:.2f} | {truth.furthest[name]:.2f} |")
    lines.append(f"missed: {', '.join(truth.missed()) or 'none'}")
    lines.append(f"its own mouthClose shuts {closing_share(subject):.2f} of what its jawOpen opens")
    lines += [f"lips, {label}: parted {a:+.2f} mm, crossed {c:+.2f} mm" for label, (a, c) in truth.lips.items()]
    lines += [
        f"{name}: {share:.1%} of the eye stays open (its own shape: {own:.1%}, shut from {truth.shut_at[name]:.2f} on)"
        for name, (share, own) in truth.open_eyes.items()
    ]
    return [*lines, *truth.binding.notes]


def carried_over(head: Head, source: Subject, target: Subject) -> dict[str, tuple[float, float]]:
    """The transfer alone: one subject's shapes go to the canonical head and on to another, as binding goes.

    The canonical head's own idea of a smile plays no part in it, so that what misses is missed by the correspondence.
    The two may be one and the same: there and back.
    """
    first = fit_head(head, source.request, lambda fraction, stage: None)
    second = first if target is source else fit_head(head, target.request, lambda fraction, stage: None)
    skin = whole_skin(head)
    own = Mesh(first.registered, head.triangles.astype(np.int64))
    hit = Surface(first.target, 0.008).closest(first.registered[skin], own.normals[skin], 0.02)
    frames = carrier(head, first.registered).frames[skin]
    back = first.placement.rotation / first.placement.scale
    shapes = np.zeros((len(SHAPES), len(head.vertices), 3), np.float32)
    for row, name in enumerate(SHAPES):
        moved = hit.values(first.target.triangles, source.shapes[name] @ back)
        shapes[row, skin] = np.linalg.solve(frames, moved[:, :, None])[:, :, 0]
    nothing = np.zeros(len(target.vertices), bool)
    moving, deltas, _ = carry_shapes(head, second, shapes, nothing, lambda fraction: None)
    found = np.zeros((len(SHAPES), len(target.vertices), 3))
    found[:, moving] = deltas
    return {
        name: compare(delta[target.face], target.shapes[name][target.face])
        for name, delta in zip(SHAPES, found, strict=True)
    }


def picture(subject: Subject, binding: Binding, names: Sequence[str], path: Path) -> None:
    """Write a picture: each shape as transferred (above) and as the subject has it (below)."""
    from PIL import Image

    mesh, kept, rows = subject.mesh, skin_and_eyes(subject), []
    for transferred in (True, False):
        deltas = [
            shape_of(binding, name, len(mesh.vertices)) if transferred else subject.shapes[name] for name in names
        ]
        rows.append(np.concatenate([shaded(kept.moved(mesh.vertices + delta)) for delta in deltas], axis=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(path, optimize=True)


def skin_and_eyes(subject: Subject) -> Mesh:
    """What a picture shows of a subject."""
    mesh = subject.mesh
    shown = np.union1d(np.unique(mesh.triangles[np.isin(mesh.triangles, subject.skin).any(axis=1)]), subject.eyes)
    return Mesh(mesh.vertices, mesh.triangles[np.isin(mesh.triangles, shown).all(axis=1)])


def shaded(mesh: Mesh) -> NDArray[np.uint8]:
    """A picture (H, W, 3) of a mesh from the front, in grey."""
    places = mesh.vertices[np.unique(mesh.triangles)][:, [0, 2]]
    middle, half = (places.min(axis=0) + places.max(axis=0)) / 2, np.array([0.095, 0.14])
    view = front_view(mesh.vertices, mesh.triangles, middle - half, middle + half, 0.0008)
    normals = mesh.triangle_normals / np.maximum(np.linalg.norm(mesh.triangle_normals, axis=1, keepdims=True), 1e-30)
    light = np.array([0.38, -0.78, 0.5])
    bright = np.clip(normals @ light, 0.0, 1.0) * 0.75 + 0.2
    image = np.where(view.triangle >= 0, bright[view.triangle], 1.0)[::-1]
    grey = np.clip(image * 255, 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables and write the pictures."""
    parser = argparse.ArgumentParser(description="Bind heads that have shapes of their own, and compare.")
    parser.add_argument("--identities", type=int, default=2, help="random people of the scanned model")
    parser.add_argument("--pictures", type=Path, help="folder for transfer_*.png, of the MakeHuman head")
    options = parser.parse_args(argv)
    head, found = load_head(), subjects(options.identities)
    for label, pose in CLOSURES.items():
        apart, cross = own_gaps(head, pose)
        print(f"the Duet head's own lips, {label}: parted {apart:+.2f} mm, crossed {cross:+.2f} mm")
    for number, subject in enumerate(found):
        truth = evaluate(head, subject)
        print("\n".join(described(subject, truth)), flush=True)
        if options.pictures and number == 0:
            mouth = ("jawOpen", "mouthFunnel", "mouthPucker", "mouthSmileLeft", "mouthFrownLeft")
            picture(subject, truth.binding, mouth, options.pictures / "transfer_mouth.png")
            eyes = ("browDownLeft", "browInnerUp", "browOuterUpLeft", "eyeBlinkLeft", "eyeBlinkRight")
            picture(subject, truth.binding, eyes, options.pictures / "transfer_eyes.png")
    for source, target in [(found[0], found[0]), *([found[1:3]] if len(found) > 2 else [])]:
        print(f"## the shapes of '{source.name}' by way of the Duet head on '{target.name}'")
        for name, (cosine, ratio) in carried_over(head, source, target).items():
            print(f"| {name} | {cosine:.3f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
