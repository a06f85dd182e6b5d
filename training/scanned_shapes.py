"""Scan-true deltas for the expression set: the ARKit-like shapes of the ICT-FaceKit, on the canonical head.

Li et al. 2020, "Learning Formation of Physically-Based Face Attributes" (MIT). The scanned head is bound as any
head is; each canonical vertex of the skin then takes the delta of the scanned surface under it, turned and scaled
as the canonical head is there. Teeth, tongue and eyes keep their own motion. The deltas go into the training set
alone, as a person whose face moves as scanned; the head's own ARKit shapes stay what they are.
"""

from __future__ import annotations

import hashlib

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..inference.binding.bind import fit_head
from ..inference.binding.mesh import Mesh
from ..inference.binding.nearest import Surface
from ..inference.binding.nonrigid import whole_skin
from ..inference.binding.transfer import carrier
from ..inference.head import ARKIT_NAMES, EXTRA_NAMES, Head
from .captured import data_folder
from .deformation_space import laplacian
from .features import CACHE
from .test_subjects.ict import ict_subject
from .test_subjects.subject import Subject

_RIGID = ("left_eye", "right_eye", "upper_teeth", "lower_teeth", "tongue")
_FADE = 0.02  # of its neighbours' pull: away from the lips, into the mouth, the scan's motion fades
_REACH = 0.02  # metres from the skin to the scan

Floats = NDArray[np.float32]


def scanned_shapes(head: Head) -> Floats | None:
    """The head's shapes (55, V, 3) in metres, moving as scanned where there is a scan of them; None without the data.

    Kept in the cache folder, for binding takes half a minute.
    """
    if not (data_folder() / "ict_facekit" / "expressions.npz").exists():
        return None
    own = np.concatenate([head.arkit, head.extra]).astype(np.float32)
    stamp = hashlib.sha256(head.vertices.tobytes() + own.tobytes()).hexdigest()[:16]
    path = CACHE / f"scanned_{stamp}.npy"
    if path.exists():
        return np.asarray(np.load(path), np.float32)
    scanned = ict_subject("average", np.zeros(24), data_folder() / "ict_facekit")
    place = _Place(head, scanned)
    for row, name in enumerate((*ARKIT_NAMES, *EXTRA_NAMES)):
        if name in scanned.shapes:
            own[row] = place.carried(scanned.shapes[name], own[row])
    path.parent.mkdir(exist_ok=True)
    np.save(path, own)
    return own


class _Place:
    """The scanned head laid under the canonical one."""

    def __init__(self, head: Head, scanned: Subject) -> None:
        fit = fit_head(head, scanned.request, lambda fraction, stage: None)
        self.skin = whole_skin(head)
        own = Mesh(fit.registered, head.triangles.astype(np.int64))
        surface = Surface(fit.target, 0.008)
        self.hit = surface.closest(fit.registered[self.skin], own.normals[self.skin], _REACH)
        self.found = np.isfinite(self.hit.distance)
        self.triangles = fit.target.triangles
        self.frames = carrier(head, fit.registered).frames[self.skin]
        self.back = fit.placement.rotation / fit.placement.scale
        rigid = np.unique(np.concatenate([head.regions[name] for name in _RIGID]))
        near = cKDTree(head.vertices[self.skin])
        self.loose = np.unique(np.concatenate([head.regions[name] for name in ("lashes", "brows")]))
        self.beside = self.skin[near.query(head.vertices[self.loose])[1]]
        known = np.union1d(np.union1d(self.skin[self.found], rigid), self.loose)
        self.free = np.setdiff1d(np.arange(len(head.vertices)), known)
        pull = laplacian(head) + _FADE * scipy.sparse.eye(len(head.vertices))
        self.rows = pull.tocsr()[self.free]
        self.solve = scipy.sparse.linalg.factorized(self.rows[:, self.free].tocsc())

    def carried(self, delta: NDArray[np.float64], own: Floats) -> Floats:
        """(V, 3) the scanned delta where there is skin; elsewhere the head's own, bent to meet it."""
        moved = self.hit.values(self.triangles, delta @ self.back)
        moved = np.linalg.solve(self.frames, moved[:, :, None])[:, :, 0]
        change = np.zeros(own.shape)
        change[self.skin[self.found]] = (moved - own[self.skin])[self.found]
        right = -(self.rows @ change)
        change[self.free] = np.stack([self.solve(right[:, axis]) for axis in range(3)], axis=1)
        change[self.loose] = change[self.beside]
        return (own + change).astype(np.float32)
