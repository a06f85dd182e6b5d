"""Recordings as the world makes them: rooms, microphones, noise, telephones, levels. All drawn from a seed.

None of these moves the sound in time, so phone times and channels stay true. Changes that do (pitch and formants,
speed) are in sampling.py and the voices' own settings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.signal

from ...inference.arrays import Floats
from .utterance import SAMPLE_RATE


def _level(samples: Floats) -> float:
    """Root mean square of the louder half of 20 ms blocks: the level of speech without its pauses."""
    blocks = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    power = np.sort((blocks**2).mean(axis=1)) if len(blocks) else np.zeros(1)
    return float(np.sqrt(power[len(power) // 2 :].mean()) + 1e-9)


def room(samples: Floats, rng: np.random.Generator) -> Floats:
    """Reverberation: noise that decays by 60 dB in 0.15 to 0.7 s, duller with time, after the direct sound."""
    seconds, balance = rng.uniform(0.15, 0.7), rng.uniform(0.1, 0.6)
    count = int(seconds * SAMPLE_RATE)
    tail = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    tail[: int(rng.uniform(0.002, 0.012) * SAMPLE_RATE)] = 0  # before the first reflection
    tail = scipy.signal.lfilter([1 - (a := rng.uniform(0.2, 0.7))], [1, -a], tail)
    tail *= balance / np.sqrt((tail**2).sum())
    wet = scipy.signal.fftconvolve(samples, tail)[: len(samples)]
    return (samples + wet).astype(np.float32)


def microphone(samples: Floats, rng: np.random.Generator) -> Floats:
    """A coloured response: up to 8 dB more or less per octave band, and a low cut."""
    bands = np.array([0, 125, 250, 500, 1000, 2000, 4000, 8000]) / (SAMPLE_RATE / 2)
    gains = 10 ** (rng.uniform(-8, 8, len(bands)) / 20)
    gains[:2] *= rng.uniform(0.1, 1.0)
    kernel = scipy.signal.firwin2(257, bands, gains)
    return scipy.signal.fftconvolve(samples, kernel, mode="same").astype(np.float32)


def noise_of(count: int, rng: np.random.Generator, others: Sequence[Floats] = ()) -> Floats:
    """White, pink or brown noise, or babble of other utterances where there are some: (count,), level about 1."""
    kind = rng.choice(["colour", "babble"]) if others else "colour"
    if kind == "colour":
        spectrum = np.fft.rfft(rng.standard_normal(count))
        noise = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 1) ** rng.uniform(0, 1), count)
    else:
        noise = np.zeros(count)
        for _ in range(int(rng.integers(2, 7))):
            voice = others[rng.integers(len(others))]
            noise += np.roll(np.resize(voice / _level(voice), count), rng.integers(count)) * rng.uniform(0.4, 1.0)
    return (noise / max(np.sqrt(np.mean(noise**2)), 1e-9)).astype(np.float32)


def noisy(samples: Floats, rng: np.random.Generator, others: Sequence[Floats] = ()) -> Floats:
    """With noise 5 to 30 dB below the speech."""
    ratio = 10 ** (-rng.uniform(5, 30) / 20)
    return samples + noise_of(len(samples), rng, others) * np.float32(_level(samples) * ratio)


def codec(samples: Floats, rng: np.random.Generator) -> Floats:
    """A telephone (8 kHz, mu-law of 8 bits) or a low-pass between 2.5 and 7 kHz, without delay."""
    if rng.random() < 0.5:
        cut = scipy.signal.butter(4, rng.uniform(2500, 7000), fs=SAMPLE_RATE, output="sos")
        return scipy.signal.sosfiltfilt(cut, samples).astype(np.float32)
    peak = np.abs(samples).max() + 1e-9
    low = scipy.signal.resample_poly(samples / peak, 1, 2)
    low = np.clip(low, -1, 1)
    coded = np.round(np.sign(low) * np.log1p(255 * np.abs(low)) / np.log(256) * 127) / 127
    plain = np.sign(coded) * np.expm1(np.abs(coded) * np.log(256)) / 255
    return (scipy.signal.resample_poly(plain, 2, 1)[: len(samples)] * peak).astype(np.float32)


def level(samples: Floats, rng: np.random.Generator) -> Floats:
    """At another loudness: speech between -36 and -12 dB of full scale, clipped where it is louder."""
    return np.clip(samples * (10 ** (rng.uniform(-36, -12) / 20) / _level(samples)), -1, 1).astype(np.float32)


def recorded(samples: Floats, rng: np.random.Generator, others: Sequence[Floats] = ()) -> tuple[Floats, str]:
    """Samples (N,) as some recording of them, (N,), and what was done, such as "room+noisy+level"."""
    steps: list[tuple[float, Callable[[Floats, np.random.Generator], Floats]]] = [
        (0.4, room),
        (0.5, microphone),
        (0.5, lambda s, r: noisy(s, r, others)),
        (0.2, codec),
        (0.7, level),
    ]
    names = ("room", "microphone", "noisy", "codec", "level")
    done = []
    for (chance, step), name in zip(steps, names, strict=True):
        if rng.random() < chance:
            samples = step(samples, rng)
            done.append(name)
    return samples, "+".join(done)
