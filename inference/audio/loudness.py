"""Where a recording speaks and where it pauses: a loudness envelope and the pauses in it."""

from __future__ import annotations

import numpy as np

from ..take import Floats

RATE = 50  # Hz
_FLOOR = 0.06  # of the loud level: under it nobody speaks
_SHORTEST = 0.25  # seconds of a pause


def envelope(samples: Floats, sample_rate: int) -> Floats:
    """Loudness (T,) in [0, 1] at RATE of samples (N,): root mean square over 20 ms, 1 at the 95th percentile."""
    hop = sample_rate // RATE
    count = max(1, len(samples) // hop)
    frames = np.pad(samples, (0, max(0, count * hop - len(samples))))[: count * hop].reshape(count, hop)
    level = np.sqrt(np.mean(frames.astype(np.float32) ** 2, axis=1))
    loud = float(np.percentile(level, 95)) or 1.0
    return np.clip(level / loud, 0.0, 1.0).astype(np.float32)


def pauses(loudness: Floats) -> list[tuple[float, float]]:
    """(begin, end) in seconds of the stretches without speech, those at the ends too; shorter ones don't count."""
    quiet = np.concatenate([[False], loudness < _FLOOR, [False]])
    edges = np.flatnonzero(quiet[1:] != quiet[:-1]) / RATE
    return [(float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= _SHORTEST]
