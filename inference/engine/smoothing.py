"""Less tremble: each frame of the mouth with a share of its neighbours.

The networks tell every frame by itself, 50 a second, and lips are too heavy to answer each of them. The corners of the
mouth are slower than lips that meet: they take more of their neighbours, so that they do not jump at every p, b and m.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Floats

_SHARE = np.float32(0.25)  # of the frame before, and of the one after
CORNERS = ("corner_pull", "stretch")  # channels that move the mouth's corners and little else
REACH = 2  # frames to either side that the corners take something of


class Smoothing:
    """Mixes frames of channels of known names."""

    def __init__(self, channels: Sequence[str]) -> None:
        self._corners = [tuple(channels).index(name) for name in CORNERS]
        window = np.hanning(2 * REACH + 3)[1:-1].astype(np.float32)
        self._window = window / window.sum()

    def __call__(self, channels: Floats) -> Floats:
        """Channels (T, C), each frame mixed with its neighbours; the first and last stand for those beyond the ends.

        An hour of them is large: no more than two arrays of their size are made.
        """
        result = (1 - 2 * _SHARE) * channels
        result[1:] += _SHARE * channels[:-1]
        result[:-1] += _SHARE * channels[1:]
        result[:1] += _SHARE * channels[:1]
        result[-1:] += _SHARE * channels[-1:]
        if len(channels):
            for corner in self._corners:
                beyond = np.pad(channels[:, corner], REACH, mode="edge")
                result[:, corner] = np.convolve(beyond, self._window, mode="valid")
        return result
