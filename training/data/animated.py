"""The animated takes: real speech with the face that made it (layout in docs/training.md)."""

from __future__ import annotations

import os
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..speech_rig import animated_channels

TEST_TAKE = "2_05"  # never trained on
TRAINING_TAKES = ("2_01", "2_02", "2_03", "2_04", "3_15")
FPS = 30.0


@dataclass(frozen=True)
class AnimatedTake:
    """One take: samples (N,) at 16 kHz, channels (T, C) in [0, 1], and the seconds (T,) at which they hold."""

    name: str
    samples: NDArray[np.float32]
    channels: NDArray[np.float32]
    times: NDArray[np.float64]


def data_folder() -> Path:
    """Where the training data lie: the environment variable DUET_DATA, else the folder shared/data beside the clone."""
    return Path(os.environ.get("DUET_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def load_animated(name: str) -> AnimatedTake:
    """One take of the animated set; frame k holds at (k + 0.5) / 30 s."""
    folder = data_folder() / "facegood"
    with wave.open(str(folder / f"{name}.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    data = np.load(folder / f"{name}.npz")
    channels = animated_channels(data["weights"], list(data["names"]))
    times = (np.arange(len(channels)) + 0.5) / FPS
    return AnimatedTake(name, samples, channels.astype(np.float32), times)
