"""The demo: a real recording becomes an animated .blend and a preview picture, on the embedded engine.

python -m duet.examples.demo --out demo
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import matplotlib
import numpy as np
from numpy.typing import NDArray

from ..inference.arrays import Floats
from ..inference.audio.decode import load_audio
from ..inference.audio.mel import SAMPLE_RATE
from ..inference.head.canonical import Head, load_head
from ..operators.batch import cli
from ..scene.blender.shape_keys import places_of

RECORDING = Path(__file__).parent / "recordings" / "sense_and_sensibility_0920.wav"
EMOTION = "happy=1.0"
FPS = 30
FACES = 7
FACE_SIZE = (300, 360)  # pixels
CLOSER = 1.6  # than the file's own camera


@dataclass(frozen=True, eq=False)
class Measured:
    """What the .blend does, measured on its evaluated mesh: one entry a frame."""

    frames: NDArray[np.int_]
    gap: Floats  # mm of height between the middles of the inner lips
    width: Floats  # mm between the corners of the mouth


def main() -> int:
    """Bake, open the result again, measure and render it, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    out: Path = parser.parse_args().out
    blend, picture = out / "demo.blend", out / "preview.png"
    out.mkdir(parents=True, exist_ok=True)
    arguments = ["bake", str(RECORDING), "-o", str(blend), "--emotion", EMOTION, "--fps", str(FPS)]
    code = cli.main([*arguments, "--engine", "numpy", "--force"])
    if code:
        return code
    bpy.ops.wm.open_mainfile(filepath=str(blend.resolve()))
    measured = measure(load_head())
    chosen = telling_frames(measured)
    bpy.context.scene.camera.data.lens *= CLOSER
    bpy.context.scene.camera.data.shift_x = -0.04
    faces = [render(int(measured.frames[i]), out / f"frame_{i:04d}.png") for i in chosen]
    draw(measured, chosen, faces, picture)
    for face in faces:
        face.unlink()
    print(f"{blend}\n{picture}")
    return 0


def measure(head: Head) -> Measured:
    """Play the open file and measure the mouth at every frame."""
    scene = bpy.context.scene
    body = next(obj for obj in scene.objects if obj.type == "MESH" and obj.data.shape_keys)
    frames = np.arange(scene.frame_start, scene.frame_end + 1)
    middle = len(head.regions["inner_lip_upper"]) // 2
    upper, lower = (head.regions[f"inner_lip_{side}"][middle] for side in ("upper", "lower"))
    right, left = head.regions["mouth_corners"]
    faces = np.stack([_evaluated(body, int(frame)) for frame in frames]) * 1000
    gap = faces[:, upper, 2] - faces[:, lower, 2]
    return Measured(frames, gap, np.linalg.norm(faces[:, right] - faces[:, left], axis=1))


def _evaluated(body: bpy.types.Object, frame: int) -> Floats:
    bpy.context.scene.frame_set(frame)
    return places_of(body.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.vertices)


def telling_frames(measured: Measured) -> list[int]:
    """One frame from each stretch of the line, by turns where the lips are furthest apart and where they meet."""
    parts = np.array_split(np.arange(len(measured.frames)), FACES)
    return [int(p[(np.argmax if i % 2 == 0 else np.argmin)(measured.gap[p])]) for i, p in enumerate(parts)]


def render(frame: int, path: Path) -> Path:
    """A picture of the open file's head at a frame, through its own camera."""
    scene: Any = bpy.context.scene
    scene.frame_set(frame)
    scene.render.engine, scene.cycles.device, scene.cycles.samples = "CYCLES", "CPU", 24
    scene.cycles.use_denoising = True
    scene.render.resolution_x, scene.render.resolution_y = FACE_SIZE
    scene.render.resolution_percentage = 100
    scene.render.filepath = str(path.resolve())
    bpy.ops.render.render(write_still=True)
    return path


def draw(measured: Measured, chosen: list[int], faces: list[Path], path: Path) -> None:
    """The faces in a row; under them the waveform and the mouth's curves, with a line at each face."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(14, 5.4), dpi=110, layout="constrained")
    rows = figure.add_gridspec(3, len(faces), height_ratios=(3.4, 1, 1.3))
    samples = load_audio(RECORDING)
    for column, (index, face) in enumerate(zip(chosen, faces, strict=True)):
        axes = figure.add_subplot(rows[0, column])
        axes.imshow(plt.imread(face))
        axes.set_title(f"{index / FPS:.2f} s", fontsize=9)
        axes.axis("off")
    wave = figure.add_subplot(rows[1, :])
    wave.plot(np.arange(len(samples)) / SAMPLE_RATE, samples, color="0.35", linewidth=0.4)
    wave.set_ylabel("sound")
    wave.set_yticks([])
    curves = figure.add_subplot(rows[2, :], sharex=wave)
    times = np.arange(len(measured.frames)) / FPS
    curves.plot(times, measured.gap, color="#b3452c", label="lips apart (mm)")
    curves.plot(times, measured.width - measured.width.mean(), color="#2c6fb3", label="mouth width (± mm)")
    curves.legend(loc="upper right", fontsize=8, ncols=2, frameon=False)
    curves.set_xlabel("seconds")
    for axes in (wave, curves):
        axes.spines[["top", "right"]].set_visible(False)
        for index in chosen:
            axes.axvline(index / FPS, color="0.75", linewidth=0.8, zorder=0)
    wave.set_xlim(0, len(samples) / SAMPLE_RATE)
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
