"""For each vertex of the mesh, the place on the registered head that it follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Doubles, Ints
from ..head.canonical import Head
from ..numeric import smoothstep
from .mesh import Mesh
from .nearest import PointGrid, Surface, SurfacePoints
from .nonrigid import whole_skin
from .parts import SKIN, TRIM
from .solve import Graph, edges_within, graph_of, numbering

_NORMAL_LENGTH = 0.008  # metres
_NEAR, _FAR = 0.008, 0.025  # metres off the registered head at which following begins to fade, and ends
_SURE = 0.003  # metres nearer to one lip than to the other from which a vertex's side is certain
_LIP = 0.014  # metres above and below the mouth's line that are lips, seen from the front
_FRONT, _UPRIGHT = -0.3, 0.6  # components of normals: facing the front, and up or down
_CORNER = 0.0005  # metres inside the corners where the lips join
_AROUND_MOUTH = 0.035  # metres
_TRIM_FAR = 0.012  # metres from the skin at which trimmings no longer follow


@dataclass(frozen=True, eq=False)
class Following:
    """n vertices of the mesh and the triangles of the registered head that they follow."""

    vertices: Ints  # (n,)
    triangles: Ints  # (n, 3) vertices of the head
    weights: Doubles  # (n, 3) they sum to 1, or to less where following fades
    sides: Ints  # (n,) 1 on the upper lip's side of the mouth, -1 on the lower one's, 0 far from it

    def apply(self, delta: Doubles) -> Doubles:
        """(n, 3) of deltas (V, 3) on the registered head."""
        result: Doubles = self.weights[:, :1] * delta.take(self.triangles[:, 0], axis=0)
        for k in (1, 2):
            result += self.weights[:, k : k + 1] * delta.take(self.triangles[:, k], axis=0)
        return result


def follow_skin(head: Head, registered: Doubles, target: Mesh, labels: Ints) -> Following:
    """The skin's vertices that follow; upper lips follow the upper lip only, lower ones the lower."""
    skin = whole_skin(head)
    own = Mesh(registered, head.triangles.astype(np.int64))
    mine = np.flatnonzero(labels == SKIN)
    low, high = registered[skin].min(axis=0) - _FAR, registered[skin].max(axis=0) + _FAR
    inside = (target.vertices[mine] > low) & (target.vertices[mine] < high)
    mine = mine[inside.all(axis=1)]
    points, normals = target.vertices[mine], target.normals[mine]
    hit = Surface(own, _NORMAL_LENGTH, skin).closest(points, normals, 2 * _FAR)
    side = lip_sides(head, registered)
    found = _sides_of_mesh(target, mine, hit, own, side, head, registered)
    for sign in (-1, 1):
        part = np.flatnonzero(found == sign)
        if len(part):
            _replace(
                hit,
                part,
                Surface(own, _NORMAL_LENGTH, skin[side[skin] * sign >= 0]).closest(
                    points[part], normals[part], 2 * _FAR
                ),
            )
    fade = smoothstep((_FAR - hit.distance) / (_FAR - _NEAR))
    keep = np.flatnonzero((hit.triangle >= 0) & (fade > 0))
    return Following(mine[keep], own.triangles[hit.triangle[keep]], hit.weights[keep] * fade[keep, None], found[keep])


def _replace(hit: SurfacePoints, part: Ints, by: SurfacePoints) -> None:
    good = np.flatnonzero(by.triangle >= 0)
    hit.triangle[part[good]], hit.weights[part[good]] = by.triangle[good], by.weights[good]
    hit.position[part[good]], hit.distance[part[good]] = by.position[good], by.distance[good]


def lip_sides(head: Head, registered: Doubles) -> Doubles:
    """(V,) metres by which each vertex of the skin is nearer to the upper lip (positive) or the lower, on the surface.

    Zero far from the mouth and on the corners.
    """
    skin = whole_skin(head)
    place = numbering(skin, len(registered))
    edges = edges_within(head.edges, place)
    length = np.linalg.norm(registered[skin[edges[:, 0]]] - registered[skin[edges[:, 1]]], axis=1)
    graph = graph_of(edges, len(skin), length)
    upper, lower = (place[head.regions[f"inner_lip_{name}"]] for name in ("upper", "lower"))
    far = 2 * _AROUND_MOUTH
    result = np.zeros(len(registered))
    result[skin] = np.clip(surface_distance(graph, lower, far) - surface_distance(graph, upper, far), -far, far)
    result[head.regions["mouth_corners"]] = 0.0
    return result


