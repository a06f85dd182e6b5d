"""Curves from the networks' rate to the scene's frames."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats, Numbers

_BLOCK = 4096  # frames at a time, so that memory does not grow with the recording


def frame_count(duration: float, fps: float) -> int:
    """Frames that begin before the recording ends: frame t is at t / fps seconds."""
    return max(1, int(np.ceil(duration * fps - 1e-6)))


def resample(curves: Floats, rate: float, fps: float, frames: int) -> Floats:
    """Curves (N, C) known at i / rate seconds, read at t / fps seconds: (frames, C).

    Cubic Hermite with Catmull-Rom slopes, so that 60 and 120 frames a second are smooth; held beyond the ends.
    """
    result = np.empty((frames, curves.shape[1]), np.float32)
    for start in range(0, frames, _BLOCK):
        at = np.arange(start, min(start + _BLOCK, frames))
        result[at[0] : at[-1] + 1] = _between(curves, np.clip(at * (rate / fps), 0, len(curves) - 1))
    return result


def _between(curves: Floats, position: Numbers) -> Floats:
    """Curves (N, C) at some positions (n,) in rows: (n, C)."""
    left = np.minimum(position.astype(int), max(len(curves) - 2, 0))
    t = (position - left)[:, None].astype(np.float32)
    p0, p1, p2, p3 = (curves[np.clip(left + k, 0, len(curves) - 1)] for k in (-1, 0, 1, 2))
    slope1, slope2 = (p2 - p0) / 2, (p3 - p1) / 2
    return (
        (2 * t**3 - 3 * t**2 + 1) * p1
        + (t**3 - 2 * t**2 + t) * slope1
        + (3 * t**2 - 2 * t**3) * p2
        + (t**3 - t**2) * slope2
    )
