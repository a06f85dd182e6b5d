"""A worker that is killed at random moments, over and over: every next job must work, and nothing may be left behind.

`python -m duet.benchmarks.worker_kills --count 1000` takes about a second a kill; `--real` uses the shipped weights in
place of a pipeline that computes nothing.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..inference.arrays import Floats
from ..inference.client.client import Cancelled, Failed, Progress, Result, WorkerClient, worker_command
from ..inference.take import GenerateRequest
from .report import ROOT

FAKE = ROOT / "tests" / "fake_pipeline.py"
_LIMIT = 120.0  # seconds that anything here may take


@dataclass(frozen=True)
class Report:
    """What became of the kills."""

    outcomes: Counter[str]  # of the jobs that were shot at: failed, done before, or cancelled
    stages: Counter[str]  # what the last progress of each said
    left: tuple[str, ...]  # processes, threads, pipes and files that should be gone


def kill_over_and_over(count: int, seed: int, real: bool = False) -> Report:
    """Kill the worker `count` times, each at a random moment of a job, and have the next job done each time.

    Raises RuntimeError where one is not.
    """
    rng, outcomes, stages = random.Random(seed), Counter[str](), Counter[str]()
    open_before = _open_files()
    with tempfile.TemporaryDirectory() as folder:
        command, env = _command(real, folder)
        client = WorkerClient(command, env)
        samples = np.random.default_rng(seed).normal(0, 0.1, 16000).astype(np.float32)
        request = GenerateRequest()
        client.run(request, samples)  # so that files are in memory
        client.close()
        cold, warm = (_seconds_of_a_job(client, request, samples) for _ in range(2))
        for number in range(count):
            is_cold = rng.random() < 0.5  # half of them are shot at while the process starts
            if is_cold:
                client.close()
            outcome, stage = _shot(client, request, samples, rng.uniform(0, cold if is_cold else warm))
            outcomes[outcome] += 1
            stages[stage] += 1
            take = client.run(request, samples)
            if take.frame_count != 30:
                raise RuntimeError(f"after kill {number} a take has {take.frame_count} frames")
        client.close()
        more = _open_files() - open_before
        pipes = [f"{more} open files"] if more > 0 else []
        return Report(outcomes, stages, (*pipes, *_left(Path(folder))))


def _command(real: bool, folder: str) -> tuple[list[str], dict[str, str]]:
    command, env = worker_command(ROOT, engine="numpy")
    if not real:
        command = [sys.executable, "-s", str(FAKE), "--weights", "none"]
    return command, env | {"TMPDIR": folder, "TEMP": folder, "TMP": folder}


def _seconds_of_a_job(client: WorkerClient, request: GenerateRequest, samples: Floats) -> float:
    start = time.monotonic()
    client.run(request, samples)
    return time.monotonic() - start


def _shot(client: WorkerClient, request: GenerateRequest, samples: Floats, delay: float) -> tuple[str, str]:
    """(how the job ended, its last stage) where its process is killed after `delay` seconds."""
    client.submit(request, samples)
    child = client._child
    assert child is not None
    timer = threading.Timer(delay, lambda: child._process.send_signal(signal.SIGKILL))
    timer.start()
    stage, end = "before the first", time.monotonic() + _LIMIT
    while time.monotonic() < end:
        for event in client.poll():
            if isinstance(event, Progress):
                stage = event.stage
            if isinstance(event, (Failed, Result, Cancelled)):
                timer.join()
                return type(event).__name__.lower(), stage
        time.sleep(0.001)
    raise RuntimeError("a job whose worker was killed has never ended")


def _left(folder: Path) -> tuple[str, ...]:
    """What should be gone by now: child processes, threads of the client, files in its folder for such."""
    end = time.monotonic() + 10.0
    while time.monotonic() < end and (_children() or _threads()):
        time.sleep(0.01)
    return (*_children(), *_threads(), *(str(path) for path in folder.rglob("*")))


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("duet_")]


def _children() -> list[str]:
    """Processes that this one has started, also those that have ended and were not waited for (Linux alone)."""
    found = []
    for task in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        found += [f"process {number}" for number in task.read_text().split()]
    return found


def _open_files() -> int:
    """How many files and pipes this process has open (Linux alone)."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def main() -> int:
    """Print what became of the kills; 1 where anything is left."""
    parser = argparse.ArgumentParser(description="Kill the worker over and over.")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--real", action="store_true", help="the shipped weights")
    options = parser.parse_args()
    report = kill_over_and_over(options.count, options.seed, options.real)
    print(f"{options.count} kills; the jobs: {dict(report.outcomes)}; stages: {dict(report.stages)}")
    print(f"left: {', '.join(report.left) or 'nothing'}")
    return 1 if report.left else 0


if __name__ == "__main__":
    sys.exit(main())
