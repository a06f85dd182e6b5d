"""Where lips meet: the rings around the mouth, the room between the lips, and lips that keep out of each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...inference.arrays import Doubles, Ints
from ...inference.numeric import smoothstep
from .mesh import QuadMesh, Spread

RINGS = 25  # closed loops of 74 of the scan's vertices around the mouth, from the red's border into the mouth
CONTACT = 7  # the ring on which closed lips lie on each other
RED = 9  # rings from the outermost that are lips
_CORNERS = (55, 19)  # of a ring: right, left
UPPER = np.r_[55:74, 0:20]  # of a ring: from the right corner to the left
LOWER = np.arange(55, 18, -1)

LIP_GAP = 0.1e-3  # metres between closed lips
_PROFILE = slice(3, 14)  # the rings whose section is looked at
_WIDTH = 0.97  # of half the mouth: sections are taken up to there
_SECTIONS, _DEPTHS = 41, 60
_MOVED = slice(5, 11)  # rings that a lip is moved by
_REACH = 0.018  # metres over which a lip's move fades
_ROUNDS, _SETTLED = 6, 0.02e-3
_BESIDE = (0.78, 0.93)  # of half the mouth: from where on pairs are looked at, not sections


@dataclass(frozen=True, eq=False)
class Mouth:
    """The rings (RINGS, 74) of vertices, from the upper lip's middle over the left corner, around the mouth."""

    rings: Ints

    @property
    def corners(self) -> Ints:
        """Right and left corner of the mouth."""
        return self.rings[CONTACT, list(_CORNERS)]

    def pairs(self, vertices: Doubles) -> tuple[Ints, Ints]:
        """(upper, lower) vertices that lie on each other in closed lips, from the right corner to the left."""
        upper, lower = self.rings[CONTACT, UPPER[1:-1]], self.rings[CONTACT, LOWER[1:-1]]
        nearest = np.abs(vertices[upper, 0][None] - vertices[lower, 0][:, None]).argmin(axis=1)
        return upper[nearest], lower


def find_mouth(mesh: QuadMesh, vertices: Doubles, landmarks: Ints) -> Mouth:
    """The rings of the scan's or the head's skin, found from the upper lip's outer landmark (iBUG 51) inwards."""
    top, inner = int(landmarks[51]), int(landmarks[62])
    below = [v for v in mesh.neighbours(top) if abs(vertices[v, 0]) < 1e-6]
    start = min(below, key=lambda v: float(np.linalg.norm(vertices[v] - vertices[inner])))
    midline = mesh.walk(top, start)[1 : RINGS + 1]
    rings = []
    for vertex in midline:
        left = max(mesh.neighbours(vertex), key=lambda v: float(vertices[v, 0]))
        rings.append(mesh.walk(vertex, left))
    return Mouth(np.array(rings))


def section_gaps(vertices: Doubles, mouth: Mouth) -> tuple[Doubles, Doubles]:
    """(x, gaps): at places across the mouth, the least height between the lips in a section; negative: through.

    Where lips do not stand over each other at any depth, the gap is the height between their rims.
    """
    right, left = vertices[mouth.corners, 0]
    x = 0.5 * (right + left) + 0.5 * (left - right) * np.linspace(-_WIDTH, _WIDTH, _SECTIONS)
    sections = [_section(vertices, mouth.rings[_PROFILE][:, half], x) for half in (UPPER, LOWER)]
    gaps = np.empty(len(x))
    for k in range(len(x)):
        (yu, zu), (yl, zl) = (section[:, k].T for section in sections)
        low, high = max(yu.min(), yl.min()), min(yu.max(), yl.max())
        if low >= high:
            gaps[k] = zu.min() - zl.max()
            continue
        depths = np.linspace(low, high, _DEPTHS)
        gaps[k] = (_envelope(yu, zu, depths, np.minimum) - _envelope(yl, zl, depths, np.maximum)).min()
    return x, gaps


def _section(vertices: Doubles, rings: Ints, x: Doubles) -> Doubles:
    """(rings, len(x), 2) depth and height of each ring at the places x."""
    rows = []
    for ring in rings:
        line = vertices[ring]
        line = line[np.argsort(line[:, 0])]
        rows.append(np.stack([np.interp(x, line[:, 0], line[:, axis]) for axis in (1, 2)], axis=1))
    return np.array(rows)


def _envelope(y: Doubles, z: Doubles, depths: Doubles, pick: np.ufunc) -> Doubles:
    """The lowest (or highest) height of a polyline at each depth; far away where it has none there."""
    away = np.inf if pick is np.minimum else -np.inf
    y0, y1, z0, z1 = y[:-1, None], y[1:, None], z[:-1, None], z[1:, None]
    span = np.where(np.abs(y1 - y0) < 1e-9, 1e-9, y1 - y0)
    share = (depths[None] - y0) / span
    height = np.where((share >= 0) & (share <= 1), z0 + share * (z1 - z0), away)
    return pick.reduce(height, axis=0)


class LipSettler:
    """Moves both lips by the same amount up and down until they lie on each other, or only out of each other."""

    def __init__(self, mouth: Mouth, mesh: QuadMesh, places: Doubles) -> None:
        self.mouth = mouth
        rings = mouth.rings[_MOVED]
        self.halves = [np.unique(rings[:, half[1:-1]]) for half in (UPPER, LOWER)]
        self.pairs = mouth.pairs(places)
        self._rest = self._heights(places)
        self.spread = Spread(mesh, places, np.concatenate(self.halves), _REACH)

    def _heights(self, vertices: Doubles) -> Doubles:
        upper, lower = self.pairs
        return vertices[upper, 2] - vertices[lower, 2]

    def gaps(self, vertices: Doubles, by_pairs: bool = False) -> tuple[Doubles, Doubles]:
        """(x, gaps) between the lips; near the corners, where sections turn away, of the pairs that meet there.

        `by_pairs` takes the pairs' all over, for a lip that is rolled in behind the other.
        """
        x, gaps = section_gaps(vertices, self.mouth)
        beside = vertices[self.pairs[1], 0]
        order = np.argsort(beside)
        paired = np.interp(x, beside[order], (self._heights(vertices) - self._rest + LIP_GAP)[order])
        share = 1.0 if by_pairs else smoothstep(np.abs(np.linspace(-_WIDTH, _WIDTH, _SECTIONS)), *_BESIDE)
        return x, (1 - share) * gaps + share * paired

    def closed(self, vertices: Doubles, only_overlaps: bool = False, by_pairs: bool = False) -> Doubles:
        """(n, 3) a copy whose lips are LIP_GAP apart; with `only_overlaps`, lips that are further apart stay so."""
        result = vertices.copy()
        for _ in range(_ROUNDS):
            x, gaps = self.gaps(result, by_pairs)
            short = LIP_GAP - gaps
            if only_overlaps:
                short = np.maximum(short, 0.0)
            if np.abs(short).max() < _SETTLED:
                break
            lift = [
                sign * 0.5 * np.interp(result[half, 0], x, short)
                for half, sign in zip(self.halves, (1, -1), strict=True)
            ]
            result[:, 2] += self.spread(np.concatenate(lift)[:, None])[:, 0]
        return result
