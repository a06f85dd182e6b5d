"""Where a recording is silent the face rests: how much of its motion each frame may show, from the level alone.

The network's own answer to silence, breath and room tone is small but not still. Levels are those of `audio_mel`:
each mel frame's strongest band, against the recording's loud frames, so that the recording's own level does not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats

SILENT, SPEAKING = -42.0, -32.0  # dB below the loud frames: in aligned recordings speech stays above -25
NEAR = 8  # frames at 50 Hz around speech in which the face is free: 0.16 s, more than any closure's silence
EASE = 5  # frames either side over which it comes to rest: 0.1 s


def liveliness(levels: Floats, loud: float) -> Floats:
    """How far each frame is from rest, (T,) at 50 Hz in [0, 1], of levels (2 T,) in log10 power at 100 Hz.

    1 near speech, 0 in silence, and 0 at the recording's very first and last frame.
    """
    eased = free(levels, loud)
    frames = np.arange(len(eased))
    ends = np.minimum(frames, frames[::-1]) / EASE
    return eased * np.minimum(ends, 1.0).astype(np.float32)


def free(levels: Floats, loud: float) -> Floats:
    """As `liveliness`, but the first and last frame are as free as those beside them."""
    count = max(1, len(levels) // 2)
    pairs = np.resize(levels, (count, 2)).max(axis=1)
    above = np.clip((10.0 * (pairs - loud) - SILENT) / (SPEAKING - SILENT), 0.0, 1.0)
    nearby = _neighbours(above, NEAR).max(axis=1)
    return _neighbours(nearby, EASE).mean(axis=1).astype(np.float32)


def _neighbours(values: NDArray[np.floating], reach: int) -> NDArray[np.floating]:
    """Each frame and those up to `reach` away, (T, 2 reach + 1); the first and last value go on past the ends."""
    return np.lib.stride_tricks.sliding_window_view(np.pad(values, reach, mode="edge"), 2 * reach + 1)
