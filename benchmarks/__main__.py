"""All of it in one run: engines by length, the reference of FaceFormer's shape, and what happens in Blender.

    python -m duet.benchmarks [--quick] [--out docs] [--lengths 1 10 60] [--against OTHER_ROOT]

Writes OUT/benchmarks.md and OUT/pictures/benchmarks.png, and prints the tables. Every figure is from a fresh process.
`--against` measures another version's embedded engine too, from its root folder. Takes about five minutes on two
idle cores, `--quick` (1 and 10 seconds of sound, no binding) two. Where there is no bpy, as on a machine
that was lent for its graphics card, what happens in Blender is left out; NumPy, torch, tqdm and matplotlib are enough.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from . import binding, picture, report
from .processes import answer, engine
from .report import RECORDING, ROOT, markdown, recorded

LENGTHS, QUICK = (1.0, 10.0, 60.0, 600.0, 3600.0), (1.0, 10.0)
REFERENCE = (1.0, 10.0)  # FaceFormer's own length is at most 20 s
FPS = 30
IN_BLENDER = importlib.util.find_spec("bpy") is not None


def reference(device: str) -> dict[float, tuple[float, float]]:
    """(seconds, seconds of the processor) by length, of FaceFormer's shape."""
    command = [sys.executable, "-m", "duet.benchmarks.reference", device, *map(str, REFERENCE)]
    return {float(length): (wall, processor) for length, (wall, processor) in answer(command, dict(os.environ)).items()}


def measured(lengths: tuple[float, ...], against: Path | None) -> dict[str, Any]:
    """All numbers: `engines` by their titles, `reference` by device, `blender`."""
    kinds = [("embedded", ROOT, "numpy", "cpu"), ("torch, CPU", ROOT, "torch", "cpu")]
    if torch.cuda.is_available():
        kinds.append((f"torch, {torch.cuda.get_device_name()}", ROOT, "torch", "cuda"))
    if against:
        kinds.append(("embedded, the version before", against.resolve(), "numpy", "cpu"))
    found: dict[str, Any] = {"engines": {}, "reference": {}}
    bar = tqdm(total=len(kinds) * len(lengths) + 3, unit="run")
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder, "samples.npy")
        np.save(samples, recorded(RECORDING))
        for title, root, name, device in kinds:
            found["engines"][title] = []
            for seconds in lengths:
                bar.set_postfix_str(f"{title}, {seconds:g} s")
                found["engines"][title].append(engine(root, name, device, samples, seconds))
                bar.update()
    bar.set_postfix_str("FaceFormer's shape")
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        found["reference"][device] = reference(device)
    bar.update()
    if IN_BLENDER:
        bar.set_postfix_str("Blender")
        found["blender"] = answer([sys.executable, "-m", "duet.benchmarks.blender_run"], dict(os.environ))
    bar.update()
    if IN_BLENDER and lengths == LENGTHS:
        found["binding"] = binding.in_a_process(0)
    bar.close()
    return found


def engine_rows(found: dict[str, Any]) -> list[tuple[str, ...]]:
    """The table of engines."""
    first = ("engine", "sound (s)", "cold: process to result (s)", "warm (s)", "of the processor (s)")
    second = ("times real time", "frames/s at 30", "peak memory (MB)", "of it loaded", "curves (MB)", "load before")
    rows: list[tuple[str, ...]] = [first + second]
    for title, runs in found["engines"].items():
        for run in runs:
            speed = run["seconds"] / run["warm"]
            times = (f"{run['cold']:.2f}", f"{run['warm']:.2f}", f"{run['processor']:.2f}", f"{speed:.1f}")
            memory = (f"{FPS * speed:.0f}", f"{run['peak']:.0f}", f"{run['before']:.0f}", f"{run['curves']:.1f}")
            rows.append((title, f"{run['seconds']:g}", *times, *memory, f"{run['load']:.1f}"))
    for device, taken in found["reference"].items():
        for seconds, (spent, processor) in taken.items():
            speed = seconds / spent
            cells = (f"FaceFormer's shape, {device}", f"{seconds:g}", "", f"{spent:.2f}", f"{processor:.2f}")
            rows.append((*cells, f"{speed:.2f}", f"{FPS * speed:.0f}", "", "", "", ""))
    return rows


