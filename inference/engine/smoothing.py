"""Less tremble: each frame of the mouth with a share of its neighbours.

The networks tell every frame by itself, 50 a second, and lips are too heavy to answer each of them.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Floats

REACH = 1  # frames to either side
_SHARE = np.float32(0.25)  # of the frame before, and of the one after


def smoothed(channels: Floats) -> Floats:
    """Channels (T, C), each frame mixed with its neighbours; the first and last stand for those beyond the ends.

    An hour of them is large: no more than two arrays of their size are made.
    """
    result = (1 - 2 * _SHARE) * channels
    result[1:] += _SHARE * channels[:-1]
    result[:-1] += _SHARE * channels[1:]
    result[:1] += _SHARE * channels[:1]
    result[-1:] += _SHARE * channels[-1:]
    return result
