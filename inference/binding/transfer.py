"""Deformation transfer: the canonical head's deltas, turned and scaled as the registered shape is at each place."""

from __future__ import annotations

import numpy as np

from .mesh import Doubles, Indices, Mesh
from .solve import Graph


def local_frames(before: Mesh, after: Doubles, graph_edges: Indices, sweeps: int) -> tuple[Doubles, Doubles]:
    """(V, 3, 3) rotations and (V,) scales that best take each vertex's surroundings from `before` to `after`.

    Procrustes on the edges around a vertex, summed over `sweeps` rings, so that single triangles do not count.
    """
    count = len(before.vertices)
    a, b = graph_edges.T
    first, second = before.vertices[b] - before.vertices[a], after[b] - after[a]
    length = np.linalg.norm(first, axis=1, keepdims=True)
    first, second = first / np.maximum(length, 1e-12), second / np.maximum(length, 1e-12)
    moment = np.einsum("ni,nj->nij", second, first).reshape(-1, 9)
    columns = [np.bincount(a, moment[:, k], count) + np.bincount(b, moment[:, k], count) for k in range(9)]
    square = np.bincount(a, (first**2).sum(1), count) + np.bincount(b, (first**2).sum(1), count)
    stack = np.column_stack([*columns, square])
    for _ in range(sweeps):
        total = stack.copy()
        for k in range(stack.shape[1]):
            total[:, k] += np.bincount(a, stack[b, k], count) + np.bincount(b, stack[a, k], count)
        stack = total / np.maximum(np.abs(total).max(), 1e-300)
    moments, square = stack[:, :9].reshape(-1, 3, 3), stack[:, 9]
    left, size, right = np.linalg.svd(moments)
    sign = np.sign(np.linalg.det(left) * np.linalg.det(right))
    size[:, 2] *= sign
    left[:, :, 2] *= sign[:, None]
    scale = size.sum(axis=1) / np.maximum(square, 1e-300)
    return left @ right, np.where(square > 0, scale, 1.0)


def smooth_field(graph: Graph, values: Doubles, amount: Doubles, sweeps: int) -> Doubles:
    """(n, D) values averaged with their neighbours `sweeps` times, by `amount` (n,) from 0 to 1."""
    for _ in range(sweeps):
        values = values + amount[:, None] * (graph.mean(values) - values)
    return values
