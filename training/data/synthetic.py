"""The synthetic set as the trainer reads it: utterances joined into streams as long as one of inference's windows.

Whisper's features depend on what surrounds them, so utterances of a few seconds are not encoded alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...inference.arrays import Floats
from ...inference.audio.mel import REFERENCE_LEVEL, SAMPLE_RATE, loud_level
from ...inference.engine.windows import CORE, FRAME_RATE
from ..features import CACHE
from ..speech_rig import CHANNEL_NAMES
from ..synthesis.coarticulation import Manner, channels_of
from ..synthesis.utterance import Segment

FOLDER = CACHE / "synthetic"
STREAM = CORE + CORE // 2 - 1  # frames: the most that are computed as one window


@dataclass(frozen=True, eq=False)
class Stream:
    """Utterances one after another: samples (N,) at 16 kHz and rig channels (T, C) at 50 Hz."""

    samples: Floats
    channels: Floats


def streams(split: str, manner: Manner | None = None, folder: Path = FOLDER, seed: int = 0) -> Iterator[Stream]:
    """The split's utterances in order, packed into streams; each voice a little louder or softer than the last.

    The face is the one in the files or, of some manner, made anew from their phones.
    """
    return packed(_utterances(split, manner, folder, np.random.default_rng(seed)))


def packed(pieces: Iterator[Stream]) -> Iterator[Stream]:
    """Pieces joined in order into streams of at most STREAM frames; longer pieces are left out."""
    waiting: list[Stream] = []
    length = 0
    for piece in pieces:
        if len(piece.channels) > STREAM:
            continue
        if length + len(piece.channels) > STREAM:
            yield _joined(waiting)
            waiting, length = [], 0
        waiting.append(piece)
        length += len(piece.channels)
    if waiting:
        yield _joined(waiting)


def _utterances(split: str, manner: Manner | None, folder: Path, rng: np.random.Generator) -> Iterator[Stream]:
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as data:
            if str(data["split"]) != split:
                continue
            if tuple(data["channel_names"]) != CHANNEL_NAMES:
                raise SystemExit(f"{path} has other channels: run training.synthesis.build with --refresh")
            samples, channels = data["samples"].astype(np.float32) / 32768, data["channels"].astype(np.float32)
            if manner is not None:
                times = zip(data["phones"], data["times"], strict=True)
                segments = [Segment(str(phone), float(start), float(end)) for phone, (start, end) in times]
                channels = channels_of(segments, len(channels), data["gains"].astype(np.float64), manner)
        yield _levelled(samples, channels, rng)


def _levelled(samples: Floats, channels: Floats, rng: np.random.Generator) -> Stream:
    """An utterance at the reference level, give or take 5 dB, cut to whole frames."""
    gain = 10 ** ((REFERENCE_LEVEL - loud_level(samples) + rng.uniform(-0.5, 0.5)) / 2)
    frames = min(len(channels), len(samples) * FRAME_RATE // SAMPLE_RATE)
    return Stream(samples[: frames * SAMPLE_RATE // FRAME_RATE] * np.float32(gain), channels[:frames])


def _joined(pieces: list[Stream]) -> Stream:
    return Stream(*(np.concatenate([getattr(p, name) for p in pieces]) for name in ("samples", "channels")))
