"""Sample-rate conversion piece by piece, in NumPy: long recordings must not hold Blender's window."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats

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
    blocks = smooth_length(-(-(len(samples) + 2 * margin) // (rate // step)))
    padded = np.pad(samples, (margin, blocks * (rate // step) - margin - len(samples)), mode="symmetric")
    length = blocks * (new_rate // step)
    spectrum = np.fft.rfft(padded)
    bins = min(len(spectrum), length // 2 + 1)
    kept = spectrum[:bins] * _low_pass(bins)
    out = np.fft.irfft(kept, length) * (length / len(padded))
    begin = margin * new_rate // rate
    return out[begin : begin + count].astype(np.float32)


def smooth_length(least: int) -> int:
    """The next number with no prime factor over 5: other lengths take an FFT ten times as long."""
    number = least
    while True:
        rest = number
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return number
        number += 1


def _low_pass(bins: int) -> Floats:
    gain, width = np.ones(bins, np.float32), max(1, int(bins * _ROLL_OFF))
    gain[-width:] = 0.5 + 0.5 * np.cos(np.pi * (np.arange(width) + 1) / width)
    return gain
