"""What a recording must be before it is animated: long enough, finite and not silent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import AudioError
from .take import Floats

SAMPLE_RATE = 16000
MIN_SECONDS = 0.1
_BLOCK = 1 << 20  # samples looked at together, so that an hour needs no second copy
SILENCE = 10 ** (-60 / 20)  # peak, -60 dB below full scale: room noise of a bad microphone is about 20 dB louder


def check_samples(samples: NDArray[Any], name: str) -> Floats:
    """The samples as contiguous float32, shape (N,), mono at 16 kHz; raises AudioError naming the recording."""
    with np.errstate(over="ignore"):  # a double too large for a float becomes infinite, and is found below
        samples = np.ascontiguousarray(samples, np.float32)
    if samples.ndim != 1:
        raise AudioError(f"'{name}' has samples of shape {samples.shape}.", "Mix it down to mono first.")
    if not len(samples):
        raise AudioError(f"'{name}' holds no sound.", "Choose a recording of speech.")
    if len(samples) < MIN_SECONDS * SAMPLE_RATE:
        seconds = len(samples) / SAMPLE_RATE
        raise AudioError(f"'{name}' lasts only {seconds:.3f} s.", f"Choose a recording of at least {MIN_SECONDS} s.")
    check_finite(samples, SAMPLE_RATE, name)
    if max(samples.max(), -samples.min()) < SILENCE:
        raise AudioError(f"'{name}' is silent.", "Choose the right channel or track, or raise its level.")
    return samples


def check_finite(samples: Floats, rate: int, name: str) -> None:
    """Raise AudioError at the first sample that is NaN or infinite: resampling would spread it over all the rest."""
    for start in range(0, len(samples), _BLOCK):
        finite = np.isfinite(samples[start : start + _BLOCK])
        if not finite.all():
            seconds = (start + int(np.argmin(finite))) / rate
            raise AudioError(f"'{name}' is damaged: the sample at {seconds:.3f} s is not a number.", "Export it again.")
