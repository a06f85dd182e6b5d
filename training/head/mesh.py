"""Walking over quads, and spreading what is known at some vertices smoothly over those around them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from scipy.spatial import cKDTree

from ...inference.arrays import Doubles, Ints
from ..mesh_laplacian import laplacian_of

_REGULAR = 4  # edges at a vertex that a loop runs straight through


class QuadMesh:
    """Neighbours and loops of a surface given by its polygons; `count` vertices in all."""

    def __init__(self, polygons: Sequence[Ints], count: int) -> None:
        self.polygons, self.count = polygons, count
        self.faces_of: list[list[int]] = [[] for _ in range(count)]
        for number, polygon in enumerate(polygons):
            for vertex in polygon.tolist():
                self.faces_of[vertex].append(number)

    @cached_property
    def edges(self) -> Ints:
        """(n, 2) edges, each once."""
        pairs = np.concatenate([np.stack([p, np.roll(p, -1)], axis=1) for p in self.polygons])
        return np.unique(np.sort(pairs, axis=1), axis=0)

    @cached_property
    def near(self) -> scipy.sparse.csr_matrix:
        """(count, count) 1 where two vertices share an edge."""
        a, b = self.edges.T
        ones = np.ones(2 * len(a))
        return scipy.sparse.coo_matrix((ones, (np.r_[a, b], np.r_[b, a])), (self.count, self.count)).tocsr()

    def neighbours(self, vertex: int) -> list[int]:
        """The vertices that share an edge with one."""
        return self.near.indices[self.near.indptr[vertex] : self.near.indptr[vertex + 1]].tolist()

    def onward(self, before: int, at: int) -> int | None:
        """Where an edge from `before` to `at` runs straight on to; None at a pole or a border."""
        beside = self.neighbours(at)
        if len(beside) != _REGULAR:
            return None
        passed = {v for f in self.faces_of[at] if before in self.polygons[f] for v in self.polygons[f].tolist()}
        ahead = [v for v in beside if v not in passed]
        return ahead[0] if len(ahead) == 1 else None

    def walk(self, start: int, second: int) -> list[int]:
        """The vertices of a loop through an edge, as far as it runs straight; a closed one ends before its start."""
        path = [start, second]
        while (ahead := self.onward(path[-2], path[-1])) not in (None, start):
            path.append(int(ahead))
        return path

    def straightest(self, start: int, second: int, places: Doubles) -> list[int]:
        """A closed loop that turns as little as it can wherever it does not run straight by the quads."""
        path = [start, second]
        while path[-1] != start:
            ahead = self.onward(path[-2], path[-1])
            if ahead is None:
                along = places[path[-1]] - places[path[-2]]
                beside = [v for v in self.neighbours(path[-1]) if v != path[-2]]
                steps = places[beside] - places[path[-1]]
                ahead = beside[int((steps @ along / np.linalg.norm(steps, axis=1)).argmax())]
            path.append(ahead)
            if len(path) > self.count:
                raise ValueError(f"The loop from vertex {start} does not close.")
        return path[:-1]

    def rings(self, start: Ints, steps: int) -> list[Ints]:
        """The start and the vertices that are 1, 2, ... steps from it along edges."""
        reached = np.zeros(self.count, bool)
        reached[start] = True
        rings = [np.asarray(start)]
        for _ in range(steps):
            mark = np.zeros(self.count)
            mark[rings[-1]] = 1.0
            ring = np.flatnonzero((self.near @ mark > 0) & ~reached)
            reached[ring] = True
            rings.append(ring)
        return rings


class Spread:
    """Carries displacements known at `handles` over the surface within `reach` metres, smoothly down to nothing.

    The smoothest field in the sense of least squared uniform Laplacian (Botsch and Kobbelt 2004).
    """

    def __init__(self, mesh: QuadMesh, places: Doubles, handles: Ints, reach: float) -> None:
        distance = cKDTree(places[handles]).query(places)[0]
        used = np.asarray(mesh.near.sum(axis=1)).ravel() > 0
        self.free = np.flatnonzero((distance < reach) & (distance > 0) & used)
        self.handles, self.count = np.asarray(handles), mesh.count
        laplacian = laplacian_of(mesh.edges, mesh.count)
        whole = (laplacian.T @ laplacian).tocsr()[self.free]
        self._known = whole[:, self.handles]
        self._solve = scipy.sparse.linalg.factorized(whole[:, self.free].tocsc())

    def __call__(self, known: Doubles) -> Doubles:
        """(count, d) from the handles' values (n, d)."""
        result = np.zeros((self.count, known.shape[1]))
        result[self.handles] = known
        right = -(self._known @ known)
        result[self.free] = np.stack([self._solve(right[:, k]) for k in range(known.shape[1])], axis=1)
        return result
