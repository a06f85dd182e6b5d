"""Lashes, MakeHuman's upper ones cut short, and brows, two ribbons laid on the skin and moved by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .cut import quads
from .eyes import fit_ball
from .sources import Base, Doubles, Indices

LASH_ROWS = 2  # of five: the full length reads as a mask under flat shading
# The left brow from its head to its tail, as seen from the front: (x, z) from the eye's centre, and half of the
# ribbon's width, in millimetres.
_BROW = (
    *((-17.5, 13.3, 1.5), (-13.5, 14.6, 2.7), (-8.0, 15.9, 2.9), (-2.0, 17.2, 2.8), (4.0, 18.2, 2.5)),
    *((10.0, 18.2, 2.0), (15.5, 16.6, 1.5), (20.0, 13.8, 0.9), (23.0, 11.2, 0.4)),
)
_BROW_ROWS = ((-1.0, -0.3), (-0.5, 1.0), (0.5, 1.0), (1.0, -0.3))  # (share of the half width, height in mm)


@dataclass(frozen=True)
class Ribbon:
    """Brow vertices bound to skin: barycentric weights on three base vertices and offsets along the skin's normal."""

    index: Indices  # (n, 4), the last one unused
    weight: Doubles  # (n, 4)
    offset: Doubles  # (n, 3)
    faces: Indices  # (f, 4)
    uv: Doubles  # (f, 4, 2)


def lash_faces(base: Base, side: str) -> tuple[Indices, Indices]:
    """(faces, uv) into the base mesh of the first rows of the upper lashes of `side` ("l" or "r")."""
    faces, uv = base.groups[f"helper-{side}-eyelashes-2"]
    mesh = quads(faces)
    centre = fit_ball(base.vertices[np.unique(base.groups[f"helper-{side}-eye"][0])]).centre
    border = {v for pair, beside in mesh.edge_faces.items() if len(beside) == 1 for v in pair}
    depth = {v: 0 for v in border if np.linalg.norm(base.vertices[v] - centre) < 0.0162}
    for row in range(1, LASH_ROWS + 1):
        ring = {n for v, d in depth.items() if d == row - 1 for n in mesh.neighbours[v]} - set(depth)
        depth |= dict.fromkeys(ring, row)
    kept = [all(v in depth for v in face) for face in faces.tolist()]
    return faces[kept], uv[kept]


def brow_ribbon(positions: Doubles, skin_faces: Indices, centre: Doubles, side: float) -> Ribbon:
    """The brow of the eye at `centre`; `side` is 1 for the left, -1 for the right.

    `positions` are those of the whole base mesh, `skin_faces` its quads.
    """
    points = np.array(_BROW) * 1e-3
    columns, rows = len(points), len(_BROW_ROWS)
    direction = np.gradient(points[:, :2], axis=0)
    across = np.stack([-direction[:, 1], direction[:, 0]], axis=1) / np.linalg.norm(direction, axis=1, keepdims=True)
    index, weight, offset = np.zeros((rows * columns, 4), int), np.zeros((rows * columns, 4)), []
    near = _front_triangles(positions, skin_faces, centre)
    for row, (share, height) in enumerate(_BROW_ROWS):
        for column in range(columns):
            x, z = points[column, :2] + share * points[column, 2] * across[column]
            place = np.array([centre[0] + side * x, centre[2] + z])
            triangle, bary, normal = _under(positions, near, place)
            index[row * columns + column, :3], weight[row * columns + column, :3] = triangle, bary
            offset.append(normal * height * 1e-3)
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    grid = np.stack([np.stack([r + i, c + j], -1) for i, j in ((0, 0), (0, 1), (1, 1), (1, 0))], axis=2).reshape(
        -1, 4, 2
    )
    grid = grid if side > 0 else grid[:, ::-1]
    uv = np.stack([grid[..., 1] / (columns - 1), grid[..., 0] / (rows - 1)], axis=-1)
    return Ribbon(index, weight, np.array(offset), grid[..., 0] * columns + grid[..., 1], uv)


def _front_triangles(positions: Doubles, faces: Indices, centre: Doubles) -> Indices:
    """Triangles of the skin before and around the eye that look to the front."""
    triangles = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
    corners = positions[triangles]
    middle = corners.mean(axis=1)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    near = (np.abs(middle - centre)[:, [0, 2]].max(axis=1) < 0.05) & (middle[:, 1] < centre[1] + 0.02)
    return triangles[near & (normal[:, 1] < 0)]


def _under(positions: Doubles, triangles: Indices, place: Doubles) -> tuple[Indices, Doubles, Doubles]:
    """(vertices, barycentric weights, unit normal) of the foremost triangle behind `place`, an (x, z)."""
    a, b, c = np.moveaxis(positions[triangles], 1, 0)
    u, v, w = b[:, [0, 2]] - a[:, [0, 2]], c[:, [0, 2]] - a[:, [0, 2]], place - a[:, [0, 2]]
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    beta = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / area
    gamma = (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / area
    bary = np.stack([1 - beta - gamma, beta, gamma], axis=1)
    inside = np.flatnonzero(bary.min(axis=1) > -1e-9)
    depth = np.einsum("tk,tk->t", bary[inside], positions[triangles[inside]][..., 1])
    best = inside[depth.argmin()]
    normal = np.cross(b[best] - a[best], c[best] - a[best])
    return triangles[best], bary[best], normal / np.linalg.norm(normal)
