"""Truth of binding: Duet's ARKit shapes on the scanned head and its identities, beside the shapes scanned there.

`python -m duet.training.evaluate_transfer [--heads N] [--pictures FOLDER]` prints the tables of docs/binding.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..inference.binding.bind import bind, carry_shapes, fit_head
from ..inference.binding.correspond import surface_distance
from ..inference.binding.frontview import front_view
from ..inference.binding.mesh import Mesh, triangulated
from ..inference.binding.nearest import Surface
from ..inference.binding.nonrigid import whole_skin
from ..inference.binding.solve import graph_of
from ..inference.binding.transfer import carrier
from ..inference.blendshapes import load_blendshapes
from ..inference.bound import Binding, BindRequest
from ..inference.head import Head, load_head
from .captured import data_folder

Doubles = NDArray[np.float64]

FACE = 9409  # the scanned head's first vertices are its face
_EYEBALLS = (21451, 24591)
_MOVING = 0.25  # of a shape's largest movement, from which a vertex counts as moving
_PIXEL = 0.0002  # metres
_TOUCH = 0.0015  # metres between the lips of the neutral head within which two vertices are a pair
SHAPES = {
    "jawOpen": ("jawOpen",),
    "mouthFunnel": ("mouthFunnel",),
    "mouthPucker": ("mouthPucker",),
    "mouthClose": ("mouthClose",),
    "mouthSmileLeft": ("mouthSmile_L",),
    "mouthSmileRight": ("mouthSmile_R",),
    "mouthFrownLeft": ("mouthFrown_L",),
    "mouthFrownRight": ("mouthFrown_R",),
    "browDownLeft": ("browDown_L",),
    "browDownRight": ("browDown_R",),
    "browInnerUp": ("browInnerUp_L", "browInnerUp_R"),
    "browOuterUpLeft": ("browOuterUp_L",),
    "browOuterUpRight": ("browOuterUp_R",),
    "eyeBlinkLeft": ("eyeBlink_L",),
    "eyeBlinkRight": ("eyeBlink_R",),
}
# Poses of p, b and m: what the jaw opens, mouthClose shuts; and lips pressed and rolled in.
CLOSURES: dict[str, dict[str, float]] = {
    "jaw 0.2 shut": {"jawOpen": 0.2, "mouthClose": 0.2},
    "jaw 0.5 shut": {"jawOpen": 0.5, "mouthClose": 0.5},
    "pressed": {"mouthPressLeft": 0.6, "mouthPressRight": 0.6},
    "rolled": {"mouthRollLower": 0.4, "mouthRollUpper": 0.4},
}


@dataclass(frozen=True, eq=False)
class ScannedHead:
    """A head of the scanned model: metres, z up, the face along -y."""

    name: str
    vertices: Doubles  # (26719, 3)
    face_vertices: NDArray[np.int32]
    face_sizes: NDArray[np.int32]
    shapes: dict[str, Doubles]
    landmarks: NDArray[np.int64]  # (68,)

    @property
    def mesh(self) -> Mesh:
        """Its triangles."""
        return Mesh(self.vertices, triangulated(self.face_vertices.astype(np.int64), self.face_sizes.astype(np.int64)))

    @property
    def request(self) -> BindRequest:
        """What binding is told: nothing but the mesh."""
        nothing = np.zeros(len(self.vertices), bool)
        free = np.full((68, 3), np.nan, np.float32)
        return BindRequest(
            self.name, self.vertices.astype(np.float32), self.face_vertices, self.face_sizes, nothing, free
        )


def scanned_heads(count: int, folder: Path | None = None) -> list[ScannedHead]:
    """The average scanned head and random identities of the model, `count` in all, always the same ones."""
    folder = (folder or data_folder()) / "ict_facekit"
    base, modes = np.load(folder / "head.npz"), np.load(folder / "identities.npz")
    shapes = {name: _axes(delta) for name, delta in np.load(folder / "expressions.npz").items()}
    indices = json.loads((folder / "vertex_indices.json").read_text())
    landmarks = np.array(indices["idx_to_landmark_verts"], np.int64)
    rng, heads = np.random.default_rng(5), []
    for number in range(count):
        weights = rng.normal(0.0, 1.0, len(modes.files)) if number else np.zeros(len(modes.files))
        identity = sum(
            weight * modes[name].astype(np.float64) for weight, name in zip(weights, modes.files, strict=True)
        )
        vertices = _axes(base["vertices"] + identity)
        corners, sizes = base["face_vertices"].astype(np.int32), base["face_sizes"].astype(np.int32)
        name = f"identity {number}" if number else "average"
        heads.append(ScannedHead(name, vertices, corners, sizes, shapes, landmarks))
    return heads


def _axes(centimetres: NDArray[np.floating]) -> Doubles:
    """From centimetres, y up and z to the front, to metres, z up and -y to the front."""
    x, y, z = np.moveaxis(np.asarray(centimetres, np.float64) * 0.01, -1, 0)
    return np.stack([x, -z, y], axis=-1)


def shape_of(binding: Binding, name: str, count: int) -> Doubles:
    """(count, 3) a bound shape on all vertices."""
    delta = np.zeros((count, 3))
    delta[binding.moving] = binding.deltas[binding.names.index(name)]
    return delta


def compare(found: Doubles, true: Doubles) -> tuple[float, float, int]:
    """Median cosine and magnitude ratio of (n, 3) over the vertices that truly move, and their number."""
    size, own = np.linalg.norm(true, axis=1), np.linalg.norm(found, axis=1)
    moving = size > _MOVING * size.max()
    cosine = (found * true).sum(axis=1)[moving] / np.maximum(size[moving] * own[moving], 1e-12)
    return float(np.median(cosine)), float(np.median(own[moving] / size[moving])), int(moving.sum())


def lip_halves(head: ScannedHead) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vertices of the upper and of the lower lip, between the corners, by the model's own landmarks."""
    mesh = head.mesh
    inside = (mesh.triangles < FACE).all(axis=1)
    skin = Mesh(head.vertices[:FACE], mesh.triangles[inside])
    length = np.linalg.norm(skin.vertices[skin.edges[:, 0]] - skin.vertices[skin.edges[:, 1]], axis=1)
    graph = graph_of(skin.edges, FACE, length)
    upper = surface_distance(graph, head.landmarks[50:53], 0.2)
    lower = surface_distance(graph, head.landmarks[56:59], 0.2)
    ends = head.vertices[head.landmarks[[48, 54]], 0]
    within = (head.vertices[:FACE, 0] > ends.min() + 0.003) & (head.vertices[:FACE, 0] < ends.max() - 0.003)
    mouth = np.flatnonzero((np.minimum(upper, lower) < 0.04) & within)
    return mouth[upper[mouth] < lower[mouth]], mouth[upper[mouth] > lower[mouth]]


