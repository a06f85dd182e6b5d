"""Starts a worker process, feeds it jobs, cancels them and outlives it. Standard library and NumPy, no bpy.

`WorkerClient` never waits for the worker and has no threads: `poll()` reads and writes what the pipes allow and gives
what has happened since the last call.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..bound import Binding, BindRequest
from ..errors import CancelledError, DuetError, RequestError, StartError, WorkerError, error_of_kind
from ..protocol import VERSION, Message, ProtocolError
from ..take import GenerateRequest, Take
from .child import Child, Ended
from .environment import worker_python

GRACE_PERIOD = 5.0  # seconds a worker has to notice a cancel
SILENCE_LIMIT = 120.0  # seconds without a message in which a worker counts as hung; loading torch can take 60
_BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS")
_MOST_THREADS = 8  # more have nothing to do between the steps that they wait for each other
_POLL_INTERVAL = 0.02  # seconds
_SHOWN_LINES = 5  # of stderr in a message; all that is kept is in Failed.traceback
_DIED = "Start it again; if it dies once more, report this message."


@dataclass(frozen=True)
class Hello:
    """The worker has loaded its models."""

    engine: str  # "numpy" or "torch"
    device: str
    model_id: str


@dataclass(frozen=True)
class Progress:
    """A part of the job is done."""

    job: int
    fraction: float  # 0 to 1
    stage: str


@dataclass(frozen=True)
class Result:
    """The job is done."""

    job: int
    take: Take


@dataclass(frozen=True, eq=False)
class Bound:
    """The job is done: a mesh is bound."""

    job: int
    binding: Binding


@dataclass(frozen=True)
class Failed:
    """The job has failed; `traceback` is the worker's, empty where it has none."""

    job: int
    error: DuetError
    traceback: str = ""


@dataclass(frozen=True)
class Cancelled:
    """The job has ended because of `cancel`."""

    job: int


Done = TypeVar("Done", Result, Bound)
Event = Hello | Progress | Result | Bound | Failed | Cancelled


def worker_command(
    root: Path, python: str | None = None, engine: str = "auto", device: str = "auto"
) -> tuple[list[str], dict[str, str]]:
    """The command and environment that start the worker of the extension at `root` (it holds inference/, weights/).

    `python` is the interpreter; where None, it is `worker_python`'s.
    """
    root = root.resolve()
    command = [python or worker_python(), "-s", "-m", "inference.worker", "--weights", str(root / "weights")]
    command += ["--engine", engine, "--device", device]
    env = {key: value for key, value in os.environ.items() if key not in {"PYTHONHOME", "PYTHONSTARTUP"}}
    # The embedded engine shares its work among threads itself; a BLAS that does so too would slow both down.
    threads = {"DUET_THREADS": env.get("DUET_THREADS") or str(min(os.cpu_count() or 1, _MOST_THREADS))}
    threads |= dict.fromkeys(_BLAS_THREADS, "1")
    # SAFEPATH: `-m` would look for modules in the current folder first, where a user may keep a numpy.py.
    return command, env | threads | {"PYTHONPATH": str(root), "PYTHONSAFEPATH": "1", "PYTHONUTF8": "1"}


