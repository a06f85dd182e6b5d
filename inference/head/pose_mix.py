"""Poses of a rig, mixed: one at a weight of 1 alone is exactly that pose, and what none of them moves stays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles

_STILL = 1e-9  # radians, below which a turn has no axis


def mixed_numbers(rest: Doubles, poses: Doubles, weights: NDArray[Any]) -> Doubles:
    """Numbers (T, n) of a control that is at `rest` (n,) and at `poses` (P, n), by weights (T, P)."""
    return np.asarray(rest + np.asarray(weights, np.float64) @ (poses - rest))


def mixed_turns(rest: Doubles, poses: Doubles, weights: NDArray[Any]) -> Doubles:
    """Unit quaternions (T, 4), w first, of a control at `rest` (4,) and `poses` (P, 4): their logarithms add up."""
    inverse = rest * np.array([1.0, -1.0, -1.0, -1.0])
    turns = np.stack([logarithm(_product(inverse, pose)) for pose in poses]) if len(poses) else np.zeros((0, 3))
    return _product(rest, exponential(np.asarray(weights, np.float64) @ turns))


def logarithm(quaternion: Doubles) -> Doubles:
    """The shorter way to a rotation (4,): axis times angle, (3,) radians."""
    unit = quaternion / np.linalg.norm(quaternion)
    unit = -unit if unit[0] < 0 else unit
    sine = float(np.linalg.norm(unit[1:]))
    return np.asarray(unit[1:] * (2.0 * np.arctan2(sine, unit[0]) / sine if sine > _STILL else 2.0))


def exponential(vectors: Doubles) -> Doubles:
    """Unit quaternions (T, 4) of axes times angles (T, 3)."""
    half = np.linalg.norm(vectors, axis=1) / 2
    return np.column_stack([np.cos(half), vectors * (np.sinc(half / np.pi) / 2)[:, None]])


def axis_angles(quaternions: Doubles) -> Doubles:
    """(T, 4) angle and axis of unit quaternions (T, 4), without jumps from one row to the next."""
    result, before = np.empty(quaternions.shape), np.array([0.0, 1.0, 0.0])
    for row, quaternion in enumerate(quaternions):
        vector = logarithm(quaternion)
        angle = float(np.linalg.norm(vector))
        axis = vector / angle if angle > _STILL else before
        sign = -1.0 if axis @ before < 0 else 1.0
        before = sign * axis
        result[row] = sign * angle, *before
    return result


def _product(a: Doubles, b: Doubles) -> Doubles:
    """Quaternions (..., 4) a after b."""
    w, v, u, t = a[..., :1], a[..., 1:], b[..., :1], b[..., 1:]
    v, t = np.broadcast_arrays(v, t)
    scalar = w * u - (v * t).sum(axis=-1, keepdims=True)
    return np.concatenate([scalar, w * t + u * v + np.cross(v, t)], axis=-1)
