"""Corners of mouth and eyes, where opposed movements turn the smallest quads over: displacements are evened out."""

from __future__ import annotations

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from ...inference.arrays import Doubles, Ints
from .mesh import QuadMesh

_REACH = 0.005  # metres from a corner within which displacements are evened out
EVEN = 0.0015  # metres: how far a vertex at a corner goes along with others


class CornerEase:
    """Evens out displacements of a surface around some of its vertices."""

    def __init__(self, corners: Ints, mesh: QuadMesh, places: Doubles, even: float = EVEN) -> None:
        off = np.linalg.norm(places[:, None] - places[corners], axis=2).min(axis=1)
        a, b = mesh.edges[(off[mesh.edges] < _REACH).any(axis=1)].T
        self.near = np.union1d(a, b)
        share = np.clip(1.0 - np.minimum(off[a], off[b]) / _REACH, 0.0, 1.0)
        length = np.maximum(np.linalg.norm(places[a] - places[b], axis=1), 1e-5)
        rows, ends = np.arange(len(a)), np.searchsorted(self.near, np.r_[a, b])
        slope = np.r_[share, -share] * np.tile(even / length, 2)
        edges = scipy.sparse.csr_matrix((slope, (np.tile(rows, 2), ends)), (len(a), len(self.near)))
        self._solve = scipy.sparse.linalg.factorized((scipy.sparse.eye(len(self.near)) + edges.T @ edges).tocsc())

    def __call__(self, delta: Doubles) -> Doubles:
        """(n, 3) the nearest delta to the given one that has no steep slope at the corners."""
        result = delta.copy()
        result[self.near] = self._solve(delta[self.near])
        return result
