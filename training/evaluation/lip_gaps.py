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

    def added(self, quiet: Floats, felt: Floats) -> float:
        """By how much in mm a displacement (V, 3) parts the lips of faces (n, V, 3) where it does most."""
        return max(float((self.of(face + felt) - self.of(face)).max()) for face in quiet)


def _distances(points: Doubles, corners: Doubles) -> Doubles:
    """(n,) from points (n, 3) to the nearest of triangles (m, 3 corners, 3), of those whose middles are nearest."""
    _, near = cKDTree(corners.mean(axis=1)).query(points, k=min(_NEAR, len(corners)))
    one = np.repeat(points, near.shape[1], axis=0)
    a, b, c = (corners[near, k].reshape(-1, 3) for k in range(3))
    weights = closest_weights(one, a, b, c)
    off = np.linalg.norm(one - weights[:, :1] * a - weights[:, 1:2] * b - weights[:, 2:] * c, axis=1)
    return np.asarray(off.reshape(near.shape).min(axis=1))
