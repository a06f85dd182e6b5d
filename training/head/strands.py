"""Brows and lashes as single hairs: narrow strips that taper to a point, bound to what they grow on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...inference.arrays import Doubles, Ints
from .mesh import QuadMesh
from .scan import LASHES, SHELLS, SKIN, Scan

Bound = tuple[Ints, Doubles, Doubles, list[Ints], list[Doubles], list[str]]  # the fields of parts.Piece

SEED = 5
# Brows: hairs a side, and along the brow from its head to its tail: the landmarks' curve is its middle.
_HAIRS = 170
_HALF_WIDTH = ((0.0, 2.6e-3), (0.25, 3.3e-3), (0.6, 2.6e-3), (0.85, 1.5e-3), (1.0, 0.5e-3))  # metres
_LENGTH = ((0.0, 5.5e-3), (0.4, 7.5e-3), (1.0, 6.0e-3))  # of a hair
_LEAN = ((0.0, 72.0), (0.2, 48.0), (0.5, 22.0), (1.0, 2.0))  # degrees up from the brow, at its lower edge
_COMB = 24.0  # degrees by which hairs of the upper edge lean less
_THICK, _LIFT = 0.55e-3, 0.35e-3  # metres: width at the root, height over the skin at the root
_RISE = (1.0, 3.0, 3.4)  # height at root, middle and tip, over _LIFT
_DROP = -0.8e-3  # metres from the landmarks up to the brow's middle
# Lashes: hairs a lid, how much of the scan's sheet is their length, and their width.
_LASH_HAIRS = {"upper": 44, "lower": 26}
_LASH_REACH = {"upper": 0.72, "lower": 0.5}
_LASH_THICK = {"upper": 0.28e-3, "lower": 0.18e-3}
_ALONG = (0.0, 0.5, 1.0)  # places of a hair's vertices: two, two, one


@dataclass(frozen=True, eq=False)
class _Surface:
    """Triangles that hairs lie on, seen from the front."""

    vertices: Doubles
    triangles: Ints

    def under(self, x: float, z: float) -> tuple[Ints, Doubles, Doubles]:
        """(vertices (4,), weights (4,), unit normal) of the foremost triangle behind a place."""
        a, b, c = np.moveaxis(self.vertices[self.triangles], 1, 0)
        u, v, w = b[:, [0, 2]] - a[:, [0, 2]], c[:, [0, 2]] - a[:, [0, 2]], np.array([x, z]) - a[:, [0, 2]]
        area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
        beta = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / area
        gamma = (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / area
        share = np.stack([1 - beta - gamma, beta, gamma], axis=1)
        inside = np.flatnonzero(share.min(axis=1) > -1e-9)
        depth = np.einsum("tk,tk->t", share[inside], self.vertices[self.triangles[inside]][..., 1])
        best = inside[depth.argmin()]
        normal = np.cross(b[best] - a[best], c[best] - a[best])
        return np.r_[self.triangles[best], 0], np.r_[share[best], 0.0], normal / np.linalg.norm(normal)


class _Hairs:
    """Collects hairs of five vertices: two at the root, two in the middle, one at the tip."""

    def __init__(self, material: str) -> None:
        self.material = material
        self.index: list[Ints] = []
        self.weight: list[Doubles] = []
        self.offset: list[Doubles] = []
        self.polygons: list[Ints] = []
        self.uv: list[Doubles] = []

    def add(self, roots: list[tuple[Ints, Doubles]], offsets: list[Doubles], side: Doubles) -> None:
        """A hair whose three places are bound to `roots` with `offsets`; `side` (3,) is half its root's width."""
        first = len(self.index)
        for (index, weight), offset, width in zip(roots, offsets, (1.0, 0.7, 0.0), strict=True):
            for sign in (1.0, -1.0) if width else (0.0,):
                self.index.append(index)
                self.weight.append(weight)
                self.offset.append(offset + sign * width * side)
        self.polygons += [first + np.array(face) for face in ((0, 1, 3, 2), (2, 3, 4))]
        corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.5], [1.0, 0.5], [0.5, 1.0]])
        self.uv += [corners[[0, 1, 3, 2]], corners[[2, 3, 4]]]

    def bound(self) -> Bound:
        """The fields of a piece."""
        materials = [self.material] * len(self.polygons)
        return np.array(self.index), np.array(self.weight), np.array(self.offset), self.polygons, self.uv, materials


def brows(scan: Scan, vertices: Doubles) -> Bound:
    """Both brows on the skin of the neutral head."""
    hairs, surface = _Hairs("brows"), _brow_skin(scan, vertices)
    for sign, order in ((1.0, range(22, 27)), (-1.0, range(21, 16, -1))):
        random = np.random.default_rng(SEED)
        curve = vertices[scan.landmarks[list(order)]][:, [0, 2]] * [sign, 1.0] + [0.0, _DROP]
        for _ in range(_HAIRS):
            _brow_hair(hairs, surface, curve, sign, random)
    return hairs.bound()


