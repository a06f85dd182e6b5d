"""Sounds in which nobody speaks, so that the mouth learns to be still in them: tunes of made-up instruments, noises."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ..features import cached_features
from ..speech_rig import CHANNEL_NAMES
from ..synthesis.augment import noise_of
from ..synthesis.utterance import SAMPLE_RATE
from .examples import ENUNCIATED, NATURAL, STILL, Example

COUNT, SECONDS = 32, 12
_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9))  # semitones: major, minor, pentatonic
_PARTIALS = 12


def still_examples() -> Iterator[Example]:
    """Three tunes to one noise, in both styles; every channel is 0."""
    rng = np.random.default_rng(0)
    for number in range(COUNT):
        sound = noise_of(SECONDS * SAMPLE_RATE, rng) if number % 4 == 3 else tune(SECONDS, rng)
        features = cached_features((0.1 * sound).astype(np.float32))
        rest = np.zeros((len(features), len(CHANNEL_NAMES)), np.float32)
        yield from (Example(features, rest, style, STILL) for style in (NATURAL, ENUNCIATED))


def tune(seconds: float, rng: np.random.Generator) -> Floats:
    """A melody over chords, some with a beat: (N,) at 16 kHz, root mean square 1.

    Scale, pace, how notes begin, die away and sway, and how strong each partial is are drawn anew for each tune.
    """
    sound, pace = np.zeros(int(seconds * SAMPLE_RATE)), rng.uniform(0.15, 0.6)
    scale, root = _SCALES[rng.integers(len(_SCALES))], rng.uniform(80, 350)
    partials = rng.uniform(0.2, 1.0, _PARTIALS) / np.arange(1, _PARTIALS + 1) ** rng.uniform(0.3, 2.0)
    attack, decay, sway = rng.uniform(0.003, 0.08), rng.uniform(0.2, 2.0), rng.uniform(0.0, 0.01)
    drum = _beat(rng) * rng.choice([0.0, rng.uniform(0.5, 4.0)])
    for beat in np.arange(0.0, seconds, pace):
        start = int(beat * SAMPLE_RATE)
        time = np.arange(min(len(sound) - start, 2 * SAMPLE_RATE)) / SAMPLE_RATE
        shape = np.minimum(time / attack, 1.0) * np.exp(-time / decay)
        for step in rng.integers(0, 2 * len(scale), rng.integers(1, 4)):
            pitch = root * 2 ** ((scale[step % len(scale)] + 12 * (step // len(scale))) / 12)
            phase = 2 * np.pi * pitch * (time + sway / 5 * np.sin(2 * np.pi * 5 * time))
            heard = [k for k in range(_PARTIALS) if pitch * (k + 1) < SAMPLE_RATE / 2]
            sound[start : start + len(time)] += shape * sum(partials[k] * np.sin((k + 1) * phase) for k in heard)
        if rng.random() < 0.5:
            struck = drum[: len(sound) - start]
            sound[start : start + len(struck)] += struck
    return (sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


def _beat(rng: np.random.Generator) -> NDArray[np.float64]:
    """A stroke of a drum or a cymbal: a burst of noise in a band, a third of a second long."""
    low = rng.uniform(50, 3000)
    band = scipy.signal.butter(2, (low, min(4 * low, 7900)), "bandpass", fs=SAMPLE_RATE, output="sos")
    count = SAMPLE_RATE // 3
    struck = scipy.signal.sosfilt(band, rng.standard_normal(count)) * np.exp(-np.arange(count) / rng.uniform(400, 2000))
    return np.asarray(struck / np.abs(struck).max())
