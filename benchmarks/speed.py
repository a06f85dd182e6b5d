"""Speed and memory of both engines and of the worker, as a table.

    python -m duet.benchmarks.speed [RECORDING] [--seconds 60]

Speed is given as a multiple of real time (seconds of audio animated in one second) and as frames a second at 30 fps.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import time
from pathlib import Path

import numpy as np

from ..inference.audio.decode import load_audio
from ..inference.client.client import WorkerClient, worker_command
from ..inference.take import GenerateRequest

ROOT = Path(__file__).resolve().parents[1]
RECORDING = ROOT / "examples" / "recordings" / "sense_and_sensibility_0870.wav"
RUNS = 3
FPS = 30


def engine_row(engine: str, samples: np.ndarray) -> tuple[str, ...]:
    """One engine in a fresh process: start, speed, peak memory."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        load, runs, memory = pool.apply(_measure, (engine, samples))
    seconds, best = len(samples) / 16000, statistics.median(runs)
    return (
        engine,
        f"{load:.2f} s",
        f"{best:.2f} s",
        f"{seconds / best:.1f} x",
        f"{seconds * FPS / best:.0f}",
        f"{memory:.0f} MB",
    )


def _measure(engine: str, samples: np.ndarray) -> tuple[float, list[float], float]:
    began = time.perf_counter()
    from ..inference.engine.pipeline import Pipeline

    pipeline = Pipeline(ROOT / "weights", engine, "auto")
    load, runs = time.perf_counter() - began, []
    for _ in range(RUNS):
        began = time.perf_counter()
        pipeline.generate(samples, GenerateRequest(fps=FPS), lambda *_: None)
        runs.append(time.perf_counter() - began)
    return load, runs, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def worker_start(engine: str) -> float:
    """Seconds from starting the worker process to its first result on half a second of sound."""
    samples = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    began = time.perf_counter()
    client = WorkerClient(*worker_command(ROOT, engine=engine))
    try:
        client.run(GenerateRequest(), samples)
    finally:
        client.close()
    return time.perf_counter() - began


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Rows of text under their headings, aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", nargs="?", type=Path, default=RECORDING)
    parser.add_argument("--seconds", type=float, default=60.0, help="the recording is repeated or cut to this")
    options = parser.parse_args()
    line = load_audio(options.recording)
    samples = np.resize(line, int(options.seconds * 16000))
    print(f"{options.seconds:g} s of speech at {FPS} fps, {os.cpu_count()} cores, median of {RUNS} runs\n")
    heading = ("engine", "load", "generate", "real time", "frames/s", "peak memory")
    print_table([heading, *(engine_row(engine, samples) for engine in ("numpy", "torch"))])
    print()
    starts = [(engine, f"{worker_start(engine):.2f} s") for engine in ("numpy", "torch")]
    print_table([("worker", "start to first result"), *starts])


if __name__ == "__main__":
    main()
