"""A spoken sentence whose phones and their times are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...inference.errors import DuetError

SAMPLE_RATE = 16_000
PAUSE = ""  # the phone of silence


class SynthesisError(DuetError):
    """A voice, its data or its output is not what this package was written for."""

    kind = "synthesis"


class Segment(NamedTuple):
    """One phone (IPA; "" is silence) from `start` to `end` seconds; `stress` is 1 in a stressed syllable, else 0."""

    phone: str
    start: float
    end: float
    stress: float = 0.0


@dataclass(frozen=True, eq=False)
class Utterance:
    """Samples (N,) float32 at 16 kHz and their phones in order, without gaps from 0 to the end."""

    samples: NDArray[np.float32]
    segments: tuple[Segment, ...]

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE

    def timed(self, factor: float, samples: NDArray[np.float32]) -> Utterance:
        """The same phones, their times multiplied by `factor`, over other samples."""
        segments = (s._replace(start=s.start * factor, end=s.end * factor) for s in self.segments)
        return replace(self, samples=samples, segments=tuple(segments))

    def padded(self, before: float, after: float) -> Utterance:
        """With silence of so many seconds at both ends."""
        first = round(before * SAMPLE_RATE)
        samples = np.pad(self.samples, (first, round(after * SAMPLE_RATE)))
        shift, end = first / SAMPLE_RATE, len(samples) / SAMPLE_RATE
        moved = [s._replace(start=s.start + shift, end=s.end + shift) for s in self.segments]
        segments = [Segment(PAUSE, 0.0, shift), *moved, Segment(PAUSE, moved[-1].end if moved else shift, end)]
        return Utterance(samples, merge_pauses(segments))


def merge_pauses(segments: list[Segment]) -> tuple[Segment, ...]:
    """Neighbouring pauses joined, empty segments dropped."""
    merged: list[Segment] = []
    for segment in segments:
        if segment.end <= segment.start:
            continue
        if merged and segment.phone == PAUSE == merged[-1].phone:
            merged[-1] = merged[-1]._replace(end=segment.end)
        else:
            merged.append(segment)
    return tuple(merged)
