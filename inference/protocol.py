"""The messages between client and worker: one JSON line, then the raw bytes of its arrays; no pickle.

The header is `{"type": str, "job": int or null, "data": {...}, "arrays": [[name, dtype, shape], ...]}` followed by
"\\n" and the arrays in that order, C-contiguous and little-endian. Whatever does not fit that raises ProtocolError:
sizes are checked before anything is allocated, and only plain number types pass.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import WorkerError

VERSION = 1

MAX_HEADER = 1 << 20  # bytes: a take's header is some ten kilobytes
MAX_ARRAYS = 64
MAX_PAYLOAD = 16 << 30  # bytes: more than four hours of anything but vertices, of which the command line takes less
_CHUNK = 1 << 20  # bytes read or written at a time, so that a large array counts as a sign of life
_DTYPES = frozenset({"|b1", "|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8"})
Given = TypeVar("Given")
_REMEDY = "Try again; if it happens again, install Duet anew, so that both sides are of one version."


class ProtocolError(WorkerError):
    """The bytes on the pipe are not a message."""

    def __init__(self, message: str) -> None:
        super().__init__(message, _REMEDY)


class Readable(Protocol):
    """A binary stream to read from, which waits for what is due or gives None."""

    def readline(self, limit: int, /) -> bytes | None:
        """Up to and with the next newline, at most `limit` bytes; empty at the end."""
        ...

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill (a part of) the buffer; 0 at the end."""
        ...


class Writable(Protocol):
    """A blocking binary stream to write to."""

    def write(self, data: Any, /) -> Any:
        """Write all of the data."""
        ...

    def flush(self) -> None:
        """Hand over what is buffered."""
        ...


@dataclass(frozen=True)
class Message:
    """One message: its type, the job it belongs to (None: none), JSON-ready data and named arrays."""

    type: str
    job: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)


def encode(message: Message) -> list[bytes | memoryview]:
    """The message as the buffers to write in turn; raises ProtocolError or TypeError where it cannot cross."""
    arrays = {name: _plain(name, array) for name, array in message.arrays.items()}
    entries = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    header = {"type": message.type, "job": message.job, "data": message.data, "arrays": entries}
    line = json.dumps(header, separators=(",", ":")).encode() + b"\n"
    parse_header(line)  # what could not be read is not written
    raws = [array.reshape(-1).view(np.uint8).data for array in arrays.values()]
    return [line, *(raw[start : start + _CHUNK] for raw in raws for start in range(0, len(raw), _CHUNK))]


def write_buffers(stream: Writable, buffers: list[bytes | memoryview]) -> None:
    """Write an encoded message; raises OSError."""
    for buffer in buffers:
        stream.write(buffer)
    stream.flush()


def read_message(stream: Readable, most: int = MAX_PAYLOAD) -> Message | None:
    """The next message of a stream that waits, or None where it ends before one; raises ProtocolError for the rest.

    Also for arrays of more than `most` bytes together.
    """
    return next(filter(None, messages(stream, most)), None)


def messages(stream: Readable, most: int = MAX_PAYLOAD) -> Iterator[Message | None]:
    """The messages of a stream in turn, and None wherever it has nothing to give; raises ProtocolError."""
    while (line := (yield from _awaited(lambda: stream.readline(MAX_HEADER + 1)))) != b"":
        header, layout = parse_header(line, most)
        arrays = {}
        for name, dtype, shape in layout:
            arrays[name] = yield from _read_array(stream, dtype, shape)
        yield Message(header["type"], header["job"], header["data"], arrays)


def _awaited(read: Callable[[], Given | None]) -> Generator[None, None, Given]:
    """What a reading gives, once it gives something."""
    while (given := read()) is None:
        yield None
    return given


Layout = list[tuple[str, np.dtype[Any], tuple[int, ...]]]


def parse_header(line: bytes, most: int = MAX_PAYLOAD) -> tuple[dict[str, Any], Layout]:
    """The header of a JSON line and the (name, dtype, shape) of its arrays; raises ProtocolError."""
    if len(line) > MAX_HEADER or not line.endswith(b"\n"):
        raise ProtocolError(f"A header is cut off or too long ({len(line)} bytes, begins with {line[:40]!r}).")
    try:
        header = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"Not a message: {line[:80]!r}.") from error
    if not _is_header(header):
        raise ProtocolError(f"A header lacks its fields: {line[:80]!r}.")
    layout = [_entry(entry) for entry in header["arrays"]]
    if len({name for name, _, _ in layout}) != len(layout):
        raise ProtocolError("Two arrays have the same name.")
    if sum(_size(dtype, shape) for _, dtype, shape in layout) > most:
        raise ProtocolError(f"The arrays of a '{header['type'][:40]}' message are larger than {most >> 30} GiB.")
    return header, layout


def _is_header(header: Any) -> bool:
    return (
        isinstance(header, dict)
        and isinstance(header.get("type"), str)
        and type(header.get("job", "")) in (int, type(None))
        and isinstance(header.get("data"), dict)
        and isinstance(header.get("arrays"), list)
        and len(header["arrays"]) <= MAX_ARRAYS
    )


def _entry(entry: Any) -> tuple[str, np.dtype[Any], tuple[int, ...]]:
    if not (isinstance(entry, list) and len(entry) == 3):
        raise ProtocolError("An array's entry is not [name, dtype, shape].")
    name, dtype, shape = entry
    if not (isinstance(name, str) and isinstance(dtype, str) and dtype in _DTYPES):
        raise ProtocolError(f"An array has the type {str(dtype)[:40]!r}.")
    if not (isinstance(shape, list) and len(shape) <= 4 and all(type(n) is int and n >= 0 for n in shape)):
        raise ProtocolError(f"The array '{name[:40]}' has no proper shape.")
    return name, np.dtype(dtype), tuple(shape)


def _size(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    return math.prod(shape) * dtype.itemsize


def _plain(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """The array C-contiguous and little-endian, 0-dimensional ones kept so."""
    if array.dtype.newbyteorder("<").str not in _DTYPES:
        raise ProtocolError(f"The array '{name}' has the type {array.dtype}, which may not cross the pipe.")
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


def _read_array(stream: Readable, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Generator[None, None, NDArray[Any]]:
    try:
        raw = np.empty(_size(dtype, shape), np.uint8)
    except (MemoryError, ValueError) as error:
        raise ProtocolError(f"There is no memory for an array of shape {shape}.") from error
    view, filled = raw.data, 0
    while filled < len(raw):
        part = view[filled : filled + _CHUNK]
        count = yield from _awaited(partial(stream.readinto, part))
        if not count:
            raise ProtocolError(f"The stream ends within an array of shape {shape}.")
        filled += count
    try:
        return raw.view(dtype).reshape(shape)
    except ValueError as error:  # a zero beside a length that no array can have
        raise ProtocolError(f"{shape} is no shape.") from error
