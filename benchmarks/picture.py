"""The picture of a run of all benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib


def draw(found: dict[str, Any], path: Path) -> None:
    """Speed and memory over the sound's length, and each engine's stages."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (speed, memory, shares) = plt.subplots(1, 3, figsize=(14, 4), dpi=110, layout="constrained")
    for title, runs in found["engines"].items():
        seconds = [run["seconds"] for run in runs]
        speed.plot(seconds, [run["seconds"] / run["warm"] for run in runs], marker="o", label=title)
        memory.plot(seconds, [run["peak"] for run in runs], marker="o", label=title)
    for device, taken in found["reference"].items():
        speeds = [seconds / spent for seconds, (spent, _) in taken.items()]
        speed.plot(list(taken), speeds, "--s", label=f"FaceFormer's shape, {device}")
    for axes, what in ((speed, "times real time"), (memory, "peak memory (MB)")):
        axes.set_xscale("log")
        axes.set_xlabel("seconds of sound")
        axes.set_ylabel(what)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    speed.set_yscale("log")
    speed.legend(fontsize=8, frameon=False)
    memory.set_ylim(bottom=0)
    titles = list(found["engines"])
    colours: dict[str, Any] = {}
    for row, title in enumerate(titles):
        left = 0.0
        for stage, share in found["engines"][title][-1]["shares"].items():
            drawn = shares.barh(
                row, share, left=left, color=colours.get(stage), label=stage if stage not in colours else None
            )
            colours.setdefault(stage, drawn[0].get_facecolor())
            left += share
    shares.set_yticks(range(len(titles)), titles, fontsize=8)
    shares.set_xlabel("share of the processor's time")
    shares.legend(fontsize=8, ncols=2, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
