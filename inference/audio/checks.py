"""What a recording must be before it is animated: neither too short nor too long, finite and not silent.

Decoders see to what only the file shows: its length as claimed (`Length`) and damaged samples, before a change of rate
spreads them (`check_finite`). What is animated, which may be a part of it, is checked once, where it becomes a face.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..errors import AudioError

SAMPLE_RATE = 16000
MIN_SECONDS = 0.1
MAX_SECONDS = 4 * 3600  # 0.9 GB of samples: what decoding may take, and no more
MIN_RATE, MAX_RATE = 1000, 1_000_000  # Hz
_FRAMES_PER_BYTE = 8192  # no codec says more with a byte: FLAC takes ten for 65,535 equal samples
_BLOCK = 1 << 20  # samples looked at together, so that an hour needs no second copy
# Of the formats of chunks: how lengths are written, and which chunk is the sound.
_CHUNKS = {b"RIFF": ("<I", b"data"), b"FORM": (">I", b"SSND")}
_MOST_CHUNKS = 1000  # before the sound
_UNTOLD = 0x7FFF0000  # bytes, from which a length is that of a program that writes to a pipe; so is 0
_SPARE = 1024  # bytes by which writers are mistaken
SILENCE = 10 ** (-60 / 20)  # peak, -60 dB below full scale: room noise of a bad microphone is about 20 dB louder


@dataclass(frozen=True)
class Length:
    """How long a recording may be: a file of `size` bytes, at `rate` frames a second."""

    name: str
    size: int
    rate: float

    def __post_init__(self) -> None:
        """Raise AudioError where that is no rate of sound."""
        if not MIN_RATE <= self.rate <= MAX_RATE:
            raise AudioError(f"'{self.name}' has a sample rate of {self.rate:,.0f} Hz.", "Save it with 48000 Hz.")

    def check(self, frames: int) -> None:
        """Raise AudioError where `frames`, claimed or decoded, are more than the bytes can hold or Duet accepts."""
        if frames > self.size * _FRAMES_PER_BYTE:
            message = f"'{self.name}' is damaged: {self.size:,} bytes cannot hold the {self._span(frames)} it claims."
            raise AudioError(message, "Export or record it again.")
        if frames > MAX_SECONDS * self.rate:
            message = f"'{self.name}' lasts more than the {MAX_SECONDS // 3600} hours that Duet takes."
            raise AudioError(message, "Cut it into parts.")

    def _span(self, frames: int) -> str:
        seconds = frames / self.rate
        return f"{seconds / 3600:,.1f} hours" if seconds > 3600 else f"{seconds:.3g} s"


def check_whole(path: Path) -> None:
    """Raise AudioError where a WAV or AIFF has less sound than its header says: it was copied or exported halfway.

    Programs read what is there, so that nobody would see that a line lacks its end. Raises OSError.
    """
    with path.open("rb") as file:
        form = file.read(12)
        if form[:4] not in _CHUNKS or form[8:] not in (b"WAVE", b"AIFF", b"AIFC"):
            return
        lengths, sound = _CHUNKS[form[:4]]
        for _ in range(_MOST_CHUNKS):
            name, said = file.read(4), file.read(4)
            if len(said) < 4:
                return
            (length,) = struct.unpack(lengths, said)
            if name == sound:
                there = path.stat().st_size - file.tell()
                if there + _SPARE < length < _UNTOLD:
                    message = f"'{path}' is cut off: it has {there:,} of {length:,} bytes of sound."
                    raise AudioError(message, "Copy or export it again.")
                return
            file.seek(length + length % 2, 1)


def check_samples(samples: NDArray[Any], name: str) -> Floats:
    """The samples as contiguous float32, shape (N,), mono at 16 kHz; raises AudioError naming the recording."""
    with np.errstate(over="ignore"):  # a double too large for a float becomes infinite, and is found below
        samples = np.ascontiguousarray(samples, np.float32)
    if samples.ndim != 1:
        raise AudioError(f"'{name}' has samples of shape {samples.shape}.", "Mix it down to mono first.")
    if not len(samples):
        raise AudioError(f"'{name}' holds no sound.", "Choose a recording of speech.")
    if len(samples) < MIN_SECONDS * SAMPLE_RATE:
        seconds = len(samples) / SAMPLE_RATE
        raise AudioError(f"'{name}' lasts only {seconds:.3f} s.", f"Choose a recording of at least {MIN_SECONDS} s.")
    peak = max(samples.max(), -samples.min())
    if not np.isfinite(peak):
        check_finite(samples, SAMPLE_RATE, name)
    if peak < SILENCE:
        raise AudioError(f"'{name}' is silent.", "Choose the right channel or track, or raise its level.")
    return samples


def check_finite(samples: Floats, rate: int, name: str, first: int = 0) -> None:
    """Raise AudioError at the first sample that is NaN or infinite; `first` is the number of the first of these."""
    for start in range(0, len(samples), _BLOCK):
        finite = np.isfinite(samples[start : start + _BLOCK])
        if not finite.all():
            seconds = (first + start + int(np.argmin(finite))) / rate
            raise AudioError(f"'{name}' is damaged: the sample at {seconds:.3f} s is not a number.", "Export it again.")
