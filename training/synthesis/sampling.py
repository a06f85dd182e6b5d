"""Sample rates, and voices changed by playing them faster or slower."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from .utterance import SAMPLE_RATE, Utterance


def to_16k(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Resampled from `rate` to 16 kHz."""
    ratio = Fraction(SAMPLE_RATE, rate)
    return scipy.signal.resample_poly(samples, ratio.numerator, ratio.denominator).astype(np.float32)


def shifted(utterance: Utterance, factor: float) -> Utterance:
    """Played `factor` times as fast: pitch and formants rise alike, as for a shorter vocal tract; times shrink."""
    ratio = Fraction(factor).limit_denominator(40)
    samples = scipy.signal.resample_poly(utterance.samples, ratio.denominator, ratio.numerator).astype(np.float32)
    return utterance.timed(1 / float(ratio), samples)
