"""The worker process: reads jobs from stdin, computes takes, writes them to what was stdout.

Started by `client.worker_command` as `python -s -m inference.worker`, never imported by anything else. It ends when
its stdin closes, so that it cannot outlive Blender. Stray prints, also those of C code, go to stderr.
"""

from __future__ import annotations

import argparse
import io
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from .arrays import Floats
from .binding.bind import bind
from .bound import Binding, BindRequest
from .errors import CancelledError, DuetError, WorkerError
from .head.blendshapes import load_blendshapes
from .head.canonical import load_head
from .protocol import VERSION, Message, ProtocolError, encode, read_message, write_buffers
from .take import GenerateRequest, Take

_PROGRESS_INTERVAL = 0.05  # seconds between two progress messages of one stage
EXIT_WEIGHTS, EXIT_PROTOCOL = 2, 3


class Generator(Protocol):
    """What the worker needs of `pipeline.Pipeline`."""

    engine: str
    device: str
    model_id: str

    def generate(self, samples: Floats, request: GenerateRequest, progress: Callable[[float, str], None]) -> Take:
        """A take from samples of shape (N,), float32, mono, 16 kHz; calls `progress` between chunks."""
        ...


def main(argv: Sequence[str] | None = None) -> int:
    """Serve jobs until stdin closes; the exit code says why it ended otherwise."""
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the client decides
    source, sink = _take_over_streams()
    outbox = _Outbox(sink)
    inbox = _Inbox(source)
    threading.Thread(target=inbox.read_forever, name="duet-stdin", daemon=True).start()
    try:
        from .engine.pipeline import Pipeline

        pipeline = Pipeline(options.weights, engine=options.engine, device=options.device)
    except Exception as error:
        outbox.error(None, error)
        return EXIT_WEIGHTS
    outbox.send(
        "hello",
        None,
        {"version": VERSION, "engine": pipeline.engine, "device": pipeline.device, "model_id": pipeline.model_id},
    )
    while True:
        _serve(pipeline, options.weights, inbox.jobs.get(), inbox, outbox)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="inference.worker", description="Duet's worker process.")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--engine", choices=("auto", "numpy", "torch"), default="auto")
    parser.add_argument("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto")
    return parser


def _take_over_streams() -> tuple[io.BufferedReader, io.BufferedWriter]:
    """Keep the pipe's two ends for messages; point fd 0 at nothing and fd 1 at stderr for everyone else."""
    source, sink = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(source, os.O_BINARY)
        msvcrt.setmode(sink, os.O_BINARY)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(source, "rb"), os.fdopen(sink, "wb")


class _Inbox:
    """Reads stdin in its own thread, so that a cancel is seen while a job is computed."""

    def __init__(self, source: io.BufferedReader) -> None:
        self.jobs: queue.Queue[Message] = queue.Queue()
        self._source = source
        self._cancelled: set[int | None] = set()  # written by one thread, read by another: set operations are atomic

    def read_forever(self) -> None:
        """Sort messages until the client is gone, then end the process, whatever it is computing."""
        try:
            while (message := read_message(self._source)) is not None and message.type != "quit":
                if message.type == "cancel":
                    self._cancelled.add(message.job)
                elif message.type in {"generate", "bind"}:
                    self.jobs.put(message)
        except (ProtocolError, OSError) as error:
            print(f"The client sent no message: {error}", file=sys.stderr, flush=True)
            os._exit(EXIT_PROTOCOL)
        os._exit(0)

    def is_cancelled(self, job: int | None) -> bool:
        """Whether the client has asked to cancel this job."""
        return job in self._cancelled


class _Outbox:
    """Writes messages; a client that is gone ends the process through stdin."""

    def __init__(self, sink: io.BufferedWriter) -> None:
        self._sink = sink

    def send(self, kind: str, job: int | None, data: dict[str, Any], arrays: dict[str, Any] | None = None) -> None:
        """Write one message."""
        write_buffers(self._sink, encode(Message(kind, job, data, arrays or {})))

    def error(self, job: int | None, error: Exception) -> None:
        """Report a failure with its traceback; what is not a DuetError becomes one."""
        known = error if isinstance(error, DuetError) else _unforeseen(error)
        text = "".join(traceback.format_exception(error))
        data = {"kind": known.kind, "message": known.message, "remedy": known.remedy, "traceback": text[-20000:]}
        self.send("error", job, data)


def _unforeseen(error: Exception) -> DuetError:
    if isinstance(error, MemoryError):
        return WorkerError("There is not enough memory for this job.", "Close other programs, or give it less.")
    message = f"The worker failed with {type(error).__name__}: {error}."
    return WorkerError(message, "Please report it together with the traceback.")


def _bind(weights: Path, message: Message, progress: Callable[[float, str], None]) -> Binding:
    """The binding that a message asks for."""
    head, shapes = load_head(weights / "head.safetensors"), load_blendshapes(weights / "fusion.safetensors")
    return bind(head, shapes, BindRequest.from_message(message.data, message.arrays), progress)


def _serve(pipeline: Generator, weights: Path, message: Message, inbox: _Inbox, outbox: _Outbox) -> None:
    """Compute one job and answer with exactly one of result, bound, error and cancelled."""
    job = message.job
    try:
        if message.type == "bind":
            outbox.send("bound", job, *_bind(weights, message, _progress(job, inbox, outbox)).to_message())
            return
        request = GenerateRequest.from_json(message.data["request"])
        take = pipeline.generate(message.arrays["samples"], request, _progress(job, inbox, outbox))
        outbox.send("result", job, *take.to_message())
    except CancelledError:
        outbox.send("cancelled", job, {})
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:
        outbox.error(job, error)


def _progress(job: int | None, inbox: _Inbox, outbox: _Outbox) -> Callable[[float, str], None]:
    """The callback of a job: tests for cancel each time, writes a message now and then."""
    last_time, last_stage = -1.0, ""

    def report(fraction: float, stage: str) -> None:
        nonlocal last_time, last_stage
        if inbox.is_cancelled(job):
            raise CancelledError("Cancelled.")
        now = time.monotonic()
        if stage != last_stage or now - last_time >= _PROGRESS_INTERVAL:
            last_time, last_stage = now, stage
            outbox.send("progress", job, {"fraction": float(fraction), "stage": stage})

    report(0.0, "starting")
    return report


if __name__ == "__main__":
    sys.exit(main())
