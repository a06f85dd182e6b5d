"""Channels known at some times, read at others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..inference.arrays import Floats
from ..inference.engine.windows import FRAME_RATE

Times = NDArray[np.floating | np.integer]


def read_at(when: Times, times: Times, channels: NDArray[np.floating]) -> Floats:
    """Channels (T, C) at rising `times` (T,), read `when` (n,), both in the same unit: (n, C), ends held."""
    return np.stack([np.interp(when, times, column) for column in channels.T], axis=1).astype(np.float32)


def at_feature_rate(channels: NDArray[np.floating], times: NDArray[np.floating], count: int) -> Floats:
    """Channels (T, C) known at `times` (T,) in seconds, read at the encoder's first frames: (count, C)."""
    return read_at(np.arange(count) / FRAME_RATE, times, channels)


def at_times(times: NDArray[np.floating], channels: NDArray[np.floating]) -> Floats:
    """Channels (T, C) at the encoder's frames, read at some times (n,) in seconds: (n, C)."""
    return read_at(times, np.arange(len(channels)) / FRAME_RATE, channels)
