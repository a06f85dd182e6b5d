"""What keeps expressions from turning skin over: displacements are evened out where shapes fold against each other.

Scans raise a cheek and tighten a lid each with its own fold at the lids' edges, press lips and raise a chin each
with its own crease under the lower lip, and dimple a corner of the mouth that a smile pulls; in the sum of both, folds
pass each other. So displacements there are evened out over neighbours, in the crease over the whole of the chin, for
it is the lip that is held and the chin that rises which leave no room between them. Linear in the displacement.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ...inference.arrays import Floats, Ints
from ...inference.head.canonical import Head
from ..mesh_laplacian import laplacian
from .lip_seal import lip_distances

_SHARE = 0.6  # that a vertex takes of its neighbours' mean at a step, at most
_LIDS, _CREASE, _CORNERS = 16, 80, 10  # steps
_LID_LANDMARKS = slice(36, 48)  # of the 68
_OUTER = (36, 45)  # landmarks of the eyes' outer corners
_BESIDE = 0.011  # metres from an outer corner within which both lids fold
_BELOW = (0.0055, 0.0075, 0.024, 0.030)  # metres over the surface from the lower lip: none, whole, whole, none
_AROUND = 0.008  # metres from a corner of the mouth


class FoldEase:
    """Eases displacements of one head."""

    def __init__(self, head: Head) -> None:
        self.parts = [
            _part(head, share, steps)
            for share, steps in ((_lids(head), _LIDS), (_crease(head), _CREASE), (_corners(head), _CORNERS))
        ]

    def eased(self, fields: Floats) -> Floats:
        """Displacements (n, V, 3) whose folds do not turn over."""
        result = fields.copy()
        for eases, step, steps in self.parts:
            for _ in range(steps):
                for field in result:
                    field[eases] = step @ field
        return result


def _part(head: Head, share: NDArray[np.float64], steps: int) -> tuple[Ints, scipy.sparse.csr_matrix, int]:
    """What is eased where `share` (V,) says, in that many steps: vertices (n,), one step (n, V), the steps."""
    eases = np.flatnonzero(share > 0)
    step = scipy.sparse.eye(len(head.vertices)) - scipy.sparse.diags(_SHARE * share) @ laplacian(head)
    return eases, step.tocsr()[eases], steps


def _lids(head: Head) -> NDArray[np.float64]:
    """(V,) 1 for the lower lids and what is hidden under them; less and less around the outer corners."""
    share = np.zeros(len(head.vertices))
    around = np.union1d(head.regions["eyelids"], head.regions["eye_sockets"])
    share[around[head.vertices[around, 2] < head.vertices[head.landmarks[_LID_LANDMARKS], 2].mean()]] = 1.0
    skin = np.union1d(around, head.regions["face"])
    outer = head.vertices[head.landmarks[list(_OUTER)]]
    off = np.linalg.norm(head.vertices[skin, None] - outer, axis=2).min(axis=1)
    share[skin] = np.maximum(share[skin], np.clip(2.0 - 2.0 * off / _BESIDE, 0.0, 1.0))
    return share


def _crease(head: Head) -> NDArray[np.float64]:
    """(V,) 1 from the crease under the lower lip over the chin."""
    above, below = lip_distances(head, _BELOW[-1])
    below = np.where((below < above) & np.isfinite(below), below, np.inf)
    return _on_face(head, np.interp(below, _BELOW, (0.0, 1.0, 1.0, 0.0), right=0.0))


def _corners(head: Head) -> NDArray[np.float64]:
    """(V,) 1 at the corners of the mouth; less and less around them, and nothing where lips are sealed."""
    corners = head.vertices[head.regions["mouth_corners"]]
    off = np.linalg.norm(head.vertices[:, None] - corners, axis=2).min(axis=1)
    share = _on_face(head, np.clip(2.0 - 2.0 * off / _AROUND, 0.0, 1.0))
    share[np.concatenate([head.regions["inner_lip_upper"], head.regions["inner_lip_lower"]])] = 0.0
    return share


def _on_face(head: Head, share: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isin(np.arange(len(share)), head.regions["face"]), share, 0.0)