def lip_pairs(head: ScannedHead) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vertices of the upper lip and the ones of the lower lip that lie on them."""
    above, below = lip_halves(head)
    off = np.linalg.norm(head.vertices[above][:, None] - head.vertices[below], axis=2)
    near = off.min(axis=1) < _TOUCH
    return above[near], below[off.argmin(axis=1)[near]]


def lip_gaps(head: ScannedHead, binding: Binding, pose: dict[str, float]) -> tuple[float, float]:
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


def closing_share(head: ScannedHead) -> float:
    """How much of what the scan's own jawOpen opens its own mouthClose shuts: over 1 the lips go through each other.

    A mouthClose whose lips meet has at most 1 / this of the scan's magnitude.
    """
    above, below = lip_pairs(head)
    opened, closed = (
        np.median((head.shapes[name][above] - head.shapes[name][below])[:, 2]) for name in ("jawOpen", "mouthClose")
    )
    return float(-closed / opened)


def eye_left_open(head: ScannedHead, delta: Doubles) -> float:
    """Share of the eyeball's pixels, seen from the front, that a shape leaves uncovered; lashes do not cover."""
    triangles = head.mesh.triangles
    usable = (triangles < FACE).all(axis=1) | ((triangles >= _EYEBALLS[0]) & (triangles < _EYEBALLS[1])).all(axis=1)
    triangles, seen = triangles[usable], []
    moved = np.abs(delta).sum(axis=1).argmax()
    side = np.sign(head.vertices[moved, 0])
    eye = head.vertices[head.landmarks[42:48] if side > 0 else head.landmarks[36:42]][:, [0, 2]]
    for vertices in (head.vertices, head.vertices + delta):
        view = front_view(vertices, triangles, eye.min(axis=0) - 0.005, eye.max(axis=0) + 0.005, _PIXEL)
        hit = view.triangle[view.triangle >= 0]
        seen.append(int((triangles[hit, 0] >= _EYEBALLS[0]).sum()))
    return seen[1] / max(seen[0], 1)


def evaluate(head: Head, scanned: ScannedHead) -> tuple[Binding, list[str]]:
    """Bind one head and describe it, one line a finding."""
    start, work = time.perf_counter(), time.process_time()
    binding = bind(head, load_blendshapes(), scanned.request, lambda fraction, stage: None)
    seconds, work = time.perf_counter() - start, time.process_time() - work
    off = np.linalg.norm(binding.landmarks - scanned.vertices[scanned.landmarks], axis=1)[17:] * 1000
    lines = [
        f"## {scanned.name}: bound in {seconds:.1f} s ({work:.1f} s of processor), "
        f"face within {binding.residual:.2f} mm, inner landmarks within {np.median(off):.1f} mm (median)",
        "| shape | cosine | magnitude | vertices |",
        "| --- | --- | --- | --- |",
    ]
    for name, parts in SHAPES.items():
        true = _summed(scanned, parts)[:FACE]
        cosine, ratio, count = compare(shape_of(binding, name, len(scanned.vertices))[:FACE], true)
        lines.append(f"| {name} | {cosine:.3f} | {ratio:.2f} | {count} |")
    lines.append(f"the scan's own mouthClose shuts {closing_share(scanned):.2f} of what its jawOpen opens")
    for label, pose in CLOSURES.items():
        apart, cross = lip_gaps(scanned, binding, pose)
        lines.append(f"lips, {label}: parted {apart:+.2f} mm, crossed {cross:+.2f} mm")
    for name in ("eyeBlinkLeft", "eyeBlinkRight"):
        share = eye_left_open(scanned, shape_of(binding, name, len(scanned.vertices)))
        true_share = eye_left_open(scanned, scanned.shapes[SHAPES[name][0]])
        lines.append(f"{name}: {share:.1%} of the eye stays open (the scan's own shape: {true_share:.1%})")
    return binding, lines


