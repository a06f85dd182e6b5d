"""Correctives of the lids: a lid that shuts goes around the eyeball, where a key takes it straight through.

Each is on halfway along a blink, and goes out from the eye by as much as the lid is in it at worst.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ...inference.arrays import Doubles, Floats
from ...inference.head.canonical import Head
from ..mesh_laplacian import laplacian

_ON_THE_WAY = np.linspace(0.1, 0.9, 9)  # of a blink
_CLEAR = 0.0004  # metres that a lid keeps off the eyeball; one that is wide with fear takes it all
_OUTSIDE = ("sclera", "cornea")  # materials
_NEAR = 4  # vertices of the eyeball that its radius in a direction is read from
_STEPS, _SHARE = 40, 0.5  # times that a vertex takes that share of its neighbours' mean


def lid_correctives(head: Head) -> dict[str, Floats]:
    """ARKit's name of a blink -> what is to be added (V, 3) in metres, times b (1 - b) of the blink b."""
    found = {}
    for side in ("left", "right"):
        name = f"eyeBlink{side.title()}"
        found[name] = _cleared(head, side, head.arkit[head.arkit_names.index(name)].astype(np.float64))
    return found


def _outside(head: Head) -> NDArray[np.int32]:
    """The vertices of the eyes' white and cornea, before which there is nothing."""
    outer = np.isin(head.face_material, [head.materials.index(name) for name in _OUTSIDE])
    return np.unique(head.face_vertices[np.repeat(outer, head.face_sizes)])


def _cleared(head: Head, side: str, shut: Doubles) -> Floats:
    rest, eye = head.vertices.astype(np.float64), np.intersect1d(head.regions[f"{side}_eye"], _outside(head))
    centre = head.joints[head.bones.index(f"{side}_eye")].astype(np.float64)
    ball = rest[eye] - centre
    radii = np.linalg.norm(ball, axis=1)
    directions = cKDTree(ball / radii[:, None])

    def height(places: Doubles) -> Doubles:
        away = np.linalg.norm(places - centre, axis=1)
        off, near = directions.query((places - centre) / away[:, None], k=_NEAR)
        share = 1 / np.maximum(off, 1e-6)
        return np.asarray(away - (radii[near] * share).sum(axis=1) / share.sum(axis=1))

    lids = head.regions["eyelids"]
    lids = lids[rest[lids, 0] * centre[0] > 0]
    clear = np.minimum(height(rest[lids]), _CLEAR)
    need = np.zeros(len(rest))
    for blink in _ON_THE_WAY:
        short = np.maximum(clear - height(rest[lids] + blink * shut[lids]), 0.0)
        need[lids] = np.maximum(need[lids], short / (blink * (1 - blink)))
    around = np.union1d(lids, head.regions["face"])
    step = (scipy.sparse.eye(len(rest)) - _SHARE * laplacian(head)).tocsr()[around]
    out = need.copy()
    for _ in range(_STEPS):
        out[around] = step @ out
        out = np.maximum(out, need)
    lashes = head.regions["lashes"]
    out[lashes] = out[lids[cKDTree(rest[lids]).query(rest[lashes])[1]]] * (rest[lashes, 0] * centre[0] > 0)
    half = rest + 0.5 * shut - centre
    return np.asarray(out[:, None] * half / np.linalg.norm(half, axis=1, keepdims=True), np.float32)
