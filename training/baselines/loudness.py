"""A jaw that opens with the loudness: what a driver from an audio envelope does."""

from __future__ import annotations

import numpy as np
import scipy.ndimage

from ...inference.arrays import Floats
from ...inference.engine.windows import FRAME_RATE
from ..speech_rig import CHANNEL_NAMES

_WINDOW = 0.06  # seconds over which the level is taken
_WIDEST = 0.6  # of the jaw, at the loudest twentieth


def loudness_channels(samples: Floats) -> Floats:
    """Channels (T, C) at 50 Hz of samples (N,) at 16 kHz: the jaw follows the root mean square, nothing else moves."""
    hop = 16000 // FRAME_RATE
    power = (samples[: len(samples) // hop * hop].reshape(-1, hop) ** 2).mean(axis=1)
    level = np.sqrt(scipy.ndimage.uniform_filter1d(power, int(_WINDOW * FRAME_RATE), mode="nearest"))
    result = np.zeros((len(level), len(CHANNEL_NAMES)), np.float32)
    jaw = _WIDEST * level / max(float(np.percentile(level, 95)), 1e-6)
    result[:, CHANNEL_NAMES.index("jaw_open")] = np.clip(jaw, 0.0, 1.0)
    return result
