"""Where a voice stresses a word: loudness and pitch that stand out of their surroundings, as one curve.

Brows rise with accents, a little before them (Cavé et al. 1996, "About the relationship between eyebrow movements and
F0 variations"; Flecha-García 2010: 60 ms before), so the animated takes, whose brows do not move, get them here.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from ..features import CACHE

RATE = 50  # frames a second
LEAD = 0.06  # seconds by which brows come before the accent
_WINDOW = 640  # samples of 16 kHz: 40 ms, two periods of 50 Hz
_PITCH = (70.0, 400.0)  # Hz
_VOICED = 0.5  # of the autocorrelation at rest
_AROUND = 1.5  # seconds of what counts as surroundings
_SMOOTH = 0.12  # seconds: no brow is faster
_STRONG = 1.2  # standard deviations that make an accent of 1

Floats = NDArray[np.floating]


def cached_accents(samples: NDArray[np.float32], times: NDArray[np.float64]) -> NDArray[np.float32]:
    """As `accents`, read from the cache folder where the same recording was heard before."""
    path = CACHE / "accents" / f"{hashlib.sha256(samples.tobytes() + times.tobytes()).hexdigest()[:20]}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.save(file, accents(samples, times))
        partial.replace(path)
    return np.asarray(np.load(path), np.float32)


def accents(samples: NDArray[np.float32], times: NDArray[np.float64], rate: int = 16_000) -> NDArray[np.float32]:
    """How much the brows would go along with the voice (T,), in [0, 1], at some times in seconds; 0 in silence."""
    loudness, pitch = _loudness_and_pitch(samples, rate)
    stress = np.maximum(0.6 * _standing_out(loudness) + 0.6 * _standing_out(pitch), 0.0) / _STRONG
    smooth = _gaussian(np.clip(stress, 0.0, 1.0), _SMOOTH * RATE / 2)
    return np.interp(times + LEAD, np.arange(len(smooth)) / RATE, smooth).astype(np.float32)


def _loudness_and_pitch(samples: NDArray[np.float32], rate: int) -> tuple[Floats, Floats]:
    """Decibels (N,) where something is heard, else nan, and semitones (N,) where it is voiced, else nan."""
    hop = rate // RATE
    padded = np.pad(samples.astype(np.float64), _WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::hop]
    frames = frames - frames.mean(axis=1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), 2 * _WINDOW, axis=1)) ** 2
    echo = np.fft.irfft(spectrum, axis=1)
    power = echo[:, 0]
    heard = power > 1e-3 * np.quantile(power, 0.95) + 1e-12
    shortest, longest = (int(rate / hz) for hz in reversed(_PITCH))
    window = np.correlate(np.hanning(_WINDOW), np.hanning(_WINDOW), "full")[_WINDOW - 1 :]
    lags = echo[:, shortest : longest + 1] / np.maximum(power, 1e-12)[:, None]
    lags *= window[0] / window[shortest : longest + 1]  # as Boersma 1993: the window's own decay taken off
    semitones = 12 * np.log2(rate / (shortest + lags.argmax(axis=1)) / 100.0)
    voiced = heard & (lags.max(axis=1) > _VOICED)
    return np.where(heard, 10 * np.log10(power + 1e-12), np.nan), np.where(voiced, semitones, np.nan)


def _standing_out(curve: Floats) -> Floats:
    """Standard deviations (N,) by which a curve with gaps stands above its surroundings; 0 in gaps."""
    known = np.isfinite(curve)
    if known.sum() < 2:
        return np.zeros(len(curve))
    filled, wide = np.where(known, curve, 0.0), _AROUND * RATE / 2
    around = _gaussian(filled, wide) / np.maximum(_gaussian(known.astype(float), wide), 1e-6)
    off = np.where(known, curve - around, 0.0)
    return off / max(float(off[known].std()), 1e-6)


def _gaussian(curve: Floats, sigma: float) -> Floats:
    reach = int(4 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.convolve(np.pad(curve, reach), kernel / kernel.sum(), "valid")
