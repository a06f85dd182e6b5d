"""What one frame of playback costs, without drawing: `python -m duet.benchmarks.playback [RECORDING]`.

A line with every emotion keyed and life on, so that every driver is live, is baked and played frame by frame on one
core. Time is the processor's own, which a busy machine does not lengthen.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import bpy
import numpy as np

from ..inference.take import EMOTIONS
from ..operators.batch import cli
from .speed import RECORDING, print_table

LIMIT = 8.0  # milliseconds a frame
ROUNDS = 3


def bake(recording: Path, folder: Path) -> Path:
    """A .blend in which all emotions are keyed one after another and mixed, with life."""
    blend = folder / "playback.blend"
    every = "+".join(f"{emotion}=0.3" for emotion in EMOTIONS[1:])
    track = ";".join([every, *(f"{emotion}=1.0+{every}@{0.8 * n + 0.8:g}" for n, emotion in enumerate(EMOTIONS[1:]))])
    if cli.main(["bake", str(recording), "-o", str(blend), "--emotion-track", track, "--life", "--force"]):
        raise SystemExit("The line could not be baked.")
    return blend


def frame_times(blend: Path) -> np.ndarray:
    """Milliseconds of the processor for each frame, the quickest of some rounds."""
    bpy.ops.wm.open_mainfile(filepath=str(blend.resolve()))
    scene, rounds = bpy.context.scene, []
    for _ in range(ROUNDS):
        times = []
        for frame in range(scene.frame_start, scene.frame_end + 1):
            began = time.process_time()
            scene.frame_set(frame)
            times.append(1e3 * (time.process_time() - began))
        rounds.append(times)
    return np.min(rounds, axis=0)


def main() -> None:
    """Bake, play and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", nargs="?", type=Path, default=RECORDING)
    recording = parser.parse_args().recording
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        times = frame_times(bake(recording, Path(folder)))
    keys = next(obj for obj in bpy.context.scene.objects if obj.type == "MESH").data.shape_keys
    head = ("frames", "shape keys", "drivers", "mean", "95th percentile", "longest", "limit")
    numbers = (times.mean(), np.percentile(times, 95), times.max(), LIMIT)
    drivers = len(keys.animation_data.drivers)
    row = (str(len(times)), str(len(keys.key_blocks)), str(drivers), *(f"{number:.1f} ms" for number in numbers))
    print_table([head, row])


if __name__ == "__main__":
    main()
