"""VOCASET as what training learns from: its scans as takes and streams of the speech rig's channels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np

from ...inference.audio.mel import SAMPLE_RATE
from ...inference.engine.windows import FRAME_RATE
from ..read_at import at_feature_rate
from .animated import AnimatedTake
from .synthetic import Stream, packed
from .vocaset import sequences
from .vocaset_rig import FlameRig


def vocaset_takes(folder: Path, split: str = "train") -> Iterator[AnimatedTake]:
    """VOCASET as takes of the speech rig: each sentence's vertices are fitted by the rig's channels.

    The take's name is the sequence's; `subject_of` gives the speaker, whose style it is. Tongue channels are NaN:
    nothing of the tongue is scanned.
    """
    rig: FlameRig | None = None
    for sequence in sequences(folder, split):
        if rig is None:
            rig = FlameRig.fitted(folder, sequence)
        channels = rig.channels(sequence.vertices - sequence.template)
        times = np.arange(len(channels)) / sequence.fps
        yield AnimatedTake(sequence.name, sequence.samples, channels, times)


def vocaset_streams(folder: Path, split: str = "train") -> Iterator[tuple[str, Stream]]:
    """Each subject's sentences joined into streams as long as the synthetic ones, at 50 Hz: (subject, stream)."""
    for subject, takes in groupby(vocaset_takes(folder, split), key=lambda take: subject_of(take.name)):
        for stream in packed(_piece(take) for take in takes):
            yield subject, stream


def _piece(take: AnimatedTake) -> Stream:
    count = min(len(take.samples) * FRAME_RATE // SAMPLE_RATE, int(take.times[-1] * FRAME_RATE) + 1)
    channels = at_feature_rate(take.channels, take.times, count)
    return Stream(take.samples[: count * SAMPLE_RATE // FRAME_RATE], channels)


def subject_of(name: str) -> str:
    """FaceTalk_170728_03272_TA of FaceTalk_170728_03272_TA_sentence01."""
    return re.sub(r"_sentence\d+$", "", name)
