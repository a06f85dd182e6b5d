"""A recording as the sidebar shows it: how long it is, and how loud it is from its beginning to its end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from ...inference.arrays import Floats
from ...inference.audio.checks import SAMPLE_RATE
from ...inference.steps import Steps
from .sound import decode_steps

COLUMNS = 120  # of a picture as wide as half the sidebar


@dataclass(frozen=True, eq=False)
class Waveform:
    """The length in seconds, and the peaks (COLUMNS,) of equal parts of it in [0, 1], the loudest 1."""

    seconds: float
    peaks: Floats


def waveform_steps(path: Path) -> Steps[Waveform]:
    """Read a sound file in steps of a few seconds of sound; raises AudioError naming the file."""
    samples = yield from decode_steps(path)
    edges = np.linspace(0, len(samples), COLUMNS + 1).astype(int)
    peaks = np.zeros(COLUMNS, np.float32)
    for column, (low, high) in enumerate(pairwise(edges)):
        peaks[column] = np.abs(samples[low : max(high, low + 1)]).max(initial=0.0)
    return Waveform(len(samples) / SAMPLE_RATE, peaks / (peaks.max(initial=0.0) or 1.0))
