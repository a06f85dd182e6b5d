"""`duet live` on recordings: how near the offline face, how late, how much of a core, and whether it grows.

    python -m duet.benchmarks.live [RECORDING] [--minutes 60]

Look-ahead is tabled against the error of the lips' gap. The last line hears the recording over and over, as fast as it
can be computed. Run it with OPENBLAS_NUM_THREADS=1, as `duet live` does.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np

from ..inference.audio.decode import load_audio
from ..inference.audio.mel import SAMPLE_RATE
from ..inference.engine.pipeline import Pipeline
from ..inference.live.__main__ import WEIGHTS, loaded, parser
from .report import RECORDING, print_table

LOOK_AHEADS = (40, 80, 120, 160, 200)  # ms
_CHUNK = SAMPLE_RATE // 50


def row(samples: np.ndarray, look_ahead: int, offline: np.ndarray, effect: np.ndarray) -> tuple[str, ...]:
    """One look-ahead: r and error of the gap, time from sound to frame beyond the look-ahead, share of a core."""
    listener, face, _ = loaded(parser().parse_args(["-", "--look-ahead", str(look_ahead)]))
    found, late = [], []
    began = time.thread_time()
    for start in range(0, len(samples), _CHUNK):
        at = time.perf_counter()
        heard = listener.hear(samples[start : start + _CHUNK])
        shown = list(face.show(heard))
        if shown:
            late.append(time.perf_counter() - at)
        found.append(heard.channels)
    used = time.thread_time() - began
    found.append(listener.rest().channels)
    gap, wanted = np.concatenate(found)[: len(offline)] @ effect, offline @ effect
    return (
        f"{1000 * listener.look_ahead:.0f}",
        f"{np.corrcoef(gap, wanted)[0, 1]:.3f}",
        f"{1000 * np.sqrt(np.mean((gap - wanted) ** 2)):.2f} of {1000 * np.std(wanted):.2f}",
        f"{1000 * np.percentile(late, 95):.0f}",
        f"{used / (len(samples) / SAMPLE_RATE):.0%}",
    )


def hear_for(minutes: float, samples: np.ndarray) -> tuple[float, float]:
    """MB that the process grew by between the second minute and the end, and seconds a minute of sound took."""
    listener, face, _ = loaded(parser().parse_args(["-"]))
    count = max(2, round(minutes * 60 * SAMPLE_RATE / len(samples)))
    early, began = 0, time.perf_counter()
    for i in range(count):
        for start in range(0, len(samples), _CHUNK):
            for _ in face.show(listener.hear(samples[start : start + _CHUNK])):
                pass
        if (i + 1) * len(samples) <= 120 * SAMPLE_RATE or not early:
            early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - early) / 1024
    return grown, (time.perf_counter() - began) / (count * len(samples) / SAMPLE_RATE / 60)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("recording", nargs="?", type=Path, default=RECORDING)
    options.add_argument("--minutes", type=float, default=60.0, help="of the last line; 0 leaves it out")
    chosen = options.parse_args()
    samples = load_audio(chosen.recording)
    pipeline = Pipeline(WEIGHTS, "numpy", "cpu")
    offline = pipeline.speech_channels(samples, "natural", lambda *_: None)
    parting = pipeline.contact.parting
    third = parting.shape[1] // 3
    effect = parting[:, third : parting.shape[1] - third].mean(axis=1)
    heading = ("look-ahead (ms)", "r of the gap", "error (mm rms)", "95 % of frames within (ms) beyond", "of a core")
    print_table([heading, *(row(samples, ahead, offline, effect) for ahead in LOOK_AHEADS)])
    if chosen.minutes:
        grown, took = hear_for(chosen.minutes, samples)
        print(f"\n{chosen.minutes:g} minutes: grew by {grown:.1f} MB after the second, {took:.1f} s a minute")


if __name__ == "__main__":
    main()
