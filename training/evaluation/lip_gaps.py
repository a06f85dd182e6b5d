"""How far the lips are apart, in 3D, all along the mouth, corners included.

Lips that roll in or come forward meet further out or further in than at rest. So at each vertex of the inner lips it
is the section of the lip there that is looked at: the nearest that any of it comes to the other lip's surface.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ...inference.arrays import Doubles, Floats, Ints
from ...inference.binding.nearest import closest_weights
from ...inference.head.canonical import Head
from ..fusion.lip_seal import lip_distances

_LIPS = 0.008  # metres over the surface from the inner lips: what is lip
_SECTION = 0.0015  # metres to the left and right of a vertex at rest: its section
_NEAR = 24  # triangles that may be nearest


class LipGaps:
    """Distances between the lips of one head at the inner lips' vertices."""

    def __init__(self, head: Head) -> None:
        above, below = lip_distances(head)
        triangles = head.triangles.astype(np.int64)
        lips = [(own < _LIPS) & (own <= other) for own, other in ((above, below), (below, above))]
        self.sides: list[tuple[Ints, Ints, NDArray[np.bool_]]] = []
        for side, (mine, other) in zip(("upper", "lower"), (lips, lips[::-1]), strict=True):
            vertices = np.flatnonzero(mine)
            across = head.vertices[head.regions[f"inner_lip_{side}"], 0][:, None] - head.vertices[vertices, 0]
            self.sides.append((vertices, triangles[other[triangles].all(axis=1)], np.abs(across) < _SECTION))

    def of(self, face: Floats) -> Floats:
        """(n,) mm, at the upper inner lip's vertices, then at the lower's; face (V, 3) in metres."""
        parts = []
        for vertices, triangles, sections in self.sides:
            off = _distances(face[vertices].astype(np.float64), face[triangles].astype(np.float64))
            parts.append(np.where(sections, off, np.inf).min(axis=1))
        return (1000 * np.concatenate(parts)).astype(np.float32)

    def added(self, quiet: Floats, felt: Floats) -> Floats:
        """(m,) by how much in mm displacements (m, V, 3) each part the lips of faces (n, V, 3) where it does most."""
        before = [self.of(face) for face in quiet]
        parted = [[self.of(face + each) - rest for face, rest in zip(quiet, before, strict=True)] for each in felt]
        return np.array(parted).max(axis=(1, 2))


def _distances(points: Doubles, corners: Doubles) -> Doubles:
    """(n,) from points (n, 3) to the nearest of triangles (m, 3 corners, 3), of those whose middles are nearest."""
    middles = corners.mean(axis=1)
    away, near = cKDTree(middles).query(points, k=min(_NEAR, len(corners)))
    radius = np.linalg.norm(corners - middles[:, None], axis=2).max(axis=1)
    row, column = np.nonzero(away - radius[near] <= away[:, :1])  # the others are further than the nearest middle
    one, (a, b, c) = points[row], (corners[near[row, column], k] for k in range(3))
    weights = closest_weights(one, a, b, c)
    off = np.full(near.shape, np.inf)
    off[row, column] = np.linalg.norm(one - weights[:, :1] * a - weights[:, 1:2] * b - weights[:, 2:] * c, axis=1)
    return np.asarray(off.min(axis=1))
