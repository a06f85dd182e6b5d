"""A child process that speaks messages. Its pipes are read and written a little at a time, and never waited for.

There is no thread: what is to be written waits in the outbox and what has come waits in the pipe, until `pump` or
`take_items`, which a timer of Blender's calls.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from ..errors import StartError
from ..protocol import Message, ProtocolError, encode, messages
from . import pipes

_STDERR_LINES = 50
_STDERR_WIDTH = 1000  # bytes of a line: a stream without newlines must not fill the memory
_EXIT_TIMEOUT = 5.0  # seconds between the end of stdout and the end of the process
_KILL_TIMEOUT = 1.0  # seconds that a process takes at most to be gone once it is killed
_TURN = 0.02  # seconds of reading and writing at most in a call
_PATIENCE = 0.002  # seconds in a call without a byte, while a message is under way
_BURSTS = 1000  # of _STDERR_LINES lines
_PAUSE = 0.0002  # seconds between looks for the next one


@dataclass(frozen=True)
class Ended:
    """The process has ended."""

    code: int  # negative: the signal that ended it
    stderr: str  # the last lines

    @property
    def cause(self) -> str:
        """The exit code, with the name of a signal."""
        if self.code >= 0:
            return f"exit code {self.code}"
        try:
            name = signal.Signals(-self.code).name
        except ValueError:
            name = "unknown"
        killed = ": something else killed it, often because memory ran out" if name == "SIGKILL" else ""
        return f"exit code {self.code} (signal {name}{killed})"


Item = Message | ProtocolError | Ended


class Child:
    """A running process. No method waits for it but `end`; `take_items` gives what has come since the last call."""

    def __init__(self, command: Sequence[str], env: dict[str, str] | None) -> None:
        """Start the command; raises StartError where it cannot be started."""
        try:
            self._pipes = pipes.start(command, env)
        except OSError as error:
            raise StartError(
                f"Duet's worker process cannot be started: {command[0]} ({error.strerror}).",
                "Check the Python interpreter in Duet's preferences, or the environment variable DUET_PYTHON.",
            ) from error
        self._process = self._pipes.process
        self.last_heard = time.monotonic()
        self._outbox: deque[memoryview] = deque()
        self._items: deque[Item] = deque()
        self._arriving = pipes.Arriving(self._pipes.stdout)
        self._messages = messages(self._arriving)
        self._complete = 0  # bytes of the messages that have come in full
        self._closed_at: float | None = None  # when its stdout ended
        self._broken = False  # it has ended, or said what is no message
        self._closed = False  # its pipes are
        self._stderr_lines = pipes.Arriving(cast(pipes.Reader, self._pipes.stderr))
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)

    def is_alive(self) -> bool:
        """Whether the process runs and nothing has gone wrong with its messages."""
        self.pump()
        return not self._broken and self._process.poll() is None

    def send(self, message: Message) -> None:
        """Queue a message; where the process is gone, that shows in `take_items`."""
        self._outbox += [memoryview(buffer) for buffer in encode(message)]
        self.pump()

    def take_items(self) -> list[Item]:
        """Messages since the last call, the last item being an error or the end; progress only the latest."""
        self.pump()
        items, self._items = list(self._items), deque()
        return items

    def stderr_end(self) -> str:
        """The last lines it wrote to stderr."""
        for _ in range(_BURSTS):  # a pipe full of short lines, and no more of one that floods
            if self._closed or not self._read_stderr():
                break
        rest = self._stderr_lines.held.decode("utf-8", "replace")
        return "\n".join([*self._stderr, rest] if rest else self._stderr)

    def kill(self) -> None:
        """End the process now and let go of its pipes."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_KILL_TIMEOUT)
        self._broken = self._closed = True
        for stream in (self._pipes.stdin, self._pipes.stdout, self._pipes.stderr):
            if stream is not None:
                stream.close()

    def end(self, timeout: float = 1.0) -> None:
        """Ask the process to end by closing its stdin, and wait for it; after `timeout` seconds kill it."""
        self.send(Message("quit"))
        until = time.monotonic() + timeout
        while self._process.poll() is None and time.monotonic() < until:
            self.pump()
            if not self._outbox:
                self._pipes.stdin.close()
            time.sleep(_PAUSE)
        self.kill()

    def pump(self) -> None:
        """Read what has come and write what there is room for; a large array takes several calls."""
        begun = moved_at = time.monotonic()
        while not self._broken:
            moved = any([self._write(), self._read(), self._read_stderr()])
            now = time.monotonic()
            moved_at = now if moved else moved_at
            is_under_way = moved or self._outbox or self._arriving.count > self._complete
            if not is_under_way or now - begun > _TURN or now - moved_at > _PATIENCE:
                return
            if not moved:
                time.sleep(_PAUSE)

    def _write(self) -> bool:
        """Write what there is room for; whether there was any."""
        if not self._outbox:
            return False
        try:
            count = self._pipes.stdin.write(self._outbox[0])
        except OSError:  # a process that is gone shows at its stdout
            self._outbox.clear()
            return False
        if count:
            rest = self._outbox.popleft()[count:]
            if rest:
                self._outbox.appendleft(rest)
        return bool(count)

    def _read(self) -> bool:
        """Read a part of a message; whether there was any."""
        before, was_alive = self._arriving.count, self._process.poll() is None
        try:
            message = next(self._messages)
        except StopIteration:
            self._look_for_end()
            return False
        except ProtocolError as error:
            self._process.kill()  # it would block on a pipe that nobody reads
            self._add(error)
            return False
        if message is not None:
            self._complete = self._arriving.count - len(self._arriving.held)
            self._add(message)
        elif not was_alive:  # all it wrote has been read, though another process may hold the pipe open
            self._look_for_end()
        if self._arriving.count != before:
            self.last_heard = time.monotonic()
        return message is not None or self._arriving.count != before

    def _look_for_end(self) -> None:
        """Say that it has ended; where only its stdout has, wait for that or see to it."""
        now = time.monotonic()
        self._closed_at = self._closed_at or now
        if self._process.poll() is None and now - self._closed_at > _EXIT_TIMEOUT:
            self._process.kill()
        if (code := self._process.poll()) is not None:
            self._add(Ended(code, self.stderr_end()))

    def _add(self, item: Item) -> None:
        last = self._items[-1] if self._items else None
        if _is_progress(item) and _is_progress(last):
            self._items.pop()  # a flood of progress takes no memory
        self._items.append(item)
        self._broken = not isinstance(item, Message)

    def _read_stderr(self) -> bool:
        """Read some lines of stderr; whether there were any."""
        for count in range(_STDERR_LINES):
            line = self._stderr_lines.readline(_STDERR_WIDTH)
            if not line:
                return count > 0
            self._stderr.append(line.decode("utf-8", "replace").rstrip())
        return True


def _is_progress(item: Item | None) -> bool:
    return isinstance(item, Message) and item.type == "progress"
