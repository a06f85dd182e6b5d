"""A child process whose pipes are never waited for: Linux and macOS have non-blocking files, Windows has its own ways.

`reader.read(most)` is b"" at the end and None where nothing has come; `writer.write(data)` gives how much the pipe
has taken, which may be nothing, and raises OSError where nobody reads any more.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from io import FileIO
from typing import IO, Any, Protocol, cast

if sys.platform == "linux":
    import fcntl

_CAPACITY = 1 << 20  # bytes


class Reader(Protocol):
    """What the child writes."""

    def read(self, most: int, /) -> bytes | None:
        """At most `most` bytes that are there; b"" at the end, None where nothing has come."""
        ...

    def close(self) -> None:
        """Let go of the pipe."""
        ...


class Writer(Protocol):
    """What the child reads."""

    def write(self, data: memoryview, /) -> int | None:
        """How many bytes were taken; None or 0 while there is no room. Raises OSError where nobody reads."""
        ...

    def close(self) -> None:
        """Let go of the pipe: the child reads its end."""
        ...


class Piped(Protocol):
    """A process and its pipes; where stderr is not read, it goes where this process's goes."""

    process: subprocess.Popen[bytes]
    stdin: Writer
    stdout: Reader
    stderr: Reader | None


class _PosixPiped:
    """Raw files, which are None or short where they would have to wait."""

    def __init__(self, command: Sequence[str], env: dict[str, str] | None, read_stderr: bool, **options: Any) -> None:
        self.process = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if read_stderr else None,
            env=env,
            **options,
        )
        self.stdin: Writer = cast(FileIO, self.process.stdin)
        self.stdout: Reader = cast(FileIO, self.process.stdout)
        self.stderr: Reader | None = cast(FileIO | None, self.process.stderr)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                _widen(stream)


def _widen(pipe: IO[bytes]) -> None:
    """Have the pipe hold more than 64 KiB, where the system lets that be chosen."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _CAPACITY)


if sys.platform == "win32":
    import _winapi
    from asyncio import windows_utils

    class _WindowsReader:
        """Asks how much has come before it reads."""

        def __init__(self, pipe: windows_utils.PipeHandle) -> None:
            self._pipe = pipe

        def read(self, most: int) -> bytes | None:
            """See Reader."""
            try:
                count = min(_winapi.PeekNamedPipe(self._pipe.handle, 0)[0], most)
                if not count:
                    return None
                reading, _ = _winapi.ReadFile(self._pipe.handle, count, overlapped=True)
                reading.GetOverlappedResult(True)  # at once: so much is there
                return bytes(reading.getbuffer())
            except BrokenPipeError:
                return b""

        def close(self) -> None:
            """See Reader."""
            self._pipe.close()

    class _WindowsWriter:
        """Hands one piece over at a time, and asks later whether it has been taken."""

        def __init__(self, pipe: windows_utils.PipeHandle) -> None:
            self._pipe = pipe
            self._writing: _winapi.Overlapped | None = None

        def write(self, data: memoryview) -> int | None:
            """See Writer."""
            if self._writing is None:
                self._writing, _ = _winapi.WriteFile(self._pipe.handle, data, overlapped=True)
            count, error = self._writing.GetOverlappedResult(False)
            if error == _winapi.ERROR_IO_INCOMPLETE:
                return None
            self._writing = None
            return count

        def close(self) -> None:
            """See Writer."""
            if self._writing is not None:
                with contextlib.suppress(OSError):
                    self._writing.cancel()
            self._pipe.close()

    class _WindowsPiped:
        """Named pipes with overlapped writing, as asyncio has them for its processes."""

        def __init__(
            self, command: Sequence[str], env: dict[str, str] | None, read_stderr: bool, **options: Any
        ) -> None:
            options["creationflags"] = subprocess.CREATE_NO_WINDOW  # Windows opens a console otherwise
            pipe = subprocess.PIPE
            self.process = windows_utils.Popen(
                command, stdin=pipe, stdout=pipe, stderr=pipe if read_stderr else None, env=env, **options
            )
            self.stdin: Writer = _WindowsWriter(self.process.stdin)
            self.stdout: Reader = _WindowsReader(self.process.stdout)
            self.stderr: Reader | None = _WindowsReader(self.process.stderr) if read_stderr else None


def start(command: Sequence[str], env: dict[str, str] | None, read_stderr: bool = True, **options: Any) -> Piped:
    """Start a process; `options` are Popen's. Raises OSError where it cannot be started."""
    if sys.platform == "win32":
        return _WindowsPiped(command, env, read_stderr, **options)
    return _PosixPiped(command, env, read_stderr, **options)


class Arriving:
    """Lines and buffers of a Reader, each None as long as not all of it, or nothing more of it, has come."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._held = bytearray()
        self._searched = 0  # bytes of it that hold no newline
        self.count = 0  # bytes that have come so far

    @property
    def held(self) -> bytes:
        """What has come and was not handed on: a part of a line."""
        return bytes(self._held)

    def readline(self, limit: int) -> bytes | None:
        """Up to and with the next newline, at most `limit` bytes; what is left, then b"", at the end."""
        while True:
            end = self._held.find(b"\n", self._searched, limit) + 1 or (limit if len(self._held) >= limit else 0)
            if end:
                return self._take(end)
            self._searched = len(self._held)
            data = self._read(1 << 16)
            if data is None:
                return None
            if not data:
                return self._take(len(self._held))
            self._held += data

    def readinto(self, buffer: memoryview) -> int | None:
        """Fill (a part of) the buffer; 0 at the end."""
        data: bytes | None = self._take(len(buffer)) if self._held else self._read(len(buffer))
        if data is None:
            return None
        buffer[: len(data)] = data
        return len(data)

    def _read(self, most: int) -> bytes | None:
        data = self._reader.read(most)
        self.count += len(data or b"")
        return data

    def _take(self, count: int) -> bytes:
        taken = bytes(self._held[:count])
        del self._held[:count]
        self._searched = 0
        return taken
