"""A stretch of a recording that may begin before it or end after it."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats


def stretch_of(samples: Floats, first: int, stop: int) -> Floats:
    """Samples [first, stop), (stop - first,), of samples (N,); outside the recording is silence."""
    piece = samples[max(first, 0) : max(stop, 0)]
    return np.pad(piece, (max(-first, 0), stop - max(first, 0) - len(piece)))
