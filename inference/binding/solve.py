"""Sparse symmetric systems in NumPy: graph Laplacians and conjugate gradients for many right-hand sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Ints, Numbers


@dataclass(frozen=True, eq=False)
class Graph:
    """Edges of n vertices with weights; `laplacian(x)` is sum_j w_ij (x_i - x_j).

    Neighbours are kept padded to the largest degree: gathering rows is what NumPy does fast.
    """

    neighbours: Ints  # (n, K) padded with the vertex itself
    weights: Numbers  # (n, K) 0 in the padding
    degree: Numbers  # (n,) sum of the weights

    def laplacian(self, values: Numbers) -> Numbers:
        """(n, D) -> (n, D)."""
        return self.degree[:, None] * (values - self.mean(values))

    def mean(self, values: Numbers) -> Numbers:
        """(n, D) weighted mean of the neighbours; the value itself where there are none."""
        result = (self.degree[:, None] == 0) * values
        for column, share in self._columns:  # one neighbour at a time: no array of all of them
            result += share * values.take(column, axis=0)  # several times faster than indexing
        return result

    @cached_property
    def _columns(self) -> list[tuple[Ints, Numbers]]:
        """Of each place in the padding: the neighbours (n,) and their shares of the mean (n, 1)."""
        share = self.weights / np.where(self.degree > 0, self.degree, 1)[:, None]
        return [
            (np.ascontiguousarray(n), np.ascontiguousarray(s)[:, None])
            for n, s in zip(self.neighbours.T, share.T, strict=True)
        ]


def numbering(vertices: Ints, count: int) -> Ints:
    """(count,) the place of each vertex among some of them (n,), -1 for all others."""
    place = np.full(count, -1, np.int64)
    place[vertices] = np.arange(len(vertices))
    return place


def edges_within(edges: NDArray[np.integer[Any]], place: Ints) -> Ints:
    """Those of the edges (E, 2) whose ends both have a place, as places: (e, 2)."""
    placed = place[edges]
    inside: Ints = placed[(placed >= 0).all(axis=1)]
    return inside


def graph_of(edges: Ints, count: int, weights: Doubles | None = None) -> Graph:
    """A graph of edges (E, 2) among `count` vertices; weight 1 each where none are given."""
    given = np.ones(len(edges)) if weights is None else weights
    start, end = np.concatenate([edges, edges[:, ::-1]]).T
    weight = np.concatenate([given, given])
    order = np.argsort(start, kind="stable")
    start, end, weight = start[order], end[order], weight[order]
    number = np.bincount(start, minlength=count)
    column = np.arange(len(start)) - np.repeat(np.cumsum(number) - number, number)
    width = int(number.max(initial=0))
    neighbours = np.repeat(np.arange(count)[:, None], max(width, 1), axis=1)
    padded = np.zeros((count, max(width, 1)))
    neighbours[start, column], padded[start, column] = end, weight
    return Graph(neighbours, padded, padded.sum(axis=1))


def small_graph_of(edges: Ints, count: int) -> Graph:
    """The same in single precision: half the memory to move."""
    graph = graph_of(edges, count)
    return Graph(graph.neighbours, graph.weights.astype(np.float32), graph.degree.astype(np.float32))


def edge_weights(vertices: Doubles, edges: Ints) -> Doubles:
    """(E,) inverse lengths over the median one, at most 10: smoothness that does not depend on the mesh's density."""
    length = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    weights: Doubles = np.minimum(np.median(length) / np.maximum(length, 1e-300), 10.0)
    return weights


def conjugate_gradients(
    apply: Callable[[Doubles], Numbers],
    right: Doubles,
    start: Doubles,
    diagonal: Doubles,
    tolerance: float = 1e-4,
    steps: int = 200,
) -> Doubles:
    """Solve A x = right (n, D), each column on its own, for a symmetric positive definite `apply` x -> A x.

    `diagonal` (n, D) of A preconditions; ends where every residual is below `tolerance` of its right-hand side.
    """
    x = start.copy()
    residual = right - apply(x)
    goal = tolerance * np.maximum(np.linalg.norm(right, axis=0), 1e-30)
    inverse = 1.0 / np.maximum(diagonal, 1e-30)
    scaled = inverse * residual
    direction, energy = scaled, (residual * scaled).sum(axis=0)
    for _ in range(steps):
        if (np.linalg.norm(residual, axis=0) <= goal).all():
            break
        image = apply(direction)
        length = energy / np.maximum((direction * image).sum(axis=0), 1e-300)
        x += length * direction
        residual -= length * image
        scaled = inverse * residual
        next_energy = (residual * scaled).sum(axis=0)
        direction = scaled + next_energy / np.maximum(energy, 1e-300) * direction
        energy = next_energy
    return x
