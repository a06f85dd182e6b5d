"""A thousand short lines on a local Dask cluster whose workers are killed: every line must be there, correct, once.

    python -m duet.benchmarks.farm [--lines 1000] [--kills 2]

Lines are seconds of the bundled recordings. Some of them are made again, without a cluster, and compared.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import signal
import sys
import tempfile
import threading
import time
import wave
from pathlib import Path

import numpy as np
import psutil

from ..inference.audio.decode import load_audio
from ..operators.batch import cli
from .report import RECORDING

WORKERS, COMPARED, _SECOND = 4, 20, 16000


def dask_workers() -> list[psutil.Process]:
    """Dask's own worker processes, which this process has started."""
    found = []
    for each in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it has died since
            found += [each] if "spawn_main" in " ".join(each.cmdline()) else []
    return found


def kill_some(out: Path, at: list[int], seed: int, killed: list[int], done: threading.Event) -> None:
    """Kill a worker, by chance, each time that so many outputs are there, until `done`."""
    rng = random.Random(seed)
    while not done.wait(0.02) and len(killed) < len(at):
        made = len(list(out.glob("*.npz"))) if out.exists() else 0
        workers = dask_workers()
        if made >= at[len(killed)] and workers:
            victim = rng.choice(workers)
            victim.send_signal(signal.SIGKILL)
            killed.append(victim.pid)


def lines(folder: Path, count: int) -> list[str]:
    """Names of `count` recordings of a second, each of another part of the recording."""
    samples = np.resize((load_audio(RECORDING) * 32767).astype("<i2"), _SECOND + 97 * count)
    names = [f"line{number:04d}" for number in range(count)]
    for number, name in enumerate(names):
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes(samples[97 * number :][:_SECOND].tobytes())
    return names


def main() -> int:
    """Make the lines, kill, compare, print; 0 where all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=16)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    at = sorted(rng.sample(range(options.lines // 10, options.lines * 9 // 10), options.kills))
    with tempfile.TemporaryDirectory() as text:
        folder, killed, done, said = Path(text), list[int](), threading.Event(), io.StringIO()
        names, out = lines(folder, options.lines), folder / "out"
        watcher = threading.Thread(target=kill_some, args=(out, at, options.seed, killed, done))
        watcher.start()
        began = time.perf_counter()
        with contextlib.redirect_stdout(said):
            arguments = ["generate", str(folder), "-o", str(out), "--scheduler", "local", "--jobs", str(WORKERS)]
            code = cli.main([*arguments, "--engine", "numpy"])
        taken = time.perf_counter() - began
        done.set()
        watcher.join()
        printed = sorted(Path(line.split(" -> ")[0]).stem for line in said.getvalue().splitlines()[:-1])
        made = sorted(path.name for path in out.glob("*.npz"))
        wrong = _differing(folder, rng.sample(names, min(COMPARED, len(names))))
        left = sorted(path.name for path in out.iterdir() if path.suffix != ".npz" and path.name != ".duet")
    print(f"{options.lines} lines, {WORKERS} workers, killed when {at} lines were there: {killed}; {taken:.0f} s")
    print(f"exit code {code}; outputs {len(made)}; printed once each: {printed == names}")
    print(f"different from a run without a cluster: {wrong or 'none'} of {COMPARED}; left over: {left or 'nothing'}")
    good = code == 0 and made == [f"{name}.npz" for name in names] and printed == names and not wrong and not left
    return 0 if good and len(killed) == options.kills else 1


def _differing(folder: Path, names: list[str]) -> list[str]:
    again, wrong = folder / "again", []
    with contextlib.redirect_stdout(io.StringIO()):
        cli.main(["generate", *(str(folder / f"{name}.wav") for name in names), "-o", str(again), "--engine", "numpy"])
    for name in names:
        with np.load(folder / "out" / f"{name}.npz") as one, np.load(again / f"{name}.npz") as other:
            same = set(one) == set(other) and all(_equal(one[key], other[key]) for key in one if key != "meta")
        wrong += [] if same else [name]
    return wrong


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    """To the rounding: a process of a cluster has fewer threads, which share a product's rows otherwise."""
    if one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    return one.shape == other.shape and bool(np.allclose(one, other, atol=1e-5))


if __name__ == "__main__":
    sys.exit(main())
