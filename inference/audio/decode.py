"""Reading a recording outside Blender: libsndfile first, then ffmpeg (`ffmpeg.py`) for what that does not know.

Blender's own decoder takes this module's place there (`scene/take/sound.py`).
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Floats
from ..errors import AudioError
from .checks import SAMPLE_RATE, Length, check_finite, check_whole
from .ffmpeg import ffmpeg_pieces

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64"})
AUDIO_SUFFIXES |= {".m4a", ".aac", ".wma", ".amr"}
VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".3gp"})
_CONVERT = "Choose a WAV, FLAC, OGG, MP3, M4A, MP4, MOV or WebM file, or convert it to one."
_BLOCK_FRAMES = 1 << 16  # a long surround recording is never whole in memory


def load_audio(path: Path) -> Floats:
    """The recording as finite float32 samples (N,), mixed down to mono at 16 kHz; raises AudioError naming the file.

    Whether it can be animated is asked where it is (`checks.check_samples`). Memory stays within that of
    `checks.MAX_SECONDS` of samples, whatever the file's header claims.
    """
    try:
        if path.is_dir():
            raise AudioError(f"'{path}' is a folder.", "Choose a file in it.")
        size = path.stat().st_size
        if not path.is_file():
            raise AudioError(f"'{path}' is no file but a pipe or a device.", "Save the recording in a file first.")
        if not size:
            raise AudioError(f"'{path}' is empty: it has no bytes.", "Record or export it again.")
        check_whole(path)
        return _decode(path, size)
    except FileNotFoundError as error:
        raise AudioError(f"There is no file '{path}'.", "Check its name and folder.") from error
    except OSError as error:
        raise AudioError(f"'{path}' cannot be read ({error.strerror}).", "Check who may read it.") from error
    except MemoryError as error:
        raise AudioError(f"There is not enough memory for '{path}'.", "Close other programs, or cut it.") from error


def _decode(path: Path, size: int) -> Floats:
    """The samples at 16 kHz; none where the file holds none."""
    try:
        samples = _samples(_soundfile_pieces(path, size), path, size)
    except _UnknownFormatError as unknown:
        samples = _samples(ffmpeg_pieces(path), path, size)
        if samples is None:
            raise AudioError(f"'{path}' is not a recording that can be decoded.", _CONVERT) from unknown
    if samples is None or not len(samples):  # a length of 0 in the header, as a recorder that was cut off leaves it
        samples = _samples(ffmpeg_pieces(path), path, size)
    return np.zeros(0, np.float32) if samples is None else samples


class _UnknownFormatError(Exception):
    """libsndfile cannot read the file."""


def _soundfile_pieces(path: Path, size: int) -> Iterator[tuple[Floats, int]]:
    """Pieces (n,) of the mean over all channels with their sampling rate in Hz.

    Raises _UnknownFormatError, or AudioError where the header claims what cannot be.
    """
    import soundfile

    # By name: libsndfile's callbacks would swallow a Ctrl-C. As bytes, where a name need not be text.
    name: Any = str(path) if sys.platform == "win32" else os.fsencode(path)
    try:
        with soundfile.SoundFile(name) as sound:
            length = Length(str(path), size, sound.samplerate)
            if sound.seekable():  # else the count is unknown until the end
                length.check(sound.frames)
            while len(block := sound.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
                with np.errstate(all="ignore"):  # what is no number is found where the pieces are put together
                    mono = block.mean(axis=1, dtype=np.float32)
                yield mono, sound.samplerate
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a headerless .raw
        raise _UnknownFormatError from error


def _samples(pieces: Iterator[tuple[Floats, int]] | None, path: Path, size: int) -> Floats | None:
    """The pieces one after the other at 16 kHz; None where there are none."""
    converted: _Converted | None = None
    for piece, rate in pieces or ():
        converted = converted or _Converted(path, size, rate)
        converted.add(piece)
    return converted.finish() if converted else None


class _Converted:
    """Pieces of a recording, each brought to 16 kHz as it comes: the original is never whole in memory."""

    def __init__(self, path: Path, size: int, rate: int) -> None:
        import soxr

        self._name, self._rate, self._count = str(path), rate, 0
        self._length = Length(self._name, size, rate)
        self._parts: deque[Floats] = deque()
        self._stream = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, "float32", "HQ")

    def add(self, piece: Floats) -> None:
        """Take the next piece (n,); raises AudioError where it is damaged or the whole is too long."""
        self._length.check(self._count + len(piece))
        check_finite(piece, self._rate, self._name, self._count)  # resampling would spread it over all the rest
        self._count += len(piece)
        self._parts.append(self._stream.resample_chunk(piece) if self._stream else piece)

    def finish(self) -> Floats:
        """All of it."""
        if self._stream:
            self._parts.append(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))
        samples, filled = np.zeros(-(-self._count * SAMPLE_RATE // self._rate), np.float32), 0
        while self._parts:  # each is let go when it is copied: the recording is never twice in memory
            part = self._parts.popleft()[: len(samples) - filled]
            samples[filled : filled + len(part)] = part
            filled += len(part)
        return samples