def surface_distance(graph: Graph, seeds: Ints, reach: float) -> Doubles:
    """(n,) metres along edges from the nearest seed, `reach` where further; the graph's weights are edge lengths."""
    lengths = np.where(graph.weights > 0, graph.weights, np.inf)
    distance = np.full(len(graph.degree), reach)
    distance[seeds] = 0.0
    active = graph.neighbours[seeds].ravel()
    while len(active):
        active = np.unique(active)
        shorter = (distance[graph.neighbours[active]] + lengths[active]).min(axis=1)
        better = shorter < distance[active] - 1e-12
        active = active[better]
        distance[active] = shorter[better]
        active = graph.neighbours[active].ravel()
    return distance


def _sides_of_mesh(
    target: Mesh,
    mine: Ints,
    hit: SurfacePoints,
    own: Mesh,
    side: Doubles,
    head: Head,
    registered: Doubles,
) -> Ints:
    """(n,) 1 for the upper lip's side, -1 for the lower one's, 0 far from the mouth.

    Sure vertices, off the mouth's line and facing out, are seeds; the rest is as the seeds nearest on the surface.
    """
    lips = registered[head.regions["outer_lips"]]
    middle = (lips.min(axis=0) + lips.max(axis=0)) / 2
    local = np.flatnonzero(
        np.linalg.norm(target.vertices[mine] - middle, axis=1) < np.ptp(lips[:, 0]) / 2 + _AROUND_MOUTH
    )
    value = hit.values(own.triangles, side[:, None])[:, 0]
    facing = np.einsum("nd,nd->n", hit.values(own.triangles, own.normals), target.normals[mine])
    outside = ~np.isin(own.triangles[np.maximum(hit.triangle, 0), 0], head.regions["mouth_bag"])
    sure = (np.abs(value) > _SURE) & (facing > 0.5) & (hit.distance < 0.005) & outside
    edges = edges_within(target.edges, numbering(mine[local], len(target.vertices)))
    ends = target.vertices[mine[local]]
    nearby = graph_of(edges, len(local), np.linalg.norm(ends[edges[:, 0]] - ends[edges[:, 1]], axis=1))
    seen = _seen_sides(target.vertices[mine], target.normals[mine], head, registered)
    value = np.where(seen == 0, np.where(sure, value, 0.0), seen)
    distance = []
    for sign in (1, -1):
        seeds = np.flatnonzero(value[local] * sign > 0)
        distance.append(surface_distance(nearby, seeds, 1.0))
    found = np.zeros(len(mine), np.int64)
    found[local] = np.sign(distance[1] - distance[0])
    corners = registered[head.regions["mouth_corners"], 0]
    beside = np.abs(target.vertices[mine, 0] - corners.mean()) > np.ptp(corners) / 2 - _CORNER
    found[beside] = 0  # beyond the corners the skin is one
    return found


def line_of_mouth(head: Head, registered: Doubles) -> Doubles:
    """(p, 3) the mouth's line between the inner lips, from the right to the left."""
    pairs = [registered[head.regions[f"inner_lip_{name}"]] for name in ("upper", "lower")]
    line = (pairs[0] + pairs[1]) / 2
    ordered: Doubles = line[np.argsort(line[:, 0])]
    return ordered


def _seen_sides(points: Doubles, normals: Doubles, head: Head, registered: Doubles) -> Doubles:
    """(n,) 1 or -1 where the mesh itself tells the lip: what lies in front above or below the mouth's line, and what
    looks down or up beside it; else 0. On meshes with few vertices at the mouth hardly anything else does."""
    line = line_of_mouth(head, registered)
    above = points[:, 2] - np.interp(points[:, 0], line[:, 0], line[:, 2])
    behind = points[:, 1] - np.interp(points[:, 0], line[:, 0], line[:, 1])
    front = (normals[:, 1] < _FRONT) & (np.abs(above) > _SURE) & (np.abs(above) < _LIP) & (behind < _SURE)
    beside = (np.abs(normals[:, 2]) > _UPRIGHT) & (np.abs(above) < _SURE) & (np.abs(behind) < 2 * _SURE)
    result: Doubles = np.where(beside, -np.sign(normals[:, 2]), np.where(front, np.sign(above), 0.0))
    return result


def nearest_skin(target: Mesh, labels: Ints) -> tuple[Ints, Ints, Doubles]:
    """For trimmings: their vertices, the skin's vertex that each goes with, and how much (0 far off)."""
    trim, skin = np.flatnonzero(labels == TRIM), np.flatnonzero(labels == SKIN)
    if not len(trim) or not len(skin):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    near, off = PointGrid(target.vertices[skin]).nearest(target.vertices[trim], reach=_TRIM_FAR)
    found = near >= 0
    return trim[found], skin[near[found]], np.clip(2 * (1 - off[found] / _TRIM_FAR), 0.0, 1.0)
