"""Jobs on several processes at once: each is a Blender of its own where they bake, with a worker of its own."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, cast

from ...inference.errors import DuetError, WorkerError, error_of_kind
from . import server as job_server
from .jobs import Job
from .runner import Made, Outcome, unforeseen

_GRACE = 10.0  # seconds that an interrupted process has to tidy up
_LOOK = 0.2  # seconds between looks at the keyboard
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class StartError(WorkerError):
    """A process of the pool cannot start, so no job could do better."""


def run_parallel(jobs: list[Job], count: int, engine: str, device: str) -> Iterator[Outcome]:
    """The outcomes of the jobs as they end, worked off by `count` processes; closed early, it ends them.

    A process that dies fails its job; the next job gets a new one.
    """
    count = min(count, len(jobs))
    pending: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        pending.put(job)
    done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    servers = [_Server(engine, device, count) for _ in range(count)]
    threads = [threading.Thread(target=server.work, args=(pending, done), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        for _ in jobs:
            yield _next(done)
        for server in servers:
            server.dismiss()
    finally:
        for server in servers:
            server.interrupt()
        for server in servers:
            server.end()


def _next(done: queue.SimpleQueue[Outcome]) -> Outcome:
    while True:  # a queue that waits for ever would not hear Ctrl-C on Windows
        with contextlib.suppress(queue.Empty):
            return done.get(timeout=_LOOK)


class _Server:
    """One process, started with its first job."""

    def __init__(self, engine: str, device: str, count: int) -> None:
        self._command = [*_interpreter(), engine, device]
        # The processes share the cores: each with threads for all of them would be slower than one alone.
        share = str(max(1, (os.cpu_count() or 1) // count))
        self._env = dict.fromkeys(_THREADS, share) | os.environ
        self._process: subprocess.Popen[str] | None = None
        self._stopped = self._ready = False
        self._lock = threading.Lock()

    def work(self, pending: queue.SimpleQueue[Job], done: queue.SimpleQueue[Outcome]) -> None:
        """Do jobs until none is left (in a thread of its own)."""
        while not self._stopped:
            try:
                job = pending.get_nowait()
            except queue.Empty:
                return
            try:
                done.put(Outcome(job, self._run(job)))
            except DuetError as error:
                done.put(Outcome(job, error))
            except Exception as error:  # a thread that ended would leave its jobs waited for
                done.put(Outcome(job, unforeseen(job.audio, error)))

    def dismiss(self) -> None:
        """Let the process, which has nothing to do, end by itself."""
        with self._lock:
            self._stopped = True
            if self._process:
                with contextlib.suppress(OSError):
                    cast(Any, self._process.stdin).close()

    def interrupt(self) -> None:
        """Ask the process to stop what it does; no effect on one that was dismissed."""
        if self._stopped:
            return
        self.dismiss()
        with self._lock:
            # On Windows a process cannot be asked; it ends with its stdin after the job at hand.
            if self._process and self._process.poll() is None and os.name == "posix":
                # While it starts, it would answer an interrupt with a traceback.
                self._process.send_signal(signal.SIGINT if self._ready else signal.SIGTERM)

    def end(self) -> None:
        """Wait for the end of the process, and make one that does not come."""
        if self._process is None:
            return
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _run(self, job: Job) -> Made:
        process = self._started()
        try:
            stdin = cast(Any, process.stdin)
            stdin.write(json.dumps(job.to_json()) + "\n")
            stdin.flush()
            answer = _read(process)
        except OSError:  # its stdin is closed: it has died since
            answer = None
        if answer is None:
            self._process = None
            message = f"'{job.audio}': the process that worked on it ended with exit code {process.wait()}."
            raise WorkerError(message, "Start it again; finished files are not made twice.")
        if "error" in answer:
            raise error_of_kind(**answer["error"])
        return Made(**answer["made"])

    def _started(self) -> subprocess.Popen[str]:
        """The process, ready; raises StartError."""
        with self._lock:
            if self._stopped:
                raise StartError("Interrupted.")
            if self._process is not None:
                return self._process
            self._process, self._ready = _start(self._command, self._env), False
            process = self._process
        if _read(process) is None:
            message = f"A process for --jobs ended with exit code {process.wait()} before it could work."
            raise StartError(message, "See what it printed above, or leave out --jobs.")
        self._ready = True
        return process


def _start(command: list[str], env: dict[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=os.name == "posix",  # Ctrl-C reaches this process alone, which passes it on once
        )
    except OSError as error:
        message = f"A process for --jobs cannot be started: {command[0]} ({error.strerror})."
        raise StartError(message, "Leave out --jobs.") from error


def _read(process: subprocess.Popen[str]) -> dict[str, Any] | None:
    """The next line of the protocol; None where the process has ended, within a line too."""
    for line in cast(Any, process.stdout):
        if line.startswith(job_server.PREFIX) and line.endswith("\n"):
            return cast(dict[str, Any], json.loads(line.removeprefix(job_server.PREFIX)))
    return None


def _interpreter() -> list[str]:
    """The command that serves jobs: Blender where this is one, else this Python."""
    bpy = sys.modules.get("bpy")
    if bpy is not None and bpy.app.binary_path:
        return [bpy.app.binary_path, "-b", "-c", "duet", job_server.COMMAND]
    return [sys.executable, "-P", "-m", job_server.__name__]
