"""The head's topology: which of MakeHuman's vertices it keeps, what it adds, and how positions become the head's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...inference.head import MATERIALS
from . import cut, eyes, hair, teeth
from .sources import Base, Doubles, Indices

Binding = tuple[Indices, Doubles, Doubles]  # base vertices (n, 4), their weights (n, 4), offsets (n, 3) in metres


@dataclass(frozen=True)
class Faces:
    """Polygons of a part, into the head's vertices."""

    corners: list[list[int]]
    uv: list[list[tuple[float, float]]]
    materials: list[str]


@dataclass(frozen=True)
class Assembly:
    """Topology and binding. Vertices: skin, left and right eye, upper and lower teeth, tongue, lashes, brows."""

    body: Indices  # base vertices of the skin
    rim: Indices  # the cut's loop, into the head's vertices
    index: Indices  # (V, 4) base vertices; eyes hold zeros
    weight: Doubles  # (V, 4)
    offset: Doubles  # (V, 3)
    eye_helpers: tuple[Indices, Indices]  # base vertices of MakeHuman's left and right eye
    eye: eyes.EyeMesh
    parts: dict[str, slice]
    faces: Faces

    def place(self, positions: Doubles) -> Doubles:
        """(V, 3) from positions (19158, 3) of the base mesh; eyes are balls fitted to MakeHuman's."""
        result = np.einsum("vk,vkd->vd", self.weight, positions[self.index]) + self.offset
        for name, helpers in zip(("left_eye", "right_eye"), self.eye_helpers, strict=True):
            ball = eyes.fit_ball(positions[helpers])
            result[self.parts[name]] = self.eye.vertices * ball.radius + ball.centre
        return result

    @cached_property
    def skin_edges(self) -> Indices:
        """(n, 2) edges of the skin, each once."""
        faces = np.array([face for face in self.faces.corners if len(face) == 4 and face[0] < len(self.body)])
        pairs = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
        return np.unique(pairs, axis=0)


def assemble(base: Base, positions: Doubles) -> Assembly:
    """Cut, eyes, teeth, tongue, lashes and brows as one topology; brows are bound where `positions` has the skin."""
    mesh = cut.quads(base.groups["body"][0])
    rim = mesh.loop(cut.RIM_START, base.vertices)
    kept = cut.faces_above(mesh, rim, _crown(base))
    body = np.unique(mesh.faces[kept])
    builder = _Builder()
    skin_uv = base.uv[base.groups["body"][1][kept]]
    builder.add("skin", _copied(body), np.searchsorted(body, mesh.faces[kept]), skin_uv, "skin")
    eye, helpers = eyes.eye_mesh(), [np.unique(base.groups[f"helper-{side}-eye"][0]) for side in "lr"]
    for name in ("left_eye", "right_eye"):
        builder.add(name, _zeros(len(eye.vertices)), eye.faces, eye.uv, eye.materials)
    for jaw in ("upper", "lower"):
        part = teeth.teeth_mesh(base, jaw)
        builder.add(f"{jaw}_teeth", (part.index, part.weight, part.offset), part.faces, part.uv, part.materials)
    builder.add_copy("tongue", *base.groups["helper-tongue"], base.uv)
    pairs = [hair.lash_faces(base, side) for side in "lr"]
    builder.add_copy("lashes", np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs]), base.uv)
    for side, name in ((1.0, "left_brow"), (-1.0, "right_brow")):
        centre = eyes.fit_ball(positions[helpers[0 if side > 0 else 1]]).centre
        brow = hair.brow_ribbon(positions, mesh.faces[kept], centre, side)
        builder.add(name, (brow.index, brow.weight, brow.offset), brow.faces, brow.uv, "brows")
    index, weight, offset = (np.concatenate(arrays) for arrays in zip(*builder.bindings, strict=True))
    rim_here = np.searchsorted(body, rim)
    return Assembly(body, rim_here, index, weight, offset, (helpers[0], helpers[1]), eye, builder.parts, builder.faces)


class _Builder:
    """Collects parts one after another."""

    def __init__(self) -> None:
        self.parts: dict[str, slice] = {}
        self.bindings: list[Binding] = []
        self.faces = Faces([], [], [])
        self._count = 0

    def add(self, name: str, binding: Binding, corners: Any, uv: Any, materials: str | list[str]) -> None:
        """A part with its own vertices; `corners` point into them."""
        size = len(binding[0])
        self.parts[name] = slice(self._count, self._count + size)
        self.bindings.append(binding)
        self.faces.corners.extend([int(v) + self._count for v in face] for face in corners)
        self.faces.uv.extend([(float(u), float(v)) for u, v in face] for face in uv)
        self.faces.materials.extend([materials] * len(corners) if isinstance(materials, str) else materials)
        self._count += size

    def add_copy(self, name: str, faces: Indices, uv: Indices, places: Doubles) -> None:
        """A part that is taken over from the base mesh as it is; its material has its name."""
        vertices = np.unique(faces)
        self.add(name, _copied(vertices), np.searchsorted(vertices, faces), places[uv], name)


def _copied(vertices: Indices) -> Binding:
    index, weight, offset = _zeros(len(vertices))
    index[:, 0], weight[:, 0] = vertices, 1.0
    return index, weight, offset


def _zeros(count: int) -> Binding:
    return np.zeros((count, 4), int), np.zeros((count, 4)), np.zeros((count, 3))


def _crown(base: Base) -> int:
    """The topmost vertex of the body."""
    body = np.unique(base.groups["body"][0])
    return int(body[base.vertices[body, 2].argmax()])


def material_slots(faces: Faces) -> Indices:
    """(F,) indices into MATERIALS."""
    return eyes.slots(faces.materials, MATERIALS)
