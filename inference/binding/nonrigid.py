"""Non-rigid registration: the canonical skin on to the mesh, stiff at first and softer step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..head import Head
from .mesh import Doubles, Indices, Mesh
from .nearest import Surface
from .solve import Graph, conjugate_gradients, edge_weights, edges_within, graph_of, numbering

_NORMAL_LENGTH = 0.012  # metres
_STIFFNESS = np.geomspace(300.0, 1.0, 10)
_SWEEPS = 2
_PIN = 20.0  # closest points that one pin outweighs
_SKIN = ("skin", "mouth_bag", "eye_sockets")
_REACH = 0.03  # metres
_FACING = 0.5  # least cosine between the normals of a pair


@dataclass(frozen=True, eq=False)
class Pins:
    """Places that vertices of the canonical head must reach, and weights along each axis (0: free)."""

    vertices: Indices  # (n,)
    positions: Doubles  # (n, 3)
    weights: Doubles  # (n, 3)


def whole_skin(head: Head) -> Indices:
    """Vertices of the skin with the linings of mouth and eyes."""
    return np.unique(np.concatenate([head.regions[name] for name in _SKIN])).astype(np.int64)


def skin_graph(head: Head, vertices: Doubles) -> tuple[Indices, Graph]:
    """The skin's vertices with the linings of mouth and eyes, and the graph of its edges numbered within them."""
    skin = whole_skin(head)
    edges = edges_within(head.edges, numbering(skin, len(vertices)))
    return skin, graph_of(edges, len(skin), edge_weights(vertices[skin], edges))


def register(
    head: Head, shape: Doubles, target: Mesh, trust: Doubles, pins: Pins, report: Callable[[float], None]
) -> Doubles:
    """(V, 3) `shape` with its skin laid on the target; both in the canonical head's space.

    `trust` (V,) weighs the closest points of each vertex, 0 where there are none. The other parts stay as they are.
    """
    skin, graph = skin_graph(head, shape)
    triangles = head.triangles.astype(np.int64)
    surface = Surface(target, _NORMAL_LENGTH)
    pinned, goal = np.zeros((2, *shape.shape))
    np.add.at(pinned, pins.vertices, pins.weights)
    np.add.at(goal, pins.vertices, pins.weights * pins.positions)
    pinned, goal = pinned[skin], goal[skin]
    moved, trusted = shape.copy(), trust[skin]
    shift = np.zeros((len(skin), 3))
    for number, stiffness in enumerate(_STIFFNESS):
        for _ in range(_SWEEPS):
            normals = Mesh(moved, triangles).normals[skin]
            at, weight = _closest(surface, target, moved[skin], normals, trusted, 0.012 if number < 4 else 0.006)
            total = weight[:, None] + _PIN * pinned
            right = weight[:, None] * (at - shape[skin]) + _PIN * (goal - pinned * shape[skin])
            shift = _smooth_solve(graph, stiffness, total, right, shift)
            moved[skin] = shape[skin] + shift
        report((number + 1) / len(_STIFFNESS))
    return moved


def _closest(
    surface: Surface, target: Mesh, points: Doubles, normals: Doubles, trust: Doubles, spread: float
) -> tuple[Doubles, Doubles]:
    """Where each point should go, along the target's normal, and how much that counts."""
    hit = surface.closest(points, normals, _REACH)
    facing = hit.values(target.triangles, target.normals)
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-12)
    step = hit.position - points
    along = np.einsum("nd,nd->n", step, facing)[:, None] * facing
    off = np.where(np.isfinite(hit.distance), hit.distance, 1.0)
    weight = trust / (1.0 + (off / spread) ** 2) * (np.einsum("nd,nd->n", facing, normals) > _FACING)
    return points + 0.8 * along + 0.2 * step, weight


def _smooth_solve(graph: Graph, stiffness: float, weight: Doubles, right: Doubles, start: Doubles) -> Doubles:
    def apply(x: Doubles) -> Doubles:
        bent = graph.laplacian(x)
        return stiffness * (0.1 * graph.laplacian(bent) + 0.01 * bent) + weight * x

    diagonal = stiffness * (0.1 * graph.degree**2 + 0.01 * graph.degree)[:, None] + weight
    return conjugate_gradients(apply, right, start, diagonal, 1e-3, 120)