def share_rows(found: dict[str, Any]) -> list[tuple[str, ...]]:
    """Where the time goes, for the longest sound of each engine."""
    rows: list[tuple[str, ...]] = [("engine", "sound (s)", "stages")]
    for title, runs in found["engines"].items():
        stages = ", ".join(f"{name} {share:.0%}" for name, share in runs[-1]["shares"].items())
        rows.append((title, f"{runs[-1]['seconds']:g}", stages))
    return rows


def ratio_lines(found: dict[str, Any]) -> list[str]:
    """Ratios within this run, at ten seconds of sound."""
    ten = {title: next(run for run in runs if run["seconds"] == 10.0) for title, runs in found["engines"].items()}
    own, lines = ten["embedded"], []
    others = {f"FaceFormer's shape on {device}": taken[10.0] for device, taken in found["reference"].items()}
    others |= {title: (run["warm"], run["processor"]) for title, run in ten.items() if title != "embedded"}
    for title, (wall, processor) in others.items():
        times = f"{wall / own['warm']:.2f} times as long as the embedded engine"
        lines.append(f"{title}, 10 s: {times}, {processor / own['processor']:.2f} times as long of the processor")
    return lines


def blender_rows(found: dict[str, Any]) -> list[tuple[str, ...]]:
    """The table of Blender."""
    given = found["blender"]
    rows: list[tuple[str, ...]] = [("in Blender", ""), ("click to keys of a 10 s line, cold", f"{given['cold']:.2f} s")]
    rows += [("the same, warm", f"{given['warm']:.2f} s")]
    rows += [("keys written", f"{given['keys']:.0f}, {given['keys a second']:.0f} a second")]
    rows += [
        ("a frame's evaluation, mean and 95th percentile", f"{given['frame']:.1f} ms, {given['frame, 95 %']:.1f} ms")
    ]
    rows += [("the .blend of a line", f"{given['blend']:.1f} MB")]
    if bound := found.get("binding"):
        rows.append((f"binding {bound['vertices']:,.0f} vertices", f"{bound['wall']:.1f} s, {bound['peak']:.1f} GB"))
    return rows


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    parser.add_argument("--lengths", type=float, nargs="+", metavar="SECONDS", help="10 must be among them")
    parser.add_argument("--against", type=Path, metavar="ROOT")
    options = parser.parse_args()
    loads = [report.load()]
    found = measured(tuple(options.lengths or (QUICK if options.quick else LENGTHS)), options.against)
    loads.append(report.load())
    tables = [engine_rows(found), share_rows(found), *([blender_rows(found)] if IN_BLENDER else [])]
    for rows in tables:
        report.print_table(rows)
        print()
    print("\n".join(ratio_lines(found)))
    text = [f"{report.machine()}. Load {loads[0]:.1f} before, {loads[1]:.1f} after."]
    if not torch.cuda.is_available():
        text.append("There was no graphics card: the torch engine on one is not measured.")
    text += [] if IN_BLENDER else ["There was no Blender: what happens in it is not measured."]
    text += [markdown(rows) for rows in tables]
    text.append("\n".join(f"- {line}" for line in ratio_lines(found)))
    page = options.out / "benchmarks.md"
    known = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(known[: known.index(_MARK) + len(_MARK)] + "\n" + "\n\n".join(text) + "\n", encoding="utf-8")
    picture.draw(found, options.out / "pictures" / "benchmarks.png")


_MARK = "<!-- written by python -m duet.benchmarks -->"


if __name__ == "__main__":
    main()
