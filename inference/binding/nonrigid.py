"""Non-rigid registration: the canonical skin on to the mesh, stiff at first and softer step by step.

While it is stiff, some of its vertices say enough; the rest goes along. The last steps are of all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..arrays import Doubles, Ints
from ..head.canonical import Head
from .mesh import Mesh
from .nearest import Surface
from .solve import Graph, conjugate_gradients, edge_weights, edges_within, graph_of, numbering

_NORMAL_LENGTH = 0.012  # metres
_STIFFNESS = np.geomspace(300.0, 1.0, 10)
_COARSE = 7  # steps of a coarse skin
_SWEEPS = 2
_PIN = 20.0  # closest points that one pin outweighs
_SKIN = ("skin", "mouth_bag", "eye_sockets")
_REACH = 0.03  # metres
_FACING = 0.5  # least cosine between the normals of a pair


@dataclass(frozen=True, eq=False)
class Pins:
    """Places that vertices of the canonical head must reach, and weights along each axis (0: free)."""

    vertices: Ints  # (n,)
    positions: Doubles  # (n, 3)
    weights: Doubles  # (n, 3)


def whole_skin(head: Head) -> Ints:
    """Vertices of the skin with the linings of mouth and eyes."""
    return np.unique(np.concatenate([head.regions[name] for name in _SKIN])).astype(np.int64)


def skin_graph(head: Head, vertices: Doubles) -> tuple[Ints, Graph]:
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
    coarse = coarse_skin(graph, np.flatnonzero(pinned[skin].any(axis=1)), shape[skin])
    moved, shift = shape.copy(), np.zeros((len(skin), 3))
    for number, stiffness in enumerate(_STIFFNESS):
        some, links = (coarse.chosen, coarse.graph) if number < _COARSE else (np.arange(len(skin)), graph)
        own = skin[some]
        for _ in range(_SWEEPS):
            normals = Mesh(moved, triangles).normals[own]
            at, weight = _closest(surface, target, moved[own], normals, trust[own], 0.012 if number < 4 else 0.006)
            total = weight[:, None] + _PIN * pinned[own]
            right = weight[:, None] * (at - shape[own]) + _PIN * (goal[own] - pinned[own] * shape[own])
            solved = _smooth_solve(links, stiffness, total, right, shift[some])
            shift = coarse.spread(solved) if number < _COARSE else solved
            moved[skin] = shape[skin] + shift
        report((number + 1) / len(_STIFFNESS))
    return moved


@dataclass(frozen=True, eq=False)
class CoarseSkin:
    """Some vertices of a graph of n, no two of them neighbours but for those that had to be among them."""

    chosen: Ints  # (c,)
    graph: Graph  # of the c vertices
    beside: Graph  # of the n: neighbours that are chosen

    def spread(self, values: Doubles) -> Doubles:
        """(n, D) of values (c, D): chosen vertices have their own, others the mean of the chosen beside them."""
        full = np.zeros((len(self.beside.degree), values.shape[1]))
        full[self.chosen] = values
        result = self.beside.mean(full)
        result[self.chosen] = values
        return result


def coarse_skin(graph: Graph, needed: Ints, vertices: Doubles) -> CoarseSkin:
    """About a quarter of a graph's `vertices` (n, 3): those `needed`, and then every one that has none beside it.

    Two are joined where an edge leads from one, or from a vertex beside it, to the other or to a vertex beside that.
    """
    count, real = len(vertices), graph.weights > 0
    state = np.zeros(count, np.int8)  # 1: chosen, 2: beside a chosen one
    state[needed] = 1
    state[graph.neighbours[needed][real[needed]]] |= 2
    state[needed] = 1
    for vertex in range(count):
        if state[vertex] == 0:
            state[vertex] = 1
            beside = graph.neighbours[vertex][real[vertex]]
            state[beside] = np.where(state[beside] == 1, 1, 2)
    chosen = np.flatnonzero(state == 1)
    place = numbering(chosen, count)
    weights = graph.weights * (state[graph.neighbours] == 1)
    beside_chosen = Graph(graph.neighbours, weights, weights.sum(axis=1))
    nearest = np.where(state == 1, np.arange(count), graph.neighbours[np.arange(count), weights.argmax(axis=1)])
    start, column = np.nonzero(real)
    pairs = np.sort(place[nearest[np.stack([start, graph.neighbours[start, column]], axis=1)]], axis=1)
    edges = np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0)
    return CoarseSkin(chosen, graph_of(edges, len(chosen), edge_weights(vertices[chosen], edges)), beside_chosen)


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
