"""Where live sound comes from: raw samples on stdin, a file at its own pace, or a microphone.

Each is a thread that fills a queue, so that the one that computes can tell sound that is late from sound that is there.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..arrays import Floats
from ..audio.checks import check_samples
from ..audio.mel import SAMPLE_RATE
from ..errors import AudioError

CHUNK = 0.02  # seconds that are read at once
LATE = 0.1  # seconds without sound after which it counts as missing
_MOST = 500  # chunks that may wait: 10 s; older sound is let go
RATES = (8000, 192_000)

Put = Callable[[Floats], None]


class Source:
    """Sound as it comes. Errors of the thread are raised where the sound is taken."""

    def __init__(self, fill: Callable[[Put], None]) -> None:
        """`fill` puts samples (n,) at 16 kHz, each chunk when it is there, and returns at the end."""
        self.lost = 0  # chunks that were let go, because computing was too slow
        self._queue: queue.Queue[Floats | Exception | None] = queue.Queue()
        threading.Thread(target=self._run, args=(fill,), name="duet-sound", daemon=True).start()

    def _run(self, fill: Callable[[Put], None]) -> None:
        end: Exception | None = None
        try:
            fill(self._put)
        except Exception as error:
            end = error
        self._queue.put(end)

    def _put(self, samples: Floats) -> None:
        if self._queue.qsize() >= _MOST:
            self.lost += 1
            return
        self._queue.put(samples)

    def chunks(self) -> Iterator[Floats | float]:
        """Samples (n,), or the seconds in which none came."""
        while True:
            began = time.monotonic()
            try:
                item = self._queue.get(timeout=LATE)
            except queue.Empty:
                yield time.monotonic() - began
                continue
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item


def raw(stream: BinaryIO, rate: int) -> Source:
    """Signed 16-bit little-endian mono samples at `rate` Hz from a stream that is read to its end."""

    def fill(put: Put) -> None:
        convert, size, left = _converter(rate), 2 * int(rate * CHUNK), b""
        read = getattr(stream, "read1", stream.read)
        while data := read(size):
            data = left + data
            whole = len(data) - len(data) % 2
            left = data[whole:]
            put(convert(np.frombuffer(data[:whole], "<i2").astype(np.float32) / np.float32(32768)))

    return Source(fill)


def paced(samples: Floats, speed: float = 1.0) -> Source:
    """Samples (N,) at 16 kHz as if they were being spoken now, or so many times as fast."""

    def fill(put: Put) -> None:
        began, size = time.monotonic(), int(SAMPLE_RATE * CHUNK)
        for start in range(0, len(samples), size):
            part = samples[start : start + size]
            due = began + (start + len(part)) / (SAMPLE_RATE * speed)
            time.sleep(max(0.0, due - time.monotonic()))
            put(part)

    return Source(fill)


def microphone(device: str | None) -> Source:
    """The system's microphone or one by its name or number; raises AudioError where it cannot be had."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # OSError: the library that it needs
        raise AudioError(
            f"A microphone needs the package sounddevice ({error}).",
            "Install it beside Duet (docs/live.md), or use stdin.",
        ) from error

    def fill(put: Put) -> None:
        blocks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        name: Any = int(device) if device and device.isdecimal() else device
        try:
            stream = sounddevice.RawInputStream(
                samplerate=SAMPLE_RATE,
                blocksize=int(SAMPLE_RATE * CHUNK),
                device=name,
                channels=1,
                dtype="int16",
                callback=lambda data, *_: blocks.put(bytes(data)),
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise AudioError(f"The microphone cannot be used: {error}.", "Choose one with --device.") from error
        with stream:
            while True:
                put(np.frombuffer(blocks.get(), "<i2").astype(np.float32) / np.float32(32768))

    return Source(fill)


def opened(name: str, rate: int, device: str | None, speed: float) -> Source:
    """The source that the command line names: `-`, `mic` or a recording; raises AudioError."""
    if name == "-":
        return raw(sys.stdin.buffer, rate)
    if name == "mic":
        return microphone(device)
    from ..audio.decode import load_audio

    return paced(check_samples(load_audio(Path(name)), name), speed)


def _converter(rate: int) -> Callable[[Floats], Floats]:
    if rate == SAMPLE_RATE:
        return lambda samples: samples
    import soxr

    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
    return lambda samples: np.asarray(stream.resample_chunk(samples), np.float32)