def _brow_hair(hairs: _Hairs, surface: _Surface, curve: Doubles, sign: float, random: np.random.Generator) -> None:
    along, across = random.uniform(0.0, 0.93), random.uniform(-1.0, 1.0)
    step = np.gradient(curve, axis=0)
    knots = np.linspace(0.0, 1.0, len(curve))
    middle, heading = (np.array([np.interp(along, knots, v[:, k]) for k in (0, 1)]) for v in (curve, step))
    heading /= np.linalg.norm(heading)
    up = np.array([-heading[1], heading[0]])
    root = middle + across * _at(_HALF_WIDTH, along) * up
    lean = np.radians(_at(_LEAN, along) - _COMB * (across + 1) / 2 + random.normal(0.0, 6.0))
    direction = np.cos(lean) * heading + np.sin(lean) * up
    length = _at(_LENGTH, along) * random.uniform(0.8, 1.15)
    roots, offsets = [], []
    for share, rise in zip(_ALONG, _RISE, strict=True):
        bend = -0.12 * share * share * length * up
        x, z = root + share * length * direction + bend
        index, weight, normal = surface.under(sign * x, z)
        roots.append((index, weight))
        offsets.append(rise * _LIFT * normal)
    flat = np.array([-direction[1] * sign, 0.0, direction[0]])
    hairs.add(roots, offsets, sign * 0.5 * _THICK * flat)


def _brow_skin(scan: Scan, vertices: Doubles) -> _Surface:
    """The skin around the brows as triangles that look to the front."""
    reach = vertices[scan.landmarks[17:27]]
    low, high = reach.min(axis=0) - 0.02, reach.max(axis=0) + 0.02
    near = ((vertices[: SKIN.stop] > low) & (vertices[: SKIN.stop] < high)).all(axis=1)
    faces = [p for p in scan.polygons if p[0] < SKIN.stop and near[p].all()]
    triangles = np.array([t for p in faces for t in ((p[0], p[1], p[2]), (p[0], p[2], p[-1]))[: len(p) - 2]])
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    return _Surface(vertices, triangles[np.cross(b - a, c - a)[:, 1] < 0])


def lashes(scan: Scan, vertices: Doubles) -> Bound:
    """Upper and lower lashes of both eyes, on the sheets that the scan paints its own on."""
    hairs = _Hairs("lashes")
    for (side, lid), span in LASHES.items():
        grid, random = _sheet(scan, vertices, span, side), np.random.default_rng(SEED)
        for k in range(_LASH_HAIRS[lid]):
            place = (k + 0.5) / _LASH_HAIRS[lid] * (len(grid) - 1)
            fan = random.normal(0.0, 0.5)
            reach = _LASH_REACH[lid] * random.uniform(0.75, 1.0) * _taper(place / (len(grid) - 1))
            roots = [_on(grid, place + fan * share, share * reach) for share in _ALONG]
            points = [weight @ vertices[index] for index, weight in roots]
            beside = np.cross(points[2] - points[0], [0.0, -1.0, 0.3])
            width = 0.5 * _LASH_THICK[lid] / np.linalg.norm(beside)
            hairs.add(roots, [np.zeros(3)] * 3, beside * width)
    return hairs.bound()


def _taper(share: float) -> float:
    """Lashes near the lid's corners are shorter."""
    return float(np.clip(0.55 + 0.9 * np.sin(np.pi * np.clip(share, 0.02, 0.98)) ** 0.5, 0.0, 1.0))


def _sheet(scan: Scan, vertices: Doubles, span: slice, side: str) -> Ints:
    """(columns, rows) of a lash sheet's vertices: columns from the inner corner outwards, rows from the lid's edge.

    In a grid, steps along edges from two corners give the column and the row.
    """
    mesh = QuadMesh([p - span.start for p in scan.polygons if span.start <= p[0] < span.stop], span.stop - span.start)
    corners = np.flatnonzero(np.asarray(mesh.near.sum(axis=1)).ravel() == 2)
    places = vertices[span]
    centre = vertices[SHELLS[side]].mean(axis=0)
    rooted = corners[np.argsort(np.linalg.norm(places[corners] - centre, axis=1))[:2]]
    inner, outer = sorted(rooted.tolist(), key=lambda v: abs(float(places[v, 0])))
    steps = np.zeros((2, len(places)), int)
    for row, corner in zip(steps, (inner, outer), strict=True):
        for distance, ring in enumerate(mesh.rings(np.array([corner]), len(places))):
            row[ring] = distance
    columns = steps[0, outer]
    column, row = (steps[0] - steps[1] + columns) // 2, (steps[0] + steps[1] - columns) // 2
    grid = np.zeros((columns + 1, row.max() + 1), int)
    grid[column, row] = np.arange(span.start, span.stop)
    return grid


def _on(grid: Ints, column: float, row: float) -> tuple[Ints, Doubles]:
    """(vertices (4,), weights (4,)) of a place: a column as a number, a row as a share from the lid's edge."""
    row *= grid.shape[1] - 1
    column = float(np.clip(column, 0.0, len(grid) - 1.001))
    row = float(np.clip(row, 0.0, grid.shape[1] - 1.001))
    c, r = int(column), int(row)
    u, v = column - c, row - r
    index = np.array([grid[c, r], grid[c + 1, r], grid[c, r + 1], grid[c + 1, r + 1]])
    return index, np.array([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v])


def _at(table: tuple[tuple[float, float], ...], share: float) -> float:
    return float(np.interp(share, [at for at, _ in table], [value for _, value in table]))
