"""Lips on each other: what touches in the mesh's neutral parts by as much as the canonical lips part beside it.

Each vertex follows its own point of the canonical lips, and two that lie on each other may follow points at different
depths of the mouth, which shapes such as mouthPress move by different amounts. Here the difference is taken off both,
half each, fading over the lips. Linear in the deltas, as everything in binding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Ints
from ..head.canonical import Head
from ..numeric import smoothstep
from .correspond import Following
from .mesh import Mesh
from .nearest import Surface
from .solve import numbering

_AROUND = 0.01  # metres from the canonical lips' line within which vertices may touch
_TOUCH, _APART = 0.001, 0.0025  # metres between the lips up to which they touch, and from which they do not
_OPPOSED = -0.2  # cosine between the normals of two places that touch
_SPREAD = 0.006  # metres over which what is taken off at the contact fades
_SOFT = 0.0004  # metres: the nearest contacts count the most
_NEAREST, _MOST = 6, 600  # contacts that a vertex listens to, and that are kept
_CORNER = 0.004  # metres before the corners in which the lips become one
_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class LipContacts:
    """m contacts: a vertex of one lip, the place on the other that it lies on, and the canonical pairs beside it.

    All vertices are numbered as in `Following.vertices`.
    """

    vertices: Ints  # (m,)
    opposite: Ints  # (m, 3) corners of the triangle on the other lip
    weights: Doubles  # (m, 3)
    sign: Doubles  # (m,) 1 on the upper lip, -1 on the lower
    strength: Doubles  # (m,) 1 where the lips touch, 0 where they lie apart or join in the corner
    upper: Ints  # (p,) canonical pairs, from the right corner to the left
    lower: Ints  # (p,)
    first: Ints  # (m,) the pair to the right of each contact; the next one is to its left
    share: Doubles  # (m,) of the next one
    moved: Ints  # (a,) vertices that give way
    anchors: Ints  # (a, k) the contacts that each of them listens to
    spread: Doubles  # (a, k)

    def settle(self, delta: NDArray[np.floating], carried: Doubles) -> None:
        """Change `delta` (n, 3) in place; `carried` (V, 3) is what the canonical head does. Heights only."""
        parting = (carried[self.upper] - carried[self.lower])[:, 2]
        due = (1 - self.share) * parting[self.first] + self.share * parting[self.first + 1]
        for _ in range(_ROUNDS):
            across = np.einsum("mk,mk->m", self.weights, delta[self.opposite, 2])
            missing = 0.5 * self.strength * (self.sign * due - (delta[self.vertices, 2] - across))
            delta[self.moved, 2] += np.einsum("ak,ak->a", self.spread, missing[self.anchors])


def find_contacts(head: Head, registered: Doubles, target: Mesh, following: Following) -> LipContacts | None:
    """Where the mesh's lips touch in its neutral; None where they do not. All in the canonical head's space."""
    upper, lower = (head.regions[f"inner_lip_{name}"].astype(np.int64) for name in ("upper", "lower"))
    line = (registered[upper] + registered[lower]) / 2
    points, normals = target.vertices[following.vertices], target.normals[following.vertices]
    near = np.flatnonzero(_off(points, line) < _AROUND)
    found = [_touching(target, following, points, normals, near, sign) for sign in (1, -1)]
    vertices, opposite, weights, gap = (np.concatenate(each) for each in zip(*found, strict=True))
    if not len(vertices):
        return None
    if len(vertices) > _MOST:
        kept = np.linspace(0, len(vertices) - 1, _MOST).astype(np.int64)
        vertices, opposite, weights, gap = vertices[kept], opposite[kept], weights[kept], gap[kept]
    order = np.argsort(registered[upper, 0])
    upper, lower, x = upper[order], lower[order], line[order, 0]
    first = np.clip(np.searchsorted(x, points[vertices, 0]) - 1, 0, len(x) - 2)
    share = np.clip((points[vertices, 0] - x[first]) / np.maximum(x[first + 1] - x[first], 1e-9), 0.0, 1.0)
    ends = registered[head.regions["mouth_corners"], 0]
    inside = np.minimum(points[vertices, 0] - ends.min(), ends.max() - points[vertices, 0]) / _CORNER
    strength = np.clip((_APART - gap) / (_APART - _TOUCH), 0.0, 1.0) * np.clip(inside, 0.0, 1.0)
    sign = following.sides[vertices].astype(np.float64)
    giving = _giving(points, following.sides, vertices, sign)
    return LipContacts(vertices, opposite, weights, sign, strength, upper, lower, first, share, *giving)


def _off(points: Doubles, line: Doubles) -> Doubles:
    """(n,) distance from the nearest of a few points, one at a time: n may be large."""
    least = np.full(len(points), np.inf)
    for each in line:
        np.minimum(least, ((points - each) ** 2).sum(axis=1), out=least)
    return np.sqrt(least)


def _touching(
    target: Mesh, following: Following, points: Doubles, normals: Doubles, near: Ints, sign: int
) -> tuple[Ints, Ints, Doubles, Doubles]:
    """Contacts of one lip's vertices: (vertices, opposite corners, weights, gaps in metres)."""
    place = numbering(following.vertices, len(target.vertices))
    own = near[following.sides[near] == sign]
    other = following.vertices[near[following.sides[near] == -sign]]
    nothing = np.zeros(0, np.int64), np.zeros((0, 3), np.int64), np.zeros((0, 3)), np.zeros(0)
    inside = np.isin(target.triangles, other).all(axis=1)
    if not len(own) or not inside.any():
        return nothing
    part = Mesh(target.vertices, target.triangles[inside])
    hit = Surface(part).closest(points[own], reach=_APART + 0.002)
    facing = part.triangle_normals[np.maximum(hit.triangle, 0)]
    facing = facing / np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-30)
    good = (hit.triangle >= 0) & (hit.distance < _APART)
    good &= np.einsum("nd,nd->n", facing, normals[own]) < _OPPOSED
    chosen = np.flatnonzero(good)
    return own[chosen], place[part.triangles[hit.triangle[chosen]]], hit.weights[chosen], hit.distance[chosen]


def _giving(points: Doubles, sides: Ints, contacts: Ints, sign: Doubles) -> tuple[Ints, Ints, Doubles]:
    """Vertices of the lips that give way, the contacts of their own lip nearest to them, and shares of those."""
    moved, anchors, spread = [], [], []
    for side in (1, -1):
        own = np.flatnonzero(sign == side)
        if not len(own):
            continue
        at = points[contacts[own]]
        lip = np.flatnonzero(sides == side)
        lip = lip[((points[lip] > at.min(axis=0) - _SPREAD) & (points[lip] < at.max(axis=0) + _SPREAD)).all(axis=1)]
        for start in range(0, len(lip), 2000):
            some = lip[start : start + 2000]
            off = np.sqrt(((points[some][:, None] - at) ** 2).sum(axis=2))
            near = np.argsort(off, axis=1)[:, : min(_NEAREST, len(own))]
            off = np.take_along_axis(off, near, axis=1)
            share = 1.0 / (off + _SOFT) ** 2
            share *= (smoothstep(1.0 - off[:, 0] / _SPREAD) / share.sum(axis=1))[:, None]
            padding = ((0, 0), (0, _NEAREST - near.shape[1]))
            moved.append(some)
            anchors.append(np.pad(own[near], padding))
            spread.append(np.pad(share, padding))
    return np.concatenate(moved), np.concatenate(anchors), np.concatenate(spread)
