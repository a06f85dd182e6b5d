"""Correctives of lids that shut on what is felt: eyes wide with fear, narrow with anger or laughter.

A blink adds its way down to where the lids are, and a lid that is wide open lies further back on the eyeball: it would
go straight through it. So while it shuts, what blinks lets go of what is felt, and goes along with the lower lid, as
far as that one rises, for there it ends; at the outer corner all skin does, or folds would turn over. It is linear in
what is felt; what all expressions ask for is found as a few shapes an eye, and how much of each an expression key asks
for (principal components).
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ...inference.arrays import Doubles, Floats, Ints
from ...inference.head.canonical import Head
from ...inference.head.correctives import LidCorrective
from ...inference.take import EMOTIONS

_SHAPES = 6  # an eye
_WHOLE = 0.35  # of a blink's longest way: what goes as far lets go of all that is felt
_STILL = 0.3  # of the same: what goes less, below the lids' middle, is the lower lid
_LIDS, _EDGE = slice(36, 48), 0.001  # of the 68 landmarks; metres below their middle, where the upper lid begins
_REGIONS = ("eyelids", "eye_sockets", "lashes", "face")
_NEAR = 6  # vertices of the lower lid that an upper one goes along with
_OUTER = {"left": 45, "right": 36}  # landmarks of the outer corners
_CORNER = (0.0016, 0.007)  # metres from one: what is nearer goes as the lower lid does there, what is further does not
_FIRST = 3.0  # by how much the eight emotions weigh more than other expressions
_LENGTH = 0.005  # metres that a shape at 1 moves the vertex furthest


def felt_lids(
    head: Head, names: tuple[str, ...], basis: Floats, emotions: Floats
) -> list[tuple[LidCorrective, Floats]]:
    """Correctives and their deltas (V, 3), of expression keys (Ke, V, 3) and what is felt (N, Ke), EMOTIONS first."""
    found = []
    for side in ("left", "right"):
        blink = f"eyeBlink{side.title()}"
        moving, wanted = _let_go(head, side, basis.astype(np.float64))
        share = np.where(np.arange(len(emotions)) < len(EMOTIONS), _FIRST, 1.0)[:, None]
        asked = share * np.tensordot(emotions.astype(np.float64), wanted, axes=1).reshape(len(emotions), -1)
        for number, row in enumerate(np.linalg.svd(asked, full_matrices=False)[2][:_SHAPES], start=1):
            shape = row.reshape(-1, 3)
            length = np.linalg.norm(shape, axis=1).max() / _LENGTH
            weights = wanted.reshape(len(wanted), -1) @ row * length
            delta = np.zeros(head.vertices.shape, np.float32)
            delta[moving] = shape / length
            own = LidCorrective(f"Corrective lids {number}, {blink}", blink, dict(zip(names, weights, strict=True)))
            found.append((own, delta))
    return found


def _let_go(head: Head, side: str, fields: Doubles) -> tuple[Ints, Doubles]:
    """Vertices (n,) that let go in a whole blink, and what is to be added to displacements (F, V, 3): (F, n, 3)."""
    rest, shut = head.vertices, head.arkit[head.arkit_names.index(f"eyeBlink{side.title()}")]
    way = np.linalg.norm(shut, axis=1)
    own = rest[:, 0] * head.joints[head.bones.index(f"{side}_eye"), 0] > 0
    lids = head.regions["eyelids"][own[head.regions["eyelids"]]]
    way = way / way[lids].max()
    around = np.isin(np.arange(len(rest)), np.concatenate([head.regions[name] for name in _REGIONS]))
    corner = np.linalg.norm(rest - rest[head.landmarks[_OUTER[side]]], axis=1)
    moving = np.flatnonzero(own & around & ((way > 0) | (corner < _CORNER[1])))
    middle = rest[head.landmarks[_LIDS], 2].mean() - _EDGE
    lower = lids[(rest[lids, 2] < middle) & (way[lids] < _STILL)]
    off, near = cKDTree((rest + shut)[lower]).query((rest + shut)[moving], k=_NEAR)
    share = 1 / np.maximum(off, 1e-4) ** 2
    share /= share.sum(axis=1, keepdims=True)
    along = (share[..., None] * fields[:, lower][:, near]).sum(axis=2)
    let_go = np.clip(way[moving] / _WHOLE, 0.0, 1.0)[:, None] * (along - fields[:, moving])
    fold = fields[:, lower[np.argsort(corner[lower])[:_NEAR]]].mean(axis=1)
    as_one = np.interp(corner[moving], _CORNER, (1.0, 0.0))[:, None]
    return moving, (1 - as_one) * let_go + as_one * (fold[:, None] - fields[:, moving])
