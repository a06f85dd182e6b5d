"""The torch engine's networks alone, by precision, by windows heard together, as they are and compiled.

    python -m duet.benchmarks.networks_torch [cpu|cuda|mps] [--batches 8 1 32] [--out FILE]

Prints, and writes as Markdown, what a window of 13.2 seconds takes, and how far its rig channels are from float32's on
a bundled recording: Duet takes half precision where that is under 1e-3. The first number of windows is tried compiled
as well. Needs torch and NumPy, and not Blender.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from ..inference.audio.mel import SAMPLE_RATE, loud_level, normalised_mel
from ..inference.engine.engine_torch import TorchEngine
from ..inference.engine.models import load_models
from ..inference.engine.windows import CONTEXT, CORE, FRAME_RATE
from .report import RECORDING, ROOT, machine, markdown, recorded

_FRAMES = CORE + 2 * CONTEXT
_RUNS = 5  # of which the median counts
Networks = Callable[[torch.Tensor, torch.Tensor, torch.dtype], torch.Tensor]


def windows(count: int) -> torch.Tensor:
    """Log-mel windows (count, 2 _FRAMES, 80) of the recording, each begun a second after the one before."""
    samples = np.resize(recorded(RECORDING), (count + 14) * SAMPLE_RATE)
    level, rate = loud_level(samples), 2 * FRAME_RATE
    mels = [normalised_mel(samples, i * rate, i * rate + 2 * _FRAMES, level) for i in range(count)]
    return torch.from_numpy(np.stack(mels))


def milliseconds(networks: Networks, mels: torch.Tensor, precision: torch.dtype) -> float:
    """Median time a window takes, from its place in main memory to its channels there."""
    style, taken = torch.zeros(len(mels), dtype=torch.long), []
    for _ in range(_RUNS + 1):  # the first one pays for what is made once
        began = time.perf_counter()
        networks(mels, style, precision).cpu()
        taken.append(time.perf_counter() - began)
    return 1000 * sorted(taken[1:])[_RUNS // 2] / len(mels)


def rows(engine: TorchEngine, batches: list[int]) -> Iterator[tuple[str, ...]]:
    """The table, a row as it is measured; what torch cannot compile here is said in its row."""
    yield "precision", "compiled", "windows", "ms a window", "times real time", "off float32"
    exact: dict[int, torch.Tensor] = {}
    for networks, compiled in ((engine.computed, "no"), (torch.compile(engine.computed), "yes")):
        for precision in (torch.float32, torch.float16, torch.bfloat16):
            for batch in batches if compiled == "no" else batches[:1]:
                mels, style = windows(batch), torch.zeros(batch, dtype=torch.long)
                cells = (str(precision).removeprefix("torch."), compiled, str(batch))
                try:
                    found = networks(mels, style, precision).cpu().clamp(0, 1)
                except Exception as error:  # torch's compilers raise errors of many kinds
                    yield (*cells, f"not possible here: {type(error).__name__}", "", "")
                    continue
                spent = milliseconds(networks, mels, precision)
                off = float((found - exact.setdefault(batch, found)).abs().max())
                yield (*cells, f"{spent:.2f}", f"{1000 * CORE / FRAME_RATE / spent:,.0f}", f"{off:.1e}")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("device", nargs="?", default="cpu")
    parser.add_argument("--batches", type=int, nargs="+", default=[8, 1, 32])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    engine = TorchEngine(load_models(ROOT / "weights"), options.device)
    print(f"{machine()}. The engine takes {engine.precision}.")
    table = []
    with torch.inference_mode():
        for row in rows(engine, options.batches):
            print("  ".join(cell.ljust(16) for cell in row).rstrip(), flush=True)
            table.append(row)
    if options.out:
        options.out.write_text(f"{machine()}.\n\n{markdown(table)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
