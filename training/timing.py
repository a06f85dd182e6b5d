"""MTM and SLCC of "Perceptually Accurate 3D Talking Head Generation" (Chae-Yeon et al. 2025, arXiv 2503.20308).

Both are taken from the lips' gap, which is what the paper's central lip vertices give.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from ..inference.arrays import Numbers
from .measures import pearson

_REACH = 0.4  # seconds within which one curve answers the other: in silence both are flat, and anything fits
_PROMINENCE = 0.15  # of a curve's 95th percentile: smaller waves are no opening or closing


def temporal_misalignment(predicted: Numbers, target: Numbers, fps: float) -> float:
    """MTM's part of one clip, in ms: how far apart in time the openings and closings of two gap curves (T,) lie.

    Derivative dynamic time warping (Keogh and Pazzani 2001) says which frame answers which; the time between is
    averaged over the target's local extrema. NaN for a target without any.
    """
    path = _warping_path(_slope(predicted), _slope(target), int(_REACH * fps))
    answers: dict[int, list[int]] = {frame: [] for frame in range(len(target))}
    for p, t in path:
        answers[t].append(p)
    least = _PROMINENCE * np.percentile(np.abs(target), 95)
    extrema = [frame for sign in (1, -1) for frame in scipy.signal.find_peaks(sign * target, prominence=least)[0]]
    if not extrema:
        return float("nan")
    return float(np.mean([abs(np.mean(answers[frame]) - frame) for frame in extrema]) / fps * 1000)


def _slope(curve: Numbers) -> NDArray[np.float64]:
    """Keogh and Pazzani's estimate of the derivative, over its deviation."""
    padded = np.pad(curve.astype(np.float64), 1, mode="edge")
    slope = ((padded[1:-1] - padded[:-2]) + (padded[2:] - padded[:-2]) / 2) / 2
    return slope / max(slope.std(), 1e-9)


def _warping_path(a: NDArray[np.float64], b: NDArray[np.float64], reach: int) -> list[tuple[int, int]]:
    """The pairs of frames, no further apart than `reach`, that align two curves at the least squared difference."""
    cost = (a[:, None] - b[None]) ** 2
    cost[np.abs(np.subtract.outer(np.arange(len(a)), np.arange(len(b)))) > reach] = np.inf
    total = np.full((len(a) + 1, len(b) + 1), np.inf)
    total[0, 0] = 0.0
    for i in range(len(a)):
        for j in range(len(b)):
            total[i + 1, j + 1] = cost[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    path, i, j = [], len(a), len(b)
    while i and j:
        path.append((i - 1, j - 1))
        steps = ((i - 1, j - 1), (i - 1, j), (i, j - 1))
        i, j = min(steps, key=lambda step: total[step])
    return path


def intensity_correlation(loudness: Sequence[float], opening: Sequence[float]) -> float:
    """SLCC: Pearson r over clips of the sound's root mean square and the mean opening of the lips."""
    columns = (np.asarray(values, float)[:, None] for values in (loudness, opening))
    return float(pearson(*columns)[0])
