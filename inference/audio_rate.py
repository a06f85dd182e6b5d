"""Sample-rate conversion piece by piece, in NumPy: long recordings must not hold Blender's window."""

from __future__ import annotations

import numpy as np

from .take import Floats

_ROLL_OFF = 0.06  # of the new band's top, over which a raised cosine closes it


def convert_rate(samples: Floats, rate: int, new_rate: int) -> Floats:
    """Samples (N,) at `rate` Hz as ceil(N * new_rate / rate) samples at `new_rate`, by a band-limited FFT.

    Both rates are whole. The ends are reflected, so that they do not ring.
    """
    if rate == new_rate or not len(samples):
        return samples
    margin = min(rate // 4, len(samples) - 1)
    step = np.gcd(rate, new_rate)
    margin -= margin % (rate // step)  # whole samples at both rates
    count = -(-len(samples) * new_rate // rate)
    padded = np.pad(samples, (margin, margin + rate // step), mode="symmetric")
    padded = padded[: len(padded) - len(padded) % (rate // step)]
    length = len(padded) // (rate // step) * (new_rate // step)
    spectrum = np.fft.rfft(padded)
    bins = min(len(spectrum), length // 2 + 1)
    kept = spectrum[:bins] * _low_pass(bins)
    out = np.fft.irfft(kept, length) * (length / len(padded))
    begin = margin * new_rate // rate
    return out[begin : begin + count].astype(np.float32)


def _low_pass(bins: int) -> Floats:
    gain, width = np.ones(bins, np.float32), max(1, int(bins * _ROLL_OFF))
    gain[-width:] = 0.5 + 0.5 * np.cos(np.pi * (np.arange(width) + 1) / width)
    return gain
