"""Rows of teeth: grooves and gum line modelled along MakeHuman's plain dental bands, and bound to them linearly."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .cut import Quads, quads
from .sources import Base, Doubles, Indices

# Crown widths from the middle outwards, in millimetres (Wheeler's Dental Anatomy, rounded); only ratios matter here.
_WIDTHS = {"upper": (8.5, 6.5, 7.6, 7.0, 6.6, 10.0, 9.0), "lower": (5.4, 5.9, 6.9, 7.0, 7.1, 11.0, 10.5)}
_MID_FRONT = {"upper": (15061, 15079, 15069, 15087), "lower": (14993, 15012, 15010, 15027)}
_FRONT_TEETH = 5  # finer columns up to the second premolar
# Per row of the new mesh: (place between the band's rows 0 gum top, 1 middle, 2 edge, 3 inner; outward offset in mm at
# a tooth's middle; the same at the groove between two teeth; how far the groove lies towards row 1, in rows).
_ROWS = (
    *((0.0, -0.6, -0.6, 0.0), (0.74, 0.25, 0.4, 0.18), (0.9, 0.5, -0.4, 0.22)),
    *((1.55, 0.55, -0.55, 0.0), (2.0, -0.4, -0.8, -0.12), (3.0, 0.0, 0.0, 0.0)),
)
# MakeHuman's bands stand edge on edge, far behind the lips: a natural bite, in metres.
_SHIFT = {"upper": (0.0, -0.0028, -0.0028), "lower": (0.0, -0.0018, -0.0018)}


@dataclass(frozen=True)
class TeethMesh:
    """One jaw's teeth. Vertices are weighted sums of base vertices plus fixed offsets in metres."""

    index: Indices  # (n, 4) base vertices
    weight: Doubles  # (n, 4)
    offset: Doubles  # (n, 3)
    faces: Indices  # (f, 4) into the n vertices
    uv: Doubles  # (f, 4, 2)
    materials: list[str]


def teeth_mesh(base: Base, jaw: str) -> TeethMesh:
    """The teeth of `jaw` ("upper" or "lower")."""
    mesh = quads(base.groups[f"helper-{jaw}-teeth"][0])
    rows = np.array([_row(mesh, base.vertices, start) for start in _MID_FRONT[jaw]])  # (4, 17), right to left
    columns, groove = _columns(rows, base.vertices, _WIDTHS[jaw])
    bindings = []
    for place, out_tooth, out_groove, shift in _ROWS:
        along = place + shift * groove
        outward = np.where(groove > 0, out_groove, out_tooth) * 1e-3
        bindings.append(_bind(rows, base.vertices, columns, along, outward))
    index, weight, offset = (np.concatenate(arrays) for arrays in zip(*bindings, strict=True))
    faces, uv = _grid(len(_ROWS), len(columns), flip=jaw == "upper")
    materials = ["gums" if row == 0 else "teeth" for row in range(len(_ROWS) - 1) for _ in range(len(columns) - 1)]
    return TeethMesh(index, weight, offset + _SHIFT[jaw], faces, uv, materials)


def _row(mesh: Quads, vertices: Doubles, start: int) -> list[int]:
    """The band's row through its mid-front vertex, from the character's right to the left."""
    halves = []
    for sign in (-1.0, 1.0):
        near = [v for v in mesh.neighbours[start] if sign * vertices[v, 0] > 1e-5]
        path = [start, min(near, key=lambda v: abs(vertices[v, 2] - vertices[start, 2]))]
        while len(path) < 9:
            path.append(_next_on_row(mesh, vertices, path))
        halves.append(path)
    return halves[0][:0:-1] + halves[1]


def _next_on_row(mesh: Quads, vertices: Doubles, path: list[int]) -> int:
    """The neighbour that carries on most nearly in the row's direction."""
    ahead = vertices[path[-1]] - vertices[path[-2]]

    def straightness(v: int) -> float:
        step = vertices[v] - vertices[path[-1]]
        return float(step @ ahead / np.linalg.norm(step))

    return max((v for v in mesh.neighbours[path[-1]] if v not in path), key=straightness)


def _columns(rows: Indices, vertices: Doubles, widths: tuple[float, ...]) -> tuple[Doubles, Doubles]:
    """(places, groove): where columns lie on the row's 16 spans, 0 to 16, and 1 for those between two teeth."""
    edges = np.concatenate([[0.0], np.cumsum(widths)])
    half, groove = [], []
    for tooth, (begin, end) in enumerate(pairwise(edges)):
        inner = (0.2, 0.8) if tooth < _FRONT_TEETH else (0.5,)
        half += [begin, *(begin + share * (end - begin) for share in inner)]
        groove += [1.0, *(0.0 for _ in inner)]
    half, groove = [*half, edges[-1]], [*groove, 1.0]
    lengths = np.linalg.norm(np.diff(vertices[rows[1, 8:]], axis=0), axis=1)
    arc = np.concatenate([[0.0], np.cumsum(lengths)])
    left = np.interp(np.array(half) / edges[-1] * arc[-1], arc, np.arange(9.0))
    return np.concatenate([8 - left[:0:-1], 8 + left]), np.array(groove[:0:-1] + groove)


def _bind(
    rows: Indices, vertices: Doubles, columns: Doubles, along: Doubles, outward: Doubles
) -> tuple[Indices, Doubles, Doubles]:
    """Bilinear weights on the band for places (column, row), and offsets along the arch's outward normal."""
    c0, r0 = np.minimum(columns.astype(int), 15), np.minimum(along.astype(int), 2)
    c, r = columns - c0, along - r0
    index = np.stack([rows[r0, c0], rows[r0, c0 + 1], rows[r0 + 1, c0], rows[r0 + 1, c0 + 1]], axis=1)
    weight = np.stack([(1 - r) * (1 - c), (1 - r) * c, r * (1 - c), r * c], axis=1)
    middle = vertices[rows[1]]
    tangent = np.gradient(middle, axis=0)[np.round(columns).astype(int)]
    normal = np.stack([tangent[:, 1], -tangent[:, 0], 0 * tangent[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return index, weight, normal * outward[:, None]


def _grid(rows: int, columns: int, flip: bool) -> tuple[Indices, Doubles]:
    """Quads over a grid of rows x columns vertices, and their UVs over the unit square."""
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    corners = np.stack([np.stack([r + i, c + j], -1) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))], axis=2).reshape(
        -1, 4, 2
    )
    corners = corners if flip else corners[:, ::-1]
    uv = np.stack([corners[..., 1] / (columns - 1), 1 - corners[..., 0] / (rows - 1)], axis=-1)
    return corners[..., 0] * columns + corners[..., 1], uv