class WorkerClient:
    """One worker process and at most one job at a time; the process starts with the first job and stays warm.

    `grace_period` and `silence_limit` are in seconds; `silence_limit` None waits for ever.
    """

    def __init__(
        self,
        command: Sequence[str],
        env: dict[str, str] | None = None,
        grace_period: float = GRACE_PERIOD,
        silence_limit: float | None = SILENCE_LIMIT,
    ) -> None:
        self._command, self._env = list(command), env
        self._grace_period, self._silence_limit = grace_period, silence_limit
        self._child: Child | None = None
        self._is_ready = False  # some process of this command has loaded its models
        self._jobs = itertools.count(1)
        self._job: int | None = None
        self._submitted = 0.0
        self._cancel_asked: float | None = None
        self._unheard: Message | None = None  # the job, where a warm worker has it and has not yet answered

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self._job is not None

    def submit(self, request: GenerateRequest, samples: NDArray[Any]) -> int:
        """Start a job on samples (N,), mono at 16 kHz, and return its number at once.

        Raises RequestError while another job runs, WorkerError where the process cannot be started.
        """
        samples = np.array(samples, np.float32)  # a copy: it is written later, while the caller goes on
        return self._start("generate", {"request": request.to_json()}, {"samples": samples})

    def submit_binding(self, request: BindRequest) -> int:
        """Start binding a mesh and return the job's number at once; its last event is Bound, Failed or Cancelled.

        Raises RequestError while another job runs, WorkerError where the process cannot be started.
        """
        data, arrays = request.to_message()
        return self._start("bind", data, {name: array.copy() for name, array in arrays.items()})

    def _start(self, kind: str, data: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> int:
        if self.busy:
            raise RequestError(
                "Duet is still animating or binding another head.", "Wait for it to finish, or cancel it."
            )
        if self._child is not None and not self._child.is_alive():
            self._drop()
        is_warm = self._child is not None
        if self._child is None:
            self._child = Child(self._command, self._env)
        job = next(self._jobs)
        message = Message(kind, job, data, arrays)
        self._child.send(message)
        self._job, self._submitted, self._cancel_asked = job, time.monotonic(), None
        self._unheard = message if is_warm else None
        return job

    def cancel(self, job: int) -> None:
        """Ask to end this job; `poll` reports Cancelled at the latest after the grace period. Others: no effect."""
        if job == self._job and self._child is not None and self._cancel_asked is None:
            self._cancel_asked = time.monotonic()
            self._child.send(Message("cancel", job))

    def poll(self) -> list[Event]:
        """What has happened since the last call, oldest first, without waiting. Each job ends with one last event."""
        if self._child is None:
            return []
        events: list[Event] = []
        for item in self._child.take_items():
            events += self._events_of(item)
            if self._child is None:  # dropped: what else it said does not count
                return events
        return events + self._overdue(self._child)

    def run(
        self,
        request: GenerateRequest,
        samples: NDArray[Any],
        on_progress: Callable[[float, str], None] | None = None,
    ) -> Take:
        """Submit, wait and return the take; raises the DuetError of a job that fails.

        Ctrl-C cancels the job and raises KeyboardInterrupt once it has ended; a second one kills the worker.
        """
        return self._waited(self.submit(request, samples), Result, on_progress).take

    def run_binding(self, request: BindRequest) -> Binding:
        """The same for a binding."""
        return self._waited(self.submit_binding(request), Bound).binding

    def _waited(self, job: int, wanted: type[Done], on_progress: Callable[[float, str], None] | None = None) -> Done:
        try:
            return self._wait(wanted, on_progress)
        except KeyboardInterrupt:
            self._wait_cancelled(job)
            raise
        except BaseException:
            if self.busy:  # on_progress failed: nobody waits for the job any more
                self._drop()
            raise

    def close(self) -> None:
        """End the process; a running job is forgotten. The next submit starts a new one."""
        self._job = self._cancel_asked = self._unheard = None
        if self._child is not None:
            self._child.end()
            self._child = None

    def _wait(self, wanted: type[Done], on_progress: Callable[[float, str], None] | None) -> Done:
        while True:
            for event in self.poll():
                if isinstance(event, wanted):
                    return event
                match event:
                    case Progress() if on_progress is not None:
                        on_progress(event.fraction, event.stage)
                    case Failed():
                        raise _noted(event)
                    case Cancelled():
                        raise CancelledError("The job was cancelled.")
            time.sleep(_POLL_INTERVAL)

    def _wait_cancelled(self, job: int) -> None:
        try:
            self.cancel(job)
            while self.busy:
                self.poll()
                time.sleep(_POLL_INTERVAL)
        except KeyboardInterrupt:
            self._drop()

    def _drop(self) -> None:
        """Kill the process and forget it and its job."""
        self._job = self._cancel_asked = self._unheard = None
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _events_of(self, item: Message | ProtocolError | Ended) -> list[Event]:
        if isinstance(item, Ended):
            if self._unheard is not None and self._cancel_asked is None:
                return self._once_more(self._unheard)
            kind = WorkerError if self._is_ready or item.code < 0 else StartError
            return self._fail(kind(f"Duet's worker process ended with {item.cause}.", _DIED), item)
        if isinstance(item, ProtocolError):
            return self._fail(item)
        try:
            return self._events_of_message(item)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            return self._fail(ProtocolError(f"The worker's '{item.type}' message is wrong: {error!r}."))

    def _once_more(self, message: Message) -> list[Event]:
        """Give the job to a new process: the warm one was dying when it came, which shows only later."""
        self._unheard, self._submitted = None, time.monotonic()
        if self._child is not None:
            self._child.kill()
        try:
            self._child = Child(self._command, self._env)
        except WorkerError as error:
            return self._fail(error)
        self._child.send(message)
        return []

    def _events_of_message(self, message: Message) -> list[Event]:
        job, data = message.job, message.data
        if message.type == "hello":
            if data["version"] != VERSION:
                raise ValueError(f"protocol {data['version']} where {VERSION} is due")
            self._is_ready = True
            return [Hello(str(data["engine"]), str(data["device"]), str(data["model_id"]))]
        if message.type == "error" and job is None:  # it could not start
            return self._fail(_error(data), traceback=str(data["traceback"]))
        if message.type not in {"progress", "result", "bound", "error", "cancelled"}:
            raise ValueError("unknown type")
        if job is None or job != self._job:  # of a job that has ended
            return []
        self._unheard = None
        if message.type == "progress":
            fraction = float(data["fraction"])
            return [Progress(job, 0.0 if math.isnan(fraction) else min(max(fraction, 0.0), 1.0), str(data["stage"]))]
        done: Event | None = None
        if message.type == "result":
            done = Result(job, Take.from_message(data, message.arrays))
        elif message.type == "bound":
            done = Bound(job, Binding.from_message(data, message.arrays))
        return [self._end_job(job, done, data)]

    def _end_job(self, job: int, done: Event | None, data: dict[str, Any]) -> Event:
        """The last event of a job that the worker itself has ended. Who cancelled gets no late result."""
        event: Event = Cancelled(job)
        if self._cancel_asked is None and done is not None:
            event = done
        elif self._cancel_asked is None and data:
            event = Failed(job, _error(data), str(data["traceback"]))
        self._job = self._cancel_asked = self._unheard = None
        return event

    def _fail(self, error: DuetError, ended: Ended | None = None, traceback: str = "") -> list[Event]:
        """Kill and forget the process; the last event of its job, if it has one."""
        job, cancelled = self._job, self._cancel_asked is not None
        stderr = ended.stderr if ended else self._child.stderr_end() if self._child else ""
        self._drop()
        if job is None:
            return []
        if cancelled:
            return [Cancelled(job)]
        if isinstance(error, WorkerError) and stderr:
            last = stderr.splitlines()[-_SHOWN_LINES:]
            kind = StartError if isinstance(error, StartError) else WorkerError
            error = kind("\n".join([f"{error.message} It last wrote:", *last]), error.remedy)
        return [Failed(job, error, traceback or stderr)]

    def _overdue(self, child: Child) -> list[Event]:
        """Kill a worker that has not noticed a cancel in time, or has been silent for too long."""
        if self._job is None:
            return []
        now = time.monotonic()
        if self._cancel_asked is not None:
            return self._fail(CancelledError("")) if now - self._cancel_asked > self._grace_period else []
        silence = now - max(self._submitted, child.last_heard)
        if self._silence_limit is None or silence <= self._silence_limit:
            return []
        message = f"Duet's worker process has said nothing for {silence:.0f} s and was ended."
        return self._fail(WorkerError(message, "Try again; on a slow machine, with a shorter recording."))


def _error(data: dict[str, Any]) -> DuetError:
    return error_of_kind(str(data["kind"]), str(data["message"]), str(data["remedy"]))


def _noted(event: Failed) -> DuetError:
    """The error, with the worker's traceback as its note."""
    if event.traceback:
        event.error.add_note(event.traceback)
    return event.error
