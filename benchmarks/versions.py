"""The embedded engine and another version's, in turn: how many times as fast from samples to weights.

    python -m duet.benchmarks.versions OTHER_ROOT [--lengths 10 60] [--rounds 5]

OTHER_ROOT is the root folder of the other version, a clone at its commit. Each round starts a process of either, one
after the other, so that what else the machine does meets both alike; of a round the ratio counts, of all the median.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from . import report
from .processes import engine
from .report import RECORDING, ROOT, recorded


def rounds(other: Path, seconds: float, count: int, samples: Path) -> tuple[str, ...]:
    """A row: medians of the times, and of the ratios with the least and the largest."""
    pairs = [[engine(root, "numpy", "cpu", samples, seconds) for root in (other, ROOT)] for _ in range(count)]
    cells = [f"{seconds:g}"]
    for kind in ("warm", "processor"):
        before, now = ([pair[i][kind] for pair in pairs] for i in (0, 1))
        ratios = sorted(a / b for a, b in zip(before, now, strict=True))
        cells += [f"{median(before):.2f}", f"{median(now):.2f}"]
        cells.append(f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    before, now = (max(pair[i]["peak"] for pair in pairs) for i in (0, 1))
    return (*cells, f"{before:.0f}", f"{now:.0f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, metavar="OTHER_ROOT")
    parser.add_argument("--lengths", type=float, nargs="+", default=[10.0, 60.0], metavar="SECONDS")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    heading = ["sound (s)"]
    for kind in ("seconds", "of the processor"):
        heading += [f"{kind}, before", "now", "times as fast"]
    table = [(*heading, "peak (MB), before", "now")]
    load = report.load()
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder, "samples.npy")
        np.save(samples, recorded(RECORDING))
        table += [rounds(options.other.resolve(), each, options.rounds, samples) for each in options.lengths]
    print(f"{report.machine()}. Load {load:.1f} before, {report.load():.1f} after.\n\n{report.markdown(table)}")


if __name__ == "__main__":
    main()
