"""Nearest points and closest points on surfaces, by grids of cells in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Doubles, Ints
from .mesh import Mesh

_CANDIDATES = 2_000_000  # distances at a time
_MAX_CELLS = 1 << 24
_LEVELS = 12  # each with cells of twice the side


class PointGrid:
    """Points (N, 3) in cells, for many queries at once.

    `features` (N, D), where given, count as further coordinates of the distance, in the points' unit: normals times
    a length keep a query from the far side of a thin part.
    """

    def __init__(self, points: Doubles, features: Doubles | None = None) -> None:
        self._points = points
        self._all = points if features is None else np.hstack([points, features])
        self._low = points.min(axis=0)
        extent = float(np.ptp(points, axis=0).max()) or 1.0
        # On a surface, about N cells of this side are taken.
        self._side = extent / max(1.0, np.sqrt(len(points) / 3.0))
        self._levels: dict[int, _Level] = {}

    def nearest(self, queries: Doubles, features: Doubles | None = None, reach: float = np.inf) -> tuple[Ints, Doubles]:
        """(n,) index of the nearest point and (n,) distance; -1 and inf where none is within `reach`."""
        full = queries if features is None else np.hstack([queries, features])
        index, distance = np.full(len(queries), -1, np.int64), np.full(len(queries), np.inf)
        open_ = np.arange(len(queries))
        for number in range(_LEVELS):
            if not len(open_):
                break
            level = self._level(number)
            for part in level.shares(open_, queries):
                index[part], distance[part] = level.search(queries[part], full[part])
            # Beyond one cell's side a nearer point may lie outside the cells looked at.
            if level.whole or level.side >= reach:
                break
            open_ = open_[distance[open_] > level.side]
        index[distance > reach] = -1
        distance[index < 0] = np.inf
        return index, distance

    def _level(self, number: int) -> _Level:
        if number not in self._levels:
            self._levels[number] = _Level(self._points, self._all, self._low, self._side * 2.0**number)
        return self._levels[number]


class _Level:
    """The points sorted by cells of one side; rows of three cells are contiguous."""

    def __init__(self, points: Doubles, full: Doubles, low: Doubles, side: float) -> None:
        size = np.ptp(points, axis=0)
        while np.prod(np.floor(size / side) + 3) > _MAX_CELLS:
            side *= 1.3
        self.side, self._full = side, full
        self._low = low - side  # a rim of empty cells
        self._shape = np.floor(size / side).astype(np.int64) + 3
        self.whole = bool((self._shape <= 3).all())
        code = self._code(np.floor((points - self._low) / side).astype(np.int64))
        self._order = np.argsort(code, kind="stable")
        counts = np.bincount(code, minlength=int(np.prod(self._shape)))
        self._start = np.r_[0, np.cumsum(counts)]

    def _code(self, cell: Ints) -> Ints:
        code: Ints = (cell[:, 2] * self._shape[1] + cell[:, 1]) * self._shape[0] + cell[:, 0]
        return code

    def shares(self, chosen: Ints, queries: Doubles) -> list[Ints]:
        """The chosen queries in shares of so many candidates as fit into memory."""
        first, last = self._ranges(queries[chosen])
        total = np.cumsum((last - first).sum(axis=1))
        cuts = np.flatnonzero(np.diff(total // _CANDIDATES)) + 1
        return np.split(chosen, cuts)

    def _ranges(self, queries: Doubles) -> tuple[Ints, Ints]:
        """(n, 9) first and last point of the nine rows of three cells around each query."""
        cell = np.floor((queries - self._low) / self.side)
        cell = np.clip(cell, 1, self._shape - 2).astype(np.int64)
        code = self._code(cell)
        row = self._shape[0]
        shifts = np.array([(z * self._shape[1] + y) * row for z in (-1, 0, 1) for y in (-1, 0, 1)])
        return self._start[code[:, None] + shifts - 1], self._start[code[:, None] + shifts + 2]

    def search(self, queries: Doubles, full: Doubles) -> tuple[Ints, Doubles]:
        """Nearest among the points of the 27 cells around each query."""
        first, last = self._ranges(queries)
        owner, at = spans(first.ravel(), last.ravel())
        owner //= 9
        candidate = self._order[at]
        off = np.zeros(len(candidate))
        for k in range(full.shape[1]):
            off += (self._full[candidate, k] - full[owner, k]) ** 2
        return least_of(owner, off, candidate, len(queries))


def spans(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """For each range [first, last): its number, once an element, and the elements, all ranges in a row."""
    size = last - first
    owner = np.repeat(np.arange(len(first)), size)
    before = np.cumsum(size) - size
    return owner, np.arange(len(owner)) - np.repeat(before - first, size)


def least_of(owner: Ints, squared: Doubles, candidate: Ints, count: int) -> tuple[Ints, Doubles]:
    """The candidate of least squared distance for each of `count` owners (ascending), and its distance."""
    index, distance = np.full(count, -1, np.int64), np.full(count, np.inf)
    if len(owner):
        starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
        best = np.minimum.reduceat(squared, starts)
        hit = np.flatnonzero(squared == np.repeat(best, np.diff(np.r_[starts, len(owner)])))
        index[owner[hit][::-1]] = candidate[hit][::-1]
        distance[owner[starts]] = np.sqrt(best)
    return index, distance


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """Points on the triangles of a mesh."""

    triangle: Ints  # (n,) -1 where nothing was near enough
    weights: Doubles  # (n, 3) barycentric
    position: Doubles  # (n, 3)
    distance: Doubles  # (n,) inf where nothing was near enough

    def values(self, triangles: Ints, per_vertex: Doubles) -> Doubles:
        """(n, D) values per vertex (V, D) interpolated; zero where nothing was near enough."""
        found = self.triangle >= 0
        result = np.zeros((len(self.triangle), per_vertex.shape[1]), per_vertex.dtype)
        corner = triangles[self.triangle[found]]
        for k in range(3):
            result[found] += self.weights[found, k, None].astype(per_vertex.dtype) * per_vertex[corner[:, k]]
        return result


class Surface:
    """Closest points on a mesh: the nearest vertex by position and normal, then the best triangle around it."""

    def __init__(self, mesh: Mesh, normal_length: float = 0.0, subset: Ints | None = None) -> None:
        """`normal_length`: how far apart opposite normals count as half; `subset`: only triangles wholly in it."""
        self._mesh, self._length = mesh, normal_length
        chosen = np.arange(len(mesh.triangles))
        if subset is not None:
            inside = np.zeros(len(mesh.vertices), bool)
            inside[subset] = True
            chosen = np.flatnonzero(inside[mesh.triangles].all(axis=1))
        corners = mesh.triangles[chosen]
        self._vertices = np.unique(corners)
        order = np.argsort(corners.ravel(), kind="stable")
        self._around = chosen[order // 3]
        counts = np.bincount(corners.ravel(), minlength=len(mesh.vertices))
        self._start = np.r_[0, np.cumsum(counts)]
        normals = mesh.normals[self._vertices] * normal_length if normal_length else None
        self._grid = PointGrid(mesh.vertices[self._vertices], normals)

    def closest(self, points: Doubles, normals: Doubles | None = None, reach: float = np.inf) -> SurfacePoints:
        """Closest points to (n, 3); `normals` are needed where the surface was made with a normal length."""
        features = normals * self._length if self._length and normals is not None else None
        index, _ = self._grid.nearest(points, features, reach)
        asked = np.flatnonzero(index >= 0)
        vertex = self._vertices[index[asked]]
        owner, at = spans(self._start[vertex], self._start[vertex + 1])
        triangle = self._around[at]
        weights = closest_weights(
            points[asked][owner], *(self._mesh.vertices[self._mesh.triangles[triangle, k]] for k in range(3))
        )
        position = np.einsum("nk,nkd->nd", weights, self._mesh.vertices[self._mesh.triangles[triangle]])
        off = ((position - points[asked][owner]) ** 2).sum(axis=1)
        best, distance = least_of(owner, off, np.arange(len(owner)), len(asked))
        result = SurfacePoints(
            np.full(len(points), -1, np.int64), np.zeros((len(points), 3)), points.copy(), np.full(len(points), np.inf)
        )
        result.triangle[asked], result.weights[asked] = triangle[best], weights[best]
        result.position[asked], result.distance[asked] = position[best], distance
        return result


def closest_weights(points: Doubles, a: Doubles, b: Doubles, c: Doubles) -> Doubles:
    """(n, 3) barycentric weights of the points of triangles that are closest to (n, 3).

    The projection where it falls inside, else the best of the three sides.
    """
    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = _dot(ab, ab), _dot(ab, ac), _dot(ac, ac)
    d20, d21 = _dot(ap, ab), _dot(ap, ac)
    whole = d00 * d11 - d01 * d01
    with np.errstate(divide="ignore", invalid="ignore"):
        v, w = (d11 * d20 - d01 * d21) / whole, (d00 * d21 - d01 * d20) / whole
    best = np.stack([1.0 - v - w, v, w], axis=1)
    outside = np.flatnonzero(~(best.min(axis=1) >= 0.0))  # also where the triangle has no area
    if len(outside):
        best[outside] = _closest_on_sides(points[outside], a[outside], b[outside], c[outside])
    return best


def _closest_on_sides(points: Doubles, a: Doubles, b: Doubles, c: Doubles) -> Doubles:
    result, least = np.zeros((len(points), 3)), np.full(len(points), np.inf)
    corners = (a, b, c)
    for k in range(3):
        start, end = corners[k], corners[(k + 1) % 3]
        side = end - start
        share = np.clip(_dot(points - start, side) / np.maximum(_dot(side, side), 1e-300), 0.0, 1.0)
        off = ((start + share[:, None] * side - points) ** 2).sum(axis=1)
        nearer = np.flatnonzero(off < least)
        least[nearer] = off[nearer]
        result[nearer] = 0.0
        result[nearer, k], result[nearer, (k + 1) % 3] = 1.0 - share[nearer], share[nearer]
    return result


def _dot(a: Doubles, b: Doubles) -> Doubles:
    result: Doubles = np.einsum("nd,nd->n", a, b)
    return result
