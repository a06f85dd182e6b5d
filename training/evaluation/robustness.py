"""The shipped model where recordings differ: rates, levels, noise, chunk borders, silence, music, repetition."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.signal

from ...inference.arrays import Floats
from ...inference.engine import windows
from ...inference.engine.windows import FRAME_RATE
from ...inference.take import DEFAULT_STYLE
from ..measures import motion, pearson
from ..mouth import LIPS, vertices_of
from ..table import table
from .talkers import Face, Talker

RATE = 16_000


def through_rate(samples: Floats, rate: int) -> Floats:
    """As if recorded at another rate: resampled to `rate` and back."""
    there = scipy.signal.resample_poly(samples, rate, RATE)
    return scipy.signal.resample_poly(there, RATE, rate)[: len(samples)].astype(np.float32)


def with_noise(samples: Floats, decibels: float, seed: int = 0) -> Floats:
    """With white noise so many dB below the speech (its root mean square over the louder half of 20 ms blocks)."""
    noise = np.random.default_rng(seed).standard_normal(len(samples))
    return (samples + noise * speech_level(samples) * 10 ** (-decibels / 20)).astype(np.float32)


def speech_level(samples: Floats) -> float:
    """Root mean square of the louder half of 20 ms blocks."""
    power = np.sort((samples[: len(samples) // 320 * 320].reshape(-1, 320) ** 2).mean(axis=1))
    return float(np.sqrt(power[len(power) // 2 :].mean()))


VARIANTS: dict[str, Callable[[Floats], Floats]] = {
    "from 44.1 kHz": lambda s: through_rate(s, 44_100),
    "from 48 kHz": lambda s: through_rate(s, 48_000),
    "at -20 dB": lambda s: s * np.float32(0.1),
    "white noise 20 dB below": lambda s: with_noise(s, 20.0),
    "a second time": lambda s: s.copy(),
}


def music(seconds: float, seed: int = 0) -> Floats:
    """A tune without words: decaying harmonic notes over chords, and a noise beat twice a second."""
    rng, time = np.random.default_rng(seed), np.arange(int(seconds * RATE)) / RATE
    tune = np.zeros(len(time))
    for beat in np.arange(0, seconds, 0.25):
        since = time - beat
        alive = (since >= 0) & (since < 1.5)
        root = 220 * 2 ** (rng.choice([0, 2, 4, 7, 9]) / 12)
        for pitch, level in ((root, 1.0), (root * 1.26, 0.5), (root / 2, 0.7)):
            for harmonic in range(1, 7):
                wave = np.sin(2 * np.pi * pitch * harmonic * since[alive])
                tune[alive] += level / harmonic * wave * np.exp(-4 * since[alive])
        if beat % 0.5 == 0:
            tune[alive] += 0.6 * rng.standard_normal(alive.sum()) * np.exp(-40 * since[alive])
    return (0.3 * tune / np.abs(tune).max()).astype(np.float32)


def white_noise(seconds: float, seed: int = 0) -> Floats:
    """Steady white noise at -26 dB of full scale."""
    return (0.05 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))).astype(np.float32)


def variants_table(talker: Talker, face: Face, samples: Floats) -> list[str]:
    """Markdown: how far the lips move when the same words come another way."""
    lips = vertices_of(face.pipeline.head, LIPS)
    clean = face.weights(talker.channels(samples, DEFAULT_STYLE))
    rows = []
    for name, change in VARIANTS.items():
        weights = face.weights(talker.channels(change(samples), DEFAULT_STYLE))
        away = np.linalg.norm(face.points(weights - clean, lips), axis=-1) * 1000
        r = pearson(face.mouth.gap(weights)[:, None], face.mouth.gap(clean)[:, None])[0]
        rows.append([name, f"{away.mean():.3f}", f"{away.max():.2f}", f"{r:.3f}"])
    return table(["the same words", "mean lip change (mm)", "largest (mm)", "r of the lip gap"], rows)


def border_step(talker: Talker, samples: Floats) -> tuple[float, float]:
    """The largest frame-to-frame change of any channel within 0.3 s of chunk borders, and elsewhere.

    Samples must be longer than two chunks of 10 s.
    """
    channels = talker.channels(samples, DEFAULT_STYLE)
    step = np.abs(np.diff(channels, axis=0)).max(axis=1)
    near = np.zeros(len(step), bool)
    for window in windows.windows(len(channels))[1:]:
        near[window.core_start - 15 : window.core_start + 15] = True
    return float(step[near].max()), float(step[~near].max())


def quiet_table(talker: Talker, face: Face, speech: Floats) -> list[str]:
    """Markdown: how much the lips move, and how open they are, where nobody speaks."""
    pause = np.zeros(4 * RATE, np.float32)
    hush = with_noise(np.concatenate([speech, pause, speech]), 45.0)
    middle = slice(len(speech) * FRAME_RATE // RATE + 25, (len(speech) + len(pause)) * FRAME_RATE // RATE - 25)
    sounds = {
        "speech": (speech, slice(None)),
        "a pause of 4 s between sentences": (hush, middle),
        "white noise alone": (white_noise(8.0), slice(None)),
        "music without words": (music(8.0), slice(None)),
    }
    rows = []
    for name, (samples, part) in sounds.items():
        weights = face.weights(talker.channels(samples, DEFAULT_STYLE))[part]
        points = face.points(weights, vertices_of(face.pipeline.head, LIPS))
        gap = face.mouth.gap(weights)
        speed = np.sqrt((motion(points, FRAME_RATE) ** 2).mean())
        rows.append([name, f"{speed:.1f}", f"{gap.mean():.2f}", f"{gap.max():.2f}"])
    return table(["sound", "lip speed, rms (mm/s)", "gap, mean (mm)", "gap, largest (mm)"], rows)
