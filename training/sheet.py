"""A surface as a sheet seen along a direction: how far points stand in front of it, or lie behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..inference.arrays import Doubles, Ints

_COVERING = 16  # triangles that may lie over a point: those with the nearest middles


@dataclass(frozen=True, eq=False)
class Sheet:
    """Triangles of a face seen along a direction: what lies over a point of the picture, and how far forward."""

    corners: Doubles  # (n, 3 corners, 3): right, up, forward
    facing: Doubles  # (n,) cosine between the triangle's normal and the direction

    @classmethod
    def seen(cls, face: Doubles, triangles: Ints, axes: Doubles) -> Sheet:
        """`axes` (3, 3) rows: right, up, forward."""
        corners = face[triangles] @ axes.T
        sides = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        return cls(corners, sides[:, 2] / np.maximum(np.linalg.norm(sides, axis=1), 1e-30))

    def in_front(self, points: Doubles) -> Doubles:
        """How far (m,) points (m, 3) are in front of the foremost triangle that looks this way, along its normal.

        -inf where none lies over or under the point.
        """
        looks = np.flatnonzero(self.facing > 0.1)
        corners = self.corners[looks]
        count = min(_COVERING, len(looks))
        _, near = cKDTree(corners[:, :, :2].mean(axis=1)).query(points[:, :2], k=count)
        a, b, c = (corners[near, k] for k in range(3))  # (m, k, 3)
        ab, ac, ap = b - a, c - a, points[:, None] - a
        area = ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0]
        area = np.where(np.abs(area) < 1e-14, 1e-14, area)
        v = (ap[..., 0] * ac[..., 1] - ap[..., 1] * ac[..., 0]) / area
        w = (ab[..., 0] * ap[..., 1] - ab[..., 1] * ap[..., 0]) / area
        over = (v >= 0) & (w >= 0) & (v + w <= 1)
        depth = a[..., 2] + v * ab[..., 2] + w * ac[..., 2]
        depth = np.where(over, depth, -np.inf)
        chosen = depth.argmax(axis=1)
        rows = np.arange(len(points))
        depth = np.where(over.any(axis=1), depth[rows, chosen], np.inf)
        return (points[:, 2] - depth) * self.facing[looks][near[rows, chosen]]

    def furthest_out(self, points: Doubles, most: float) -> float:
        """The most that `in_front` is of points (m, 3), of what is at most `most`; 0 where none is in front.

        It looks at those alone that are not behind every triangle near them, for most are.
        """
        corners = self.corners[self.facing > 0.1]
        low, high = corners.min(axis=1), corners[:, :, :2].max(axis=1)
        origin, cell = low[:, :2].min(axis=0), (high - low[:, :2]).max()
        first = ((low[:, :2] - origin) / cell).astype(int)
        behind = np.full(first.max(axis=0) + 2, np.inf)  # of each cell of the picture, the least depth of triangles
        for right, up in np.ndindex(2, 2):  # a triangle is no wider than a cell
            np.minimum.at(behind, tuple((first + np.array([right, up])).T), low[:, 2])
        place = np.floor((points[:, :2] - origin) / cell).astype(int)
        near = points[((place >= 0) & (place < behind.shape)).all(axis=1)]
        place = ((near[:, :2] - origin) / cell).astype(int)
        out = self.in_front(near[near[:, 2] > behind[tuple(place.T)]])
        return float(out[out < most].max(initial=0.0))
