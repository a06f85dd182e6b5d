"""How far the lips are apart, in 3D, along the whole inner lip, corners included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..inference.head import Head
from .lip_seal import closest_points, lip_distances

_LIPS = 0.008  # metres over the surface from the inner lips, within which the other lip's surface is looked at

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class LipGaps:
    """Distances of the inner lips' vertices to the surface of the other lip."""

    def __init__(self, head: Head) -> None:
        above, below = lip_distances(head)
        upper, lower = (head.regions[f"inner_lip_{side}"].astype(np.int64) for side in ("upper", "lower"))
        triangles = head.triangles.astype(np.int64)
        of_upper, of_lower = ((own < _LIPS) & (own <= other) for own, other in ((above, below), (below, above)))
        self.sides: tuple[tuple[Ints, Ints], ...] = tuple(
            (line, triangles[lip[triangles].all(axis=1)]) for line, lip in ((upper, of_lower), (lower, of_upper))
        )

    def of(self, face: Floats) -> Floats:
        """(n,) mm, of the upper inner lip's vertices, then of the lower's; face (V, 3) in metres."""
        parts = [closest_points(face[line], face[triangles])[2] for line, triangles in self.sides]
        return (1000 * np.concatenate(parts)).astype(np.float32)

    def added(self, quiet: Floats, felt: Floats) -> float:
        """By how much in mm a displacement (V, 3) parts the lips of faces (n, V, 3) where it does most."""
        return max(float((self.of(face + felt) - self.of(face)).max()) for face in quiet)
