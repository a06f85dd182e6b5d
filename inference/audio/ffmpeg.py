"""The sound of files that libsndfile does not know, decoded by the ffmpeg that PyAV brings: m4a, mp4, mov, webm, ...

Outside Blender only: Blender has an ffmpeg of its own.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..errors import AudioError

# Containers of sound alone: a playlist could name other files, and some of ffmpeg's formats are scripts.
_FORMATS = (
    "mov,matroska,webm,wav,w64,aac,asf,avi,ogg,flac,mp3,aiff,caf,au,amr,mpeg,mpegts,flv,ac3,eac3,ape,wv,tta,dsf,rm"
)


def ffmpeg_pieces(path: Path) -> Iterator[tuple[Floats, int]] | None:
    """Pieces (n,) of the first sound's mean over all channels with their sampling rate in Hz.

    None where the file is of no format that ffmpeg reads here, or has no sound. The pieces raise AudioError where the
    file is damaged in the middle.
    """
    if not importlib.util.find_spec("av"):
        raise AudioError(f"'{path}' cannot be decoded: PyAV is not installed.", "Run `make setup`.")
    pieces = _pieces(path)
    first = next(pieces, None)
    return None if first is None else _with(first, pieces)


def _with(first: tuple[Floats, int], rest: Iterator[tuple[Floats, int]]) -> Iterator[tuple[Floats, int]]:
    yield first
    yield from rest


def _pieces(path: Path) -> Iterator[tuple[Floats, int]]:
    import av

    rate, seconds = 0, 0.0
    try:
        with path.open("rb") as file, av.open(file, "r", options={"format_whitelist": _FORMATS}) as container:
            if not container.streams.audio:
                return
            plain = None
            for frame in container.decode(container.streams.audio[0]):
                rate = rate or frame.sample_rate
                plain = plain or av.AudioResampler("fltp", frame.layout, rate)
                for part in plain.resample(frame):
                    yield part.to_ndarray().mean(axis=0, dtype=np.float32), rate
                seconds += frame.samples / frame.sample_rate
    except (av.FFmpegError, ValueError) as error:
        if rate:
            message = f"'{path}' is damaged after {seconds:.3f} s of sound ({getattr(error, 'strerror', error)})."
            raise AudioError(message, "Export or record it again.") from error
