"""The skin of the lids: what a closing lid stretches is spread over its skin, and not over the crease above it alone.

Faces differ most in where the lid's skin folds, so the canonical fold seldom lies on the mesh's. Between the lids' free
edges and the face around, deltas are relaxed as an elastic sheet does. Linear in the deltas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Ints
from ..head.canonical import Head
from .correspond import Following
from .features import lid_margins
from .mesh import Mesh
from .solve import Graph, edges_within, numbering, small_graph_of

_REACH = 0.013  # metres around the lids' edges in which skin gives way
_EDGE = 0.0012  # metres from the edges within which it does not
_STEP = 0.0011  # metres: edges of the mesh so long need _SWEEPS sweeps; shorter ones more
_SWEEPS, _MOST = 12, 60
_STILL = 1e-5  # metres: a shape that moves the lids less leaves them as they are


@dataclass(frozen=True, eq=False)
class LidSkin:
    """n vertices around the eyes, numbered as in `Following.vertices`, and how much each gives way in a sweep."""

    vertices: Ints  # (n,)
    graph: Graph  # of their edges
    amount: Doubles  # (n,) 0 at the lids' edges and at the region's border
    sweeps: int

    def settle(self, delta: NDArray[np.floating]) -> None:
        """Change `delta` (m, 3) of all that follows in place, where it moves the lids."""
        own = delta[self.vertices].astype(np.float32, copy=False)
        if np.abs(own).max() < _STILL:
            return
        step = (0.9 * self.amount).astype(np.float32)[:, None]
        for _ in range(self.sweeps):
            own += step * (self.graph.mean(own) - own)
        delta[self.vertices] = own


def find_lid_skin(head: Head, registered: Doubles, target: Mesh, following: Following) -> LidSkin | None:
    """The skin of the mesh's lids; None where nothing follows there. All in the canonical head's space."""
    edges = registered[np.concatenate(lid_margins(head))]
    points = target.vertices[following.vertices]
    near = ((points > edges.min(axis=0) - _REACH) & (points < edges.max(axis=0) + _REACH)).all(axis=1)
    chosen = np.flatnonzero(near)
    off = np.array([np.sqrt(((edges - point) ** 2).sum(axis=1).min()) for point in points[chosen]])
    chosen, off = chosen[off < _REACH], off[off < _REACH]
    if len(chosen) < 3:
        return None
    links = edges_within(target.edges, numbering(following.vertices[chosen], len(target.vertices)))
    if not len(links):
        return None
    within = np.clip((_REACH - off) / (0.3 * _REACH), 0.0, 1.0)
    amount = np.asarray(np.clip((off - _EDGE) / _EDGE, 0.0, 1.0) * within, np.float64)
    ends = points[chosen][links]
    length = float(np.median(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)))
    sweeps = int(np.clip(_SWEEPS * (_STEP / max(length, 1e-9)) ** 2, 1, _MOST))
    return LidSkin(chosen, small_graph_of(links, len(chosen)), amount, sweeps)
