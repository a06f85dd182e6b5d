"""Peak memory and speed on long recordings, each in a fresh process, as a table.

    python -m duet.benchmarks.long_audio [--minutes 1 10 60] [--recording FILE] [--engine numpy]

What may grow with the recording is the recording itself (3.7 MB a minute) and the curves made of it; both are shown
beside the peak.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from pathlib import Path

import numpy as np

from ..inference.audio.decode import load_audio
from ..inference.engine.pipeline import Pipeline
from ..inference.take import GenerateRequest
from .speed import FPS, RECORDING, ROOT, print_table


def measure(engine: str, recording: Path, minutes: float) -> tuple[float, ...]:
    """Peak resident memory before and after, bytes of samples and of curves (all MB), and seconds taken."""
    samples = np.resize(load_audio(recording), int(minutes * 60 * 16_000))
    pipeline = Pipeline(ROOT / "weights", engine, "auto")
    pipeline.generate(samples[: 16_000 * 5], GenerateRequest(fps=FPS), lambda *_: None)
    before, began = _peak(), time.perf_counter()
    take = pipeline.generate(samples, GenerateRequest(fps=FPS), lambda *_: None)
    curves = sum(array.nbytes for array in take.to_message()[1].values())
    return before, _peak(), samples.nbytes / 1e6, curves / 1e6, time.perf_counter() - began


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def row(engine: str, recording: Path, minutes: float) -> tuple[str, ...]:
    """One length in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        before, after, sound, curves, seconds = pool.apply(measure, (engine, recording, minutes))
    cells = (f"{megabytes:.0f} MB" for megabytes in (sound, curves, before, after, after - before))
    return f"{minutes:g}", *cells, f"{60 * minutes / seconds:.1f} x"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 10.0, 60.0])
    parser.add_argument("--recording", type=Path, default=RECORDING)
    parser.add_argument("--engine", default="numpy", choices=("numpy", "torch"))
    options = parser.parse_args()
    heading = ("minutes", "samples", "curves", "peak after start", "peak after all", "growth", "real time")
    print_table([heading, *(row(options.engine, options.recording, minutes) for minutes in options.minutes)])


if __name__ == "__main__":
    main()
