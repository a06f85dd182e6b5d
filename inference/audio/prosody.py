"""Where a voice stresses a word: loudness and pitch that stand out of their surroundings, as one curve.

Brows rise with accents, a little before them (Cavé et al. 1996, "About the relationship between eyebrow movements and
F0 variations"; Flecha-García 2010: 60 ms before).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Numbers
from .loudness import RATE as LOUDNESS_RATE
from .loudness import envelope
from .rate import smooth_length
from .stretch import stretch_of

RATE = 50  # frames a second
LEAD = 0.06  # seconds by which brows come before the accent
_WINDOW = 640  # samples of 16 kHz: 40 ms, two periods of 50 Hz
_PITCH = (70.0, 400.0)  # Hz
_VOICED = 0.5  # of the autocorrelation at rest
_AROUND = 1.5  # seconds of what counts as surroundings
_SMOOTH = 0.12  # seconds: no brow is faster
_BLOCK = 50  # frames that are looked at together: a few megabytes, also beside the networks of a long recording
_STRONG = 1.2  # standard deviations that make an accent of 1


def accents(samples: NDArray[np.float32], times: NDArray[np.float64], rate: int = 16_000) -> NDArray[np.float32]:
    """How much the brows would go along with the voice (T,), in [0, 1], at some times in seconds; 0 in silence."""
    loudness, pitch = _loudness_and_pitch(samples, rate)
    stress = np.maximum(0.6 * _standing_out(loudness) + 0.6 * _standing_out(pitch), 0.0) / _STRONG
    smooth = _gaussian(np.clip(stress, 0.0, 1.0), _SMOOTH * RATE / 2)
    return np.interp(times + LEAD, np.arange(len(smooth)) / RATE, smooth).astype(np.float32)


def voice_curves(samples: NDArray[np.float32], times: NDArray[np.float64], rate: int = 16_000) -> NDArray[np.float32]:
    """(T, 2) in [0, 1] at some times in seconds: how loud the voice is, and how far it stands out then."""
    loud = envelope(samples, rate)
    middle = (np.arange(len(loud)) + 0.5) / LOUDNESS_RATE
    return np.stack([np.interp(times, middle, loud), accents(samples, times - LEAD, rate)], axis=1).astype(np.float32)


def _loudness_and_pitch(samples: NDArray[np.float32], rate: int) -> tuple[Numbers, Numbers]:
    """Decibels (N,) where something is heard, else nan, and semitones (N,) where it is voiced, else nan."""
    hop = rate // RATE
    count = len(samples) // hop + 1
    blocks = [(first, min(first + _BLOCK, count)) for first in range(0, count, _BLOCK)]
    found = [_power_and_pitch(_frames(samples, hop, *block), rate) for block in blocks]
    power, semitones = (np.concatenate(column) for column in zip(*found, strict=True))
    heard = power > 1e-3 * np.quantile(power, 0.95) + 1e-12
    return np.where(heard, 10 * np.log10(power + 1e-12), np.nan), np.where(heard, semitones, np.nan)


def _frames(samples: NDArray[np.float32], hop: int, first: int, stop: int) -> NDArray[np.float32]:
    """Frames [first, stop), (n, window): each is centred on its hop, with silence around the recording."""
    piece = stretch_of(samples, first * hop - _WINDOW // 2, (stop - 1) * hop + _WINDOW // 2)
    return np.lib.stride_tricks.sliding_window_view(piece, _WINDOW)[::hop]


def _power_and_pitch(frames: NDArray[np.float32], rate: int) -> tuple[Numbers, Numbers]:
    """Power (n,), and semitones (n,) above 100 Hz where the frames (n, window) are voiced, else nan."""
    shortest, longest = (int(rate / hz) for hz in reversed(_PITCH))
    frames = frames.astype(np.float64)
    frames -= frames.mean(axis=1, keepdims=True)
    length = smooth_length(_WINDOW + longest)  # so many that no lag looked at is mixed with another
    spectrum = np.fft.rfft(frames * np.hanning(_WINDOW), length, axis=1)
    echo = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, length, axis=1)
    power = echo[:, 0].copy()  # a view would keep the whole of it
    window = np.correlate(np.hanning(_WINDOW), np.hanning(_WINDOW), "full")[_WINDOW - 1 :]
    lags = echo[:, shortest : longest + 1] / np.maximum(power, 1e-12)[:, None]
    lags *= window[0] / window[shortest : longest + 1]  # as Boersma 1993: the window's own decay taken off
    semitones = 12 * np.log2(rate / (shortest + lags.argmax(axis=1)) / 100.0)
    return power, np.where(lags.max(axis=1) > _VOICED, semitones, np.nan)


def _standing_out(curve: Numbers) -> Numbers:
    """Standard deviations (N,) by which a curve with gaps stands above its surroundings; 0 in gaps."""
    known = np.isfinite(curve)
    if known.sum() < 2:
        return np.zeros(len(curve))
    filled, wide = np.where(known, curve, 0.0), _AROUND * RATE / 2
    around = _gaussian(filled, wide) / np.maximum(_gaussian(known.astype(float), wide), 1e-6)
    off = np.where(known, curve - around, 0.0)
    return off / max(float(off[known].std()), 1e-6)


def _gaussian(curve: Numbers, sigma: float) -> Numbers:
    reach = int(4 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.convolve(np.pad(curve, reach), kernel / kernel.sum(), "valid")
