"""A triangle mesh and what binding asks of one: normals, areas, edges, connected parts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..arrays import Doubles, Ints


@dataclass(frozen=True, eq=False)
class Mesh:
    """V vertices and polygons as triangles, counter-clockwise seen from outside."""

    vertices: Doubles  # (V, 3)
    triangles: Ints  # (T, 3)

    @cached_property
    def triangle_normals(self) -> Doubles:
        """(T, 3) normals as long as twice the triangle's area."""
        a, b, c = (self.vertices[self.triangles[:, k]] for k in range(3))
        return np.cross(b - a, c - a)

    @cached_property
    def normals(self) -> Doubles:
        """(V, 3) unit normals, weighted by area; zero where a vertex has no triangle."""
        total = np.stack([self._summed(self.triangle_normals[:, k]) for k in range(3)], axis=1)
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-300)

    @cached_property
    def vertex_areas(self) -> Doubles:
        """(V,) a third of the area around each vertex."""
        return self._summed(np.linalg.norm(self.triangle_normals, axis=1) / 6.0)

    def _summed(self, values: Doubles) -> Doubles:
        return np.bincount(self.triangles.ravel(), np.repeat(values, 3), len(self.vertices)).astype(np.float64)

    @cached_property
    def edges(self) -> Ints:
        """(E, 2) sides of triangles, each once, the smaller index first."""
        return unique_edges(self.triangles, len(self.vertices))

    @cached_property
    def parts(self) -> Ints:
        """(V,) number of the connected part of each vertex, counted from 0."""
        return connected_parts(self.edges, len(self.vertices))

    def moved(self, vertices: Doubles) -> Mesh:
        """The same triangles with other positions."""
        return Mesh(vertices, self.triangles)


def unique_edges(triangles: Ints, count: int) -> Ints:
    """(E, 2) the sides of triangles (T, 3) among `count` vertices, each once, the smaller index first."""
    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    low, high = sides.min(axis=1), sides.max(axis=1)
    code = np.unique(low * count + high)
    return np.stack([code // count, code % count], axis=1)


def connected_parts(edges: Ints, count: int) -> Ints:
    """(count,) label of the connected part of each vertex: labels fall along edges until nothing changes."""
    label = np.arange(count)
    while True:
        least = np.minimum(label[edges[:, 0]], label[edges[:, 1]])
        lower = label.copy()
        np.minimum.at(lower, label[edges[:, 0]], least)
        np.minimum.at(lower, label[edges[:, 1]], least)
        while True:  # pointers jump to their roots
            root = lower[lower]
            if np.array_equal(root, lower):
                break
            lower = root
        if np.array_equal(lower, label):
            break
        label = lower
    return np.unique(label, return_inverse=True)[1].reshape(-1)


def triangulated(corners: Ints, sizes: Ints) -> Ints:
    """(T, 3) polygons given flat, `sizes` corners each, as fans."""
    start = np.repeat(np.cumsum(sizes) - sizes, sizes - 2)
    total = np.cumsum(sizes - 2)
    step = np.arange(int(total[-1]) if len(total) else 0) - np.repeat(total - (sizes - 2), sizes - 2) + 1
    return np.stack([corners[start], corners[start + step], corners[start + step + 1]], axis=1).astype(np.int64)
