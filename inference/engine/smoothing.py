"""Less tremble: each frame of the mouth with a share of its neighbours.

The networks tell every frame by itself, 50 a second, and lips are too heavy to answer each of them.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Floats

KERNEL = (0.25, 0.5, 0.25)  # shares of the frame before, the frame and the one after
REACH = 1  # frames to either side


def smoothed(channels: Floats) -> Floats:
    """Channels (T, C), each frame mixed with its neighbours; the first and last stand for those beyond the ends."""
    around = np.concatenate([channels[:1], channels, channels[-1:]])
    before, own, after = (np.float32(share) for share in KERNEL)
    return before * around[:-2] + own * around[1:-1] + after * around[2:]
