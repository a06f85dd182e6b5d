"""A child process that speaks messages, with one thread each for its stdin, stdout and stderr."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from ..errors import WorkerError
from ..protocol import Message, ProtocolError, encode, read_message, write_buffers

_STDERR_LINES = 50
_STDERR_WIDTH = 1000  # bytes of a line: a stream without newlines must not fill the memory
_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows opens a console otherwise
_EXIT_TIMEOUT = 5.0  # seconds between the end of stdout and the end of the process


@dataclass(frozen=True)
class Ended:
    """The process has ended."""

    code: int  # negative: the signal that ended it
    stderr: str  # the last lines


Item = Message | ProtocolError | Ended


class Child:
    """A running process. No method waits for it; `take_items` gives what has come since the last call."""

    def __init__(self, command: Sequence[str], env: dict[str, str] | None) -> None:
        """Start the command; raises WorkerError where it cannot be started."""
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=env,
                creationflags=_NO_WINDOW,
            )
        except OSError as error:
            raise WorkerError(
                f"Duet's worker process cannot be started: {command[0]} ({error.strerror}).",
                "Check the Python interpreter in Duet's preferences, or the environment variable DUET_PYTHON.",
            ) from error
        self.last_heard = time.monotonic()
        self._outbox: queue.SimpleQueue[list[bytes | memoryview] | None] = queue.SimpleQueue()
        self._items: deque[Item] = deque()
        self._lock = threading.Lock()
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._stderr_thread = self._start(self._drain_stderr)
        self._start(self._write_messages)
        self._start(self._read_messages)

    def is_alive(self) -> bool:
        """Whether the process runs and nothing has gone wrong with its messages."""
        with self._lock:
            broken = any(not isinstance(item, Message) for item in self._items)
        return not broken and self._process.poll() is None

    def send(self, message: Message) -> None:
        """Queue a message; where the process is gone, that shows in `take_items`."""
        self._outbox.put(encode(message))

    def take_items(self) -> list[Item]:
        """Messages since the last call, the last item being an error or the end; progress only the latest."""
        with self._lock:
            items, self._items = list(self._items), deque()
        return items

    def stderr_end(self) -> str:
        """The last lines it wrote to stderr."""
        with self._lock:
            return "\n".join(self._stderr)

    def kill(self) -> None:
        """End the process now; its threads end with it."""
        self._outbox.put(None)
        self._process.kill()

    def end(self, timeout: float = 1.0) -> None:
        """Ask the process to end by closing its stdin, kill it after `timeout` seconds, and wait for it."""
        self.send(Message("quit"))
        self._outbox.put(None)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @staticmethod
    def _start(target: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=target, name=f"duet{target.__name__}", daemon=True)
        thread.start()
        return thread

    def _write_messages(self) -> None:
        stdin = cast(BinaryIO, self._process.stdin)
        # A process that is gone shows at its stdout; closing flushes, and fails then as well.
        with contextlib.suppress(OSError), stdin:
            while (buffers := self._outbox.get()) is not None:
                write_buffers(stdin, buffers)

    def _read_messages(self) -> None:
        with cast(BinaryIO, self._process.stdout) as stdout:
            stream = _Heard(stdout, self)
            try:
                while (message := read_message(stream)) is not None:
                    self._add(message)
            except ProtocolError as error:
                self._add(error)
                self._process.kill()  # it would block on a pipe that nobody reads
        self._add(self._ended())

    def _ended(self) -> Ended:
        try:
            self._process.wait(_EXIT_TIMEOUT)
        except subprocess.TimeoutExpired:  # it has closed its stdout and lives on
            self._process.kill()
        code = self._process.wait()
        self._stderr_thread.join(1.0)  # a grandchild may hold stderr open
        return Ended(code, self.stderr_end())

    def _add(self, item: Item) -> None:
        with self._lock:
            last = self._items[-1] if self._items else None
            if _is_progress(item) and _is_progress(last):
                self._items.pop()  # a flood of progress takes no memory
            self._items.append(item)

    def _drain_stderr(self) -> None:
        with cast(BinaryIO, self._process.stderr) as stderr:
            while line := stderr.readline(_STDERR_WIDTH):
                text = line.decode("utf-8", "replace").rstrip()
                with self._lock:
                    self._stderr.append(text)


def _is_progress(item: Item | None) -> bool:
    return isinstance(item, Message) and item.type == "progress"


class _Heard:
    """A stream that notes when bytes arrive: a long result is no silence."""

    def __init__(self, stream: BinaryIO, child: Child) -> None:
        self._stream, self._child = stream, child

    def readline(self, limit: int, /) -> bytes:
        line = self._stream.readline(limit)
        self._child.last_heard = time.monotonic()
        return line

    def readinto(self, buffer: memoryview, /) -> int | None:
        count = self._stream.readinto(buffer)  # type: ignore[attr-defined]
        self._child.last_heard = time.monotonic()
        return count
