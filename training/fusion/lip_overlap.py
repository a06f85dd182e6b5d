"""How far one lip comes through the other, in height: up through the upper, down through the lower one."""

from __future__ import annotations

import numpy as np

from ...inference.arrays import Doubles, Ints
from ...inference.head.canonical import Head
from ..sheet import Sheet
from .lip_seal import lip_distances

_LIPS = 0.009  # metres over the surface from the inner lips that are lips
_WIDTH = 0.93  # of half the mouth at rest: beyond, both lips are one fold
_DEEP = 0.008  # metres: what is deeper than that is not in the lip, but beyond it
_UP = np.eye(3)
_DOWN = np.diag([1.0, -1.0, -1.0])  # rows: right, up, forward of a look from below


class LipOverlap:
    """Measures faces (V, 3) of one head, in metres."""

    def __init__(self, head: Head) -> None:
        above, below = lip_distances(head)
        triangles, skin = head.triangles.astype(np.int64), np.zeros(len(head.vertices), bool)
        skin[head.regions["skin"]] = True
        self.half = float(np.abs(head.vertices[head.regions["mouth_corners"], 0]).mean())
        within = skin & (np.abs(head.vertices[:, 0]) < _WIDTH * self.half)
        self.upper, self.lower = (
            within & (own < _LIPS) & (own < other) for own, other in ((above, below), (below, above))
        )
        self._surfaces = tuple(triangles[lip[triangles].all(axis=1)] for lip in (self.upper, self.lower))
        self.vertices: Ints = np.concatenate([np.flatnonzero(self.lower), np.flatnonzero(self.upper)])

    def depths(self, face: Doubles) -> Doubles:
        """(n,) metres by which each of `vertices` is in the other lip; negative outside, -inf where none is near."""
        found = []
        for axes, own, surface in ((_DOWN, self.lower, 0), (_UP, self.upper, 1)):
            points = face[np.flatnonzero(own)] @ axes.T
            found.append(-Sheet.seen(face, self._surfaces[surface], axes).in_front(points))
        depth = np.concatenate(found)
        return np.where(depth < _DEEP, depth, -np.inf)

    def deepest(self, face: Doubles) -> float:
        """Metres; 0 where the lips do not pass each other."""
        return float(self.depths(face).max(initial=0.0))
