"""The speech rig on a scanned topology, so that scanned motion can be written in the rig's channels.

The Duet head and the scans share no vertices, so the rig's deltas are carried over: the Duet face is brought onto the
scans' neutral (rotation stays, scale and place are found by trimmed ICP, Besl and McKay 1992), and each scanned vertex
takes the deltas of the nearest Duet vertices. Near means near in space and alike in how much it goes along with the
jaw: lips that touch are near each other, but only one of them falls with the jaw.
"""

from __future__ import annotations

from collections.abc import Sequence as Ordered
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import scipy.optimize
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ...inference.arrays import Floats
from ...inference.head.canonical import Head, load_head
from ..speech_rig import CHANNEL_NAMES, rig_deltas
from ..synthesis.phones import TONGUE
from .vocaset import Sequence, lip_vertices, sequences

REACH = 0.012  # metres: scanned vertices further than that from the Duet face do not count
JAW_DISTANCE = 0.02  # metres that count as much as going along with the jaw fully or not at all
_NEIGHBOURS = 4
_RIDGE = 0.02  # of the rig's mean energy: keeps channels that do alike from growing against each other
_LIP_WEIGHT = 4.0
_ICP_STEPS = 40
_PROBES = 12  # sequences from which the jaw's motion is learned


def to_flame(points: Floats) -> Floats:
    """From Blender's axes (x left, y back, z up) to FLAME's (x left, y up, z forward), the last axis."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def jaw_share(displacements: Floats) -> Floats:
    """How far each vertex (V,) goes along in the largest motion of faces (T, V, 3), which in speech is the jaw's.

    1 for those that move most (the chin), 0 for those that stay or go against it.
    """
    flat = displacements - displacements.mean(axis=0)
    flat = flat.reshape(len(flat), -1)
    _, vectors = np.linalg.eigh(flat @ flat.T)
    direction = (vectors[:, -1] @ flat).reshape(-1, 3)
    size = np.linalg.norm(direction, axis=1)
    main = direction[size > 0.7 * size.max()].mean(axis=0)
    along = direction @ main / np.linalg.norm(main)
    return np.clip(along / np.quantile(along, 0.99), 0, 1).astype(np.float32)


def align(source: Floats, target: Floats) -> tuple[float, Floats]:
    """Scale and shift (3,) that bring points onto a surface of the same bearing, by trimmed ICP.

    It starts from the nose: the foremost point. The worst third of the pairs (ears, neck, hair) do not count.
    """
    tree = cKDTree(target)
    nose, aim = source[source[:, 2].argmax()], target[target[:, 2].argmax()]
    scale = float(np.ptp(target[:, 0]) / np.ptp(source[:, 0]))
    shift = aim - scale * nose
    for _ in range(_ICP_STEPS):
        distance, nearest = tree.query(scale * source + shift)
        kept = distance <= np.quantile(distance, 0.67)
        a, b = source[kept], target[nearest[kept]]
        a0, b0 = a - a.mean(axis=0), b - b.mean(axis=0)
        scale = float((a0 * b0).sum() / (a0 * a0).sum())
        shift = b.mean(axis=0) - scale * a.mean(axis=0)
    return scale, shift.astype(np.float32)


@dataclass(frozen=True, eq=False)
class FlameRig:
    """The rig's deltas on scanned vertices, and how much each vertex counts in a fit."""

    deltas: Floats  # (C, V, 3) metres
    weight: Floats  # (V,)

    @classmethod
    def fitted(cls, folder: Path, first: Sequence) -> FlameRig:
        """The rig on the topology of a VOCASET folder; `first` is one of its sequences."""
        probes = [s.vertices[::3] - s.template for s in islice(sequences(folder), _PROBES)]
        moves = np.concatenate(probes or [first.vertices - first.template])
        return cls.carried(load_head(), first.template, moves, lip_vertices(folder))

    @classmethod
    def carried(cls, head: Head, template: Floats, moves: Floats, lips: NDArray[np.int64] | None = None) -> FlameRig:
        """The rig on a neutral face (V, 3) in FLAME's axes, of which some displaced faces (T, V, 3) are known."""
        face = head.regions["skin"]
        source, rig = to_flame(head.vertices[face]), to_flame(rig_deltas(head)[:, face])
        scale, shift = align(source, template)
        share = jaw_share(rig[CHANNEL_NAMES.index("jaw_open")][None] * np.linspace(0, 1, 8)[:, None, None])
        here = np.column_stack([scale * source + shift, JAW_DISTANCE * share])
        there = np.column_stack([template, JAW_DISTANCE * jaw_share(moves)])
        distance, nearest = cKDTree(here).query(there, k=_NEIGHBOURS)
        near = 1.0 / (distance + 1e-4)
        near /= near.sum(axis=1, keepdims=True)
        deltas = scale * np.einsum("cvka,vk->cva", rig[:, nearest], near)
        weight = (distance[:, 0] < REACH).astype(np.float32)
        if lips is not None:
            weight[lips] *= _LIP_WEIGHT
        return cls(deltas.astype(np.float32), weight)

    def channels(self, displacements: Floats) -> Floats:
        """Rig channels (T, C) in [0, 1] of displacements (T, V, 3): weighted non-negative least squares, a frame each.

        Channels that scans do not show (the tongue's) are NaN.
        """
        seen = [i for i, name in enumerate(CHANNEL_NAMES) if name not in TONGUE]
        root = np.sqrt(self.weight)[:, None]
        basis = (self.deltas[seen] * root).reshape(len(seen), -1)
        gram = basis @ basis.T
        gram += _RIDGE * np.trace(gram) / len(seen) * np.eye(len(seen), dtype=gram.dtype)
        factor = np.linalg.cholesky(gram.astype(np.float64))
        wanted = (displacements * root).reshape(len(displacements), -1) @ basis.T
        right = np.linalg.solve(factor, wanted.T.astype(np.float64)).T
        result = np.full((len(displacements), len(CHANNEL_NAMES)), np.nan, np.float32)
        result[:, seen] = [_positive(factor.T, row) for row in right]
        return result


def _positive(matrix: NDArray[np.float64], right: Ordered[float]) -> NDArray[np.float64]:
    return np.minimum(scipy.optimize.nnls(matrix, right)[0], 1.0)