def carried_over(head: Head, source: ScannedHead, target: ScannedHead) -> list[str]:
    """The transfer alone: one head's scanned shapes go to the canonical head and on to another head, as binding goes.

    The canonical head's own idea of a smile plays no part in it, so that what misses is missed by the correspondence.
    """
    first, second = (fit_head(head, each.request, lambda fraction, stage: None) for each in (source, target))
    skin = whole_skin(head)
    own = Mesh(first.registered, head.triangles.astype(np.int64))
    hit = Surface(first.target, 0.008).closest(first.registered[skin], own.normals[skin], 0.02)
    frames = carrier(head, first.registered).frames[skin]
    back = first.placement.rotation / first.placement.scale
    shapes = np.zeros((len(SHAPES), len(head.vertices), 3), np.float32)
    for row, parts in enumerate(SHAPES.values()):
        moved = hit.values(first.target.triangles, _summed(source, parts) @ back)
        shapes[row, skin] = np.linalg.solve(frames, moved[:, :, None])[:, :, 0]
    nothing = np.zeros(len(target.vertices), bool)
    moving, deltas, _ = carry_shapes(head, second, shapes, nothing, lambda fraction: None)
    lines = [f"## shapes scanned on '{source.name}', by way of the Duet head, on '{target.name}'"]
    lines += ["| shape | cosine | magnitude |", "| --- | --- | --- |"]
    for (name, parts), delta in zip(SHAPES.items(), deltas, strict=True):
        found = np.zeros((len(target.vertices), 3))
        found[moving] = delta
        cosine, ratio, _ = compare(found[:FACE], _summed(target, parts)[:FACE])
        lines.append(f"| {name} | {cosine:.3f} | {ratio:.2f} |")
    return lines


def _summed(scanned: ScannedHead, parts: Sequence[str]) -> Doubles:
    return np.sum([scanned.shapes[part] for part in parts], axis=0)


def picture(scanned: ScannedHead, binding: Binding, names: Sequence[str], path: Path) -> None:
    """Write a picture: each shape as transferred (above) and as scanned (below)."""
    from PIL import Image

    mesh = scanned.mesh
    kept = Mesh(mesh.vertices, mesh.triangles[(mesh.triangles < 24591).all(axis=1)])
    rows = []
    for transferred in (True, False):
        shown = []
        for name in names:
            delta = shape_of(binding, name, len(mesh.vertices)) if transferred else _summed(scanned, SHAPES[name])
            shown.append(_shaded(kept.moved(mesh.vertices + delta)))
        rows.append(np.concatenate(shown, axis=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(path, optimize=True)


def _shaded(mesh: Mesh) -> NDArray[np.uint8]:
    low, high = np.array([-0.095, -0.15]), np.array([0.095, 0.125])
    view = front_view(mesh.vertices, mesh.triangles, low, high, 0.0008)
    normals = mesh.triangle_normals / np.maximum(np.linalg.norm(mesh.triangle_normals, axis=1, keepdims=True), 1e-30)
    light = np.array([0.38, -0.78, 0.5])
    bright = np.clip(normals @ light, 0.0, 1.0) * 0.75 + 0.2
    image = np.where(view.triangle >= 0, bright[view.triangle], 1.0)[::-1]
    grey = np.clip(image * 255, 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables and write the pictures."""
    parser = argparse.ArgumentParser(description="Bind the scanned heads and compare with their own shapes.")
    parser.add_argument("--heads", type=int, default=1, help="the average head and random identities")
    parser.add_argument("--pictures", type=Path, help="folder for transfer_*.png")
    options = parser.parse_args(argv)
    head = load_head()
    scans = scanned_heads(options.heads)
    for label, pose in CLOSURES.items():
        apart, cross = own_gaps(head, pose)
        print(f"the Duet head's own lips, {label}: parted {apart:+.2f} mm, crossed {cross:+.2f} mm")
    if len(scans) > 1:
        print("\n".join(carried_over(head, *scans[:2])), flush=True)
    for number, scanned in enumerate(scans):
        binding, lines = evaluate(head, scanned)
        print("\n".join(lines), flush=True)
        if options.pictures and number == 0:
            mouth = ("jawOpen", "mouthFunnel", "mouthPucker", "mouthSmileLeft", "mouthFrownLeft")
            picture(scanned, binding, mouth, options.pictures / "transfer_mouth.png")
            eyes = ("browDownLeft", "browInnerUp", "browOuterUpLeft", "eyeBlinkLeft", "eyeBlinkRight")
            picture(scanned, binding, eyes, options.pictures / "transfer_eyes.png")


if __name__ == "__main__":
    main()
