"""Where a recording speaks and where it pauses: a loudness envelope and the pauses in it."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats
from ..steps import Steps, finish

RATE = 50  # Hz
_FLOOR = 0.06  # of the loud level: under it nobody speaks
_AT_ONCE = 60 * RATE  # frames in a step
_SHORTEST = 0.25  # seconds of a pause


def envelope(samples: Floats, sample_rate: int) -> Floats:
    """Loudness (T,) in [0, 1] at RATE of samples (N,): root mean square over 20 ms, 1 at the 95th percentile."""
    return finish(envelope_steps(samples, sample_rate))


def envelope_steps(samples: Floats, sample_rate: int) -> Steps[Floats]:
    """The same in steps."""
    hop = sample_rate // RATE
    count = max(1, len(samples) // hop)
    level = np.empty(count, np.float32)
    for start in range(0, count, _AT_ONCE):
        stop = min(start + _AT_ONCE, count)
        part = samples[start * hop : stop * hop].astype(np.float32)
        part = np.pad(part, (0, (stop - start) * hop - len(part)))  # one shorter than a frame
        level[start:stop] = np.sqrt(np.mean(part.reshape(-1, hop) ** 2, axis=1))
        yield start / count
    loud = float(np.percentile(level, 95)) or 1.0
    return np.clip(level / loud, 0.0, 1.0).astype(np.float32)


def pauses(loudness: Floats) -> list[tuple[float, float]]:
    """(begin, end) in seconds of the stretches without speech, those at the ends too; shorter ones don't count."""
    quiet = np.concatenate([[False], loudness < _FLOOR, [False]])
    edges = np.flatnonzero(quiet[1:] != quiet[:-1]) / RATE
    return [(float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= _SHORTEST]
