"""A line in Blender, in a process of its own: from click to keys, keys a second, a frame's evaluation, a file's size.

Without a window, in bpy: the worker is started, computes, and the take is written, as *Generate* does it. A line with
every emotion keyed and with life, so that every driver is live, is then played frame by frame, in a further process
that has one core from its start (threads that wait for each other on one core take of the processor, too); its time is
the processor's own, which a busy machine lengthens least.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import bpy
import numpy as np

from .. import scene as scene_
from ..inference.audio.decode import load_audio
from ..inference.client.client import WorkerClient, worker_command
from ..inference.head.blendshapes import load_blendshapes
from ..inference.head.canonical import load_head
from ..inference.performance.performance import Performance
from ..inference.steps import finish
from ..inference.take import EMOTIONS, GenerateRequest
from ..operators.batch import cli
from ..scene.bake import Recording, apply_steps
from ..scene.blender.compat import channelbag
from ..scene.head import heads
from .processes import answer
from .report import RECORDING, ROOT

SECONDS, FPS, ROUNDS = 10.0, 30, 3


def clicks() -> dict[str, float]:
    """Seconds from a click to keys, cold and warm, and keys written a second."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = FPS
    head = heads.add_head(load_head(), load_blendshapes(), scene.collection, bpy.context.view_layer)
    samples = np.resize(load_audio(RECORDING), int(SECONDS * 16000))
    taken, written = [], 0.0
    began = time.perf_counter()
    client = WorkerClient(*worker_command(ROOT, engine="numpy"))
    try:
        for _ in range(2):
            take = client.run(GenerateRequest(fps=FPS), samples)
            applied = time.perf_counter()
            finish(apply_steps(scene, head, take, Recording(RECORDING, 1), Performance()))
            written = time.perf_counter() - applied
            taken.append(time.perf_counter() - began)
            began = time.perf_counter()
    finally:
        client.close()
    animation = head.data.shape_keys.animation_data
    curves = channelbag(animation.action, animation.action_slot).fcurves
    keys = sum(len(curve.keyframe_points) for curve in curves)
    return {"cold": taken[0], "warm": taken[1], "keys": keys, "keys a second": keys / written}


def line(blend: Path) -> dict[str, float]:
    """Milliseconds a frame of a line, and the size of its file in MB."""
    every = "+".join(f"{emotion}=0.3" for emotion in EMOTIONS[1:])
    track = ";".join([every, *(f"{emotion}=1.0+{every}@{0.8 * n + 0.8:g}" for n, emotion in enumerate(EMOTIONS[1:]))])
    cli.main(["bake", str(RECORDING), "-o", str(blend), "--emotion-track", track, "--life", "--engine", "numpy"])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    frames: dict[str, float] = answer(
        [sys.executable, "-m", "duet.benchmarks.blender_run", str(blend)], dict(os.environ)
    )
    return frames | {"blend": blend.stat().st_size / 1e6}


def played(blend: Path) -> dict[str, float]:
    """Milliseconds a frame, in this process."""
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    scene, rounds = bpy.context.scene, []
    for _ in range(ROUNDS):
        times = []
        for frame in range(scene.frame_start, scene.frame_end + 1):
            began = time.process_time()
            scene.frame_set(frame)
            times.append(1e3 * (time.process_time() - began))
        rounds.append(times)
    best = np.min(rounds, axis=0)
    return {"frame": float(best.mean()), "frame, 95 %": float(np.percentile(best, 95))}


def main() -> None:
    """Print all of it as a line of JSON, the last one; of a file that is given, how long its frames take."""
    scene_.register()
    if len(sys.argv) > 1:
        numbers = played(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            numbers = clicks() | line(Path(folder).resolve() / "line.blend")
    print(f"\n{json.dumps(numbers)}", flush=True)
    os._exit(0)  # Blender's own end as a module may wait for ever


if __name__ == "__main__":
    main()
