"""What keeps expressions from turning skin over: displacements are evened out where shapes fold against each other.

Scans raise a cheek and tighten a lid each with its own fold at the lids' edges, and press lips and raise a chin each
with its own crease under the lower lip; in the sum of both, folds pass each other. So displacements there are evened
out over neighbours. Linear in the displacement.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.head.canonical import Head
from ..mesh_laplacian import laplacian
from .lip_seal import lip_distances

_STEPS, _SHARE = 16, 0.6  # times that a vertex takes that share, at most, of its neighbours' mean
_LIDS = slice(36, 48)  # of the 68 landmarks
_OUTER = (36, 45)  # the eyes' outer corners
_BESIDE = 0.009  # metres from an outer corner within which both lids fold
_CREASE = (0.0055, 0.0075, 0.019, 0.022)  # metres over the surface from the lower lip: none, whole, whole, none


class FoldEase:
    """Eases displacements of one head."""

    def __init__(self, head: Head) -> None:
        share = _SHARE * np.maximum(_lids(head), _crease(head))
        self.eases = np.flatnonzero(share > 0)
        step = scipy.sparse.eye(len(head.vertices)) - scipy.sparse.diags(share) @ laplacian(head)
        self.step = step.tocsr()[self.eases]

    def eased(self, fields: Floats) -> Floats:
        """Displacements (n, V, 3) whose folds do not turn over."""
        result = fields.copy()
        for _ in range(_STEPS):
            for field in result:
                field[self.eases] = self.step @ field
        return result


def _lids(head: Head) -> NDArray[np.float64]:
    """(V,) 1 for the lower lids and what is hidden under them; less and less around the outer corners."""
    share = np.zeros(len(head.vertices))
    around = np.union1d(head.regions["eyelids"], head.regions["eye_sockets"])
    share[around[head.vertices[around, 2] < head.vertices[head.landmarks[_LIDS], 2].mean()]] = 1.0
    skin = np.union1d(around, head.regions["face"])
    outer = head.vertices[head.landmarks[list(_OUTER)]]
    off = np.linalg.norm(head.vertices[skin, None] - outer, axis=2).min(axis=1)
    share[skin] = np.maximum(share[skin], np.clip(2.0 - 2.0 * off / _BESIDE, 0.0, 1.0))
    return share


def _crease(head: Head) -> NDArray[np.float64]:
    """(V,) 1 in the crease under the lower lip."""
    above, below = lip_distances(head)
    below = np.where((below < above) & np.isfinite(below), below, np.inf)
    share = np.interp(below, _CREASE, (0.0, 1.0, 1.0, 0.0), right=0.0)
    return np.where(np.isin(np.arange(len(share)), head.regions["face"]), share, 0.0)
