"""How long binding takes and how much memory, as a table: `python -m duet.benchmarks.binding [--levels 0 2]`.

The Duet head is bound to itself, warped, and with each triangle cut in four as often as asked: 0 gives 26,033
vertices, 2 gives 392,423. NumPy alone, as in Blender. Wall time and processor time: the first is what a user waits.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import sys
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..inference.binding.bind import bind
from ..inference.bound import BindRequest
from ..inference.head.blendshapes import load_blendshapes
from ..inference.head.canonical import Head, load_head
from .processes import answer

_STAGES = ("checking the mesh", "looking for the head", "fitting", "laying the head on", "carrying shapes over")
_WARP = (1.15, 1.05, 0.95)


def subdivided(head: Head, level: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(V, 3) metres and (T, 3): the warped head with each triangle in four, `level` times."""
    vertices, triangles = head.vertices.astype(np.float64) * _WARP, head.triangles.astype(np.int64)
    for _ in range(level):
        sides = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
        ends, number = np.unique(sides, axis=0, return_inverse=True)
        ab, bc, ca = (number.reshape(3, -1) + len(vertices)).astype(np.int64)
        a, b, c = triangles.T
        quarters = ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))
        triangles = np.concatenate([np.stack(corners, axis=1) for corners in quarters])
        vertices = np.concatenate([vertices, vertices[ends].mean(axis=1)])
    return vertices, triangles


def measure(level: int) -> dict[str, float]:
    """What binding took: `vertices`, `shapes`, seconds of each stage, `wall` and `processor`, and `peak` in GB."""
    head, shapes = load_head(), load_blendshapes()
    vertices, triangles = subdivided(head, level)
    free = np.full((68, 3), np.nan, np.float32)
    sizes = np.full(len(triangles), 3, np.int32)
    asked = BindRequest(
        "copy",
        vertices.astype(np.float32),
        triangles.ravel().astype(np.int32),
        sizes,
        np.zeros(len(vertices), bool),
        free,
    )
    reports = [(time.perf_counter(), _STAGES[0])]

    def progress(fraction: float, stage: str) -> None:
        reports.append((time.perf_counter(), stage))

    begun, worked = time.perf_counter(), time.process_time()
    binding = bind(head, shapes, asked, progress)
    wall, work = time.perf_counter() - begun, time.process_time() - worked
    reports.append((time.perf_counter(), _STAGES[-1]))
    spent = dict.fromkeys(_STAGES, 0.0)
    for (start, stage), (end, _) in itertools.pairwise(reports):
        spent[stage] += end - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    counts = {"vertices": len(vertices), "shapes": len(binding.names)}
    return counts | spent | {"wall": wall, "processor": work, "peak": peak}


def in_a_process(level: int) -> dict[str, float]:
    """The same in a process of its own, for its memory."""
    return answer([sys.executable, "-m", "duet.benchmarks.binding", "--only", str(level)], dict(os.environ))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure each level in a process of its own, for its memory, and print the table."""
    parser = argparse.ArgumentParser(description="Time and memory of binding.")
    parser.add_argument("--levels", type=int, nargs="+", default=[0, 2])
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.only is not None:
        print(json.dumps(measure(options.only)))
        return
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    print(f"Threads: {threads} of {os.cpu_count()}; load before: {os.getloadavg()[0]:.1f}")
    print(f"| vertices | shapes | {' | '.join(_STAGES[1:])} | wall, s | processor, s | peak, GB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for level in options.levels:
        found = in_a_process(level)
        stages = " | ".join(f"{found[stage]:.1f}" for stage in _STAGES[1:])
        times = f"{found['wall']:.1f} | {found['processor']:.1f} | {found['peak']:.1f}"
        print(f"| {found['vertices']:,} | {found['shapes']} | {stages} | {times} |", flush=True)


if __name__ == "__main__":
    main()
