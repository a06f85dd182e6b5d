"""Jobs on several processes at once: each is a Blender of its own where they bake, with a worker of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import cast

from ...inference.client import pipes
from ...inference.errors import DuetError, StartError, WorkerError, error_of_kind
from .jobs import Job
from .runner import Made, Outcome, unforeseen
from .server import COMMAND, PREFIX

_GRACE = 10.0  # seconds that an interrupted process has to tidy up
_LOOK = 0.05  # seconds between looks at the processes
_LONGEST = 1 << 20  # bytes of a line
_THREADS = ("DUET_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_parallel(jobs: list[Job], count: int, engine: str, device: str) -> Iterator[Outcome]:
    """The outcomes of the jobs as they end, worked off by `count` processes; closed early, it ends them.

    A process that dies fails its job; the next job gets a new one.
    """
    count, waiting = min(count, len(jobs)), deque(jobs)
    servers = [Server(engine, device, count) for _ in range(count)]
    try:
        for _ in jobs:
            yield _next(servers, waiting)
        for server in servers:
            server.dismiss()
    finally:
        for server in servers:
            server.interrupt()
        for server in servers:
            server.end()


def _next(servers: list[Server], waiting: deque[Job]) -> Outcome:
    """The next outcome of any of them; those that are free get a job."""
    while True:
        for server in servers:
            if server.job is None and waiting:
                server.begin(waiting.popleft())
            if outcome := server.look():
                return outcome
        time.sleep(_LOOK)


class Server:
    """A process, started with its first job, and the job that it works on. Nothing but `end` waits for it."""

    def __init__(self, engine: str, device: str, count: int, command: list[str] | None = None) -> None:
        """One of `count` that share the cores; `command` starts it (None: this program as a server)."""
        self._command = [*(command or interpreter()), engine, device]
        self._env = shared_threads(count)
        self.job: Job | None = None
        self._unsent = memoryview(b"")  # of the job
        self._pipes: pipes.Piped | None = None
        self._is_ready = self._is_dismissed = False

    def begin(self, job: Job) -> None:
        """Take on a job; whatever is wrong shows in `look`."""
        self.job, self._unsent = job, memoryview(f"{json.dumps(job.to_json())}\n".encode())

    def look(self) -> Outcome | None:
        """The outcome of its job, once that is there."""
        if self.job is None:
            return None
        result: Made | DuetError | None
        try:
            result = self._work()
        except DuetError as error:
            result = error
        except Exception as error:  # the other jobs go on
            result = unforeseen(self.job.audio, error)
        if result is None:
            return None
        job, self.job = self.job, None
        return Outcome(job, result)

    def dismiss(self) -> None:
        """Let the process, which has nothing to do, end by itself."""
        self._is_dismissed = True
        if self._pipes:
            self._pipes.stdin.close()

    def interrupt(self) -> None:
        """Ask the process to stop what it does; no effect on one that was dismissed."""
        if self._is_dismissed:
            return
        self.dismiss()
        # On Windows a process cannot be asked; it ends with its stdin after the job at hand.
        if self._pipes and self._pipes.process.poll() is None and os.name == "posix":
            # While it starts, it would answer an interrupt with a traceback.
            self._pipes.process.send_signal(signal.SIGINT if self._is_ready else signal.SIGTERM)

    def end(self) -> int:
        """Wait for the end of the process, and make one that does not come; its exit code."""
        if self._pipes is None:
            return 0
        process = self._pipes.process
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._pipes.stdin.close()
        self._pipes.stdout.close()
        self._pipes = None
        return process.returncode

    def _work(self) -> Made | None:
        """What was made of the job, None as long as it is not; raises its DuetError."""
        server = self._pipes or self._start()
        with contextlib.suppress(OSError):  # it has died since, which its stdout tells
            self._unsent = self._unsent[server.stdin.write(self._unsent) or 0 :]
        while line := self._lines.readline(_LONGEST):
            text = line.decode("utf-8", "backslashreplace")
            answer = json.loads(text.removeprefix(PREFIX)) if text.startswith(PREFIX) and text.endswith("\n") else {}
            self._is_ready |= "ready" in answer
            if "error" in answer:
                raise error_of_kind(**answer["error"])
            if "made" in answer:
                return Made(**answer["made"])
        if line is None:
            return None
        code, audio = self.end(), cast(Job, self.job).audio
        if self._is_ready:
            message = f"'{audio}': the process that worked on it ended with exit code {code}."
            raise WorkerError(message, "Start it again; finished files are not made twice.")
        message = f"A process for --jobs ended with exit code {code} before it could work."
        raise StartError(message, "See what it printed above, or leave out --jobs.")

    def _start(self) -> pipes.Piped:
        is_posix = os.name == "posix"  # Ctrl-C reaches this process alone, which passes it on once
        try:
            self._pipes = pipes.start(self._command, self._env, read_stderr=False, start_new_session=is_posix)
        except OSError as error:
            message = f"A process for --jobs cannot be started: {self._command[0]} ({error.strerror})."
            raise StartError(message, "Leave out --jobs.") from error
        self._lines, self._is_ready = pipes.Arriving(self._pipes.stdout), False
        return self._pipes


def shared_threads(count: int) -> dict[str, str]:
    """The environment of one of so many processes that share the cores: with threads for all each would be slower."""
    return dict.fromkeys(_THREADS, str(max(1, (os.cpu_count() or 1) // count))) | os.environ


def interpreter() -> list[str]:
    """The command that serves jobs: Blender where this is one, else this Python."""
    bpy = sys.modules.get("bpy")
    if bpy is not None and bpy.app.binary_path:
        return [bpy.app.binary_path, "-b", "-c", "duet", COMMAND]
    return [sys.executable, "-P", "-m", f"{__package__}.server"]
