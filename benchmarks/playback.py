"""What a frame of playback takes on the Duet head with everything live: `python -m duet.benchmarks.playback`.

A line of ten seconds in which every speech key moves, five emotions and their silence change all the time, and life
blinks, looks and breathes. Processor time of all threads together, as one core would take it: the face's vertices
evaluated, nothing drawn. Once with the emotions' own sliders, once with the whole library on the head.
"""

from __future__ import annotations

import tempfile
import time
import wave
from pathlib import Path

import bpy
import numpy as np

from ..inference.blendshapes import Blendshapes, load_blendshapes
from ..inference.curves import smooth
from ..inference.head import load_head
from ..inference.library import emotion_names
from ..inference.life import Life
from ..inference.take import EMOTIONS, Floats, GenerateRequest, Take
from ..scene import actions, bake, emotions, heads, life, properties, sliders, takes, timing
from .speed import print_table

LIMIT = 8.0  # milliseconds
FPS, SECONDS, FELT = 24.0, 10, 5


def _waves(count: int, scale: float, seed: int) -> Floats:
    """Smooth curves (frames, count) from 0 to `scale` that change all the time."""
    noise = np.random.default_rng(seed).normal(size=(round(FPS * SECONDS), count)).astype(np.float32)
    curves = np.abs(smooth(noise, 3.0))
    return np.asarray(scale * (0.1 + 0.9 * curves / curves.max()), np.float32)


def busy_take(shapes: Blendshapes) -> Take:
    """A take that moves all that it can."""
    count = len(EMOTIONS)
    curves = np.zeros((round(FPS * SECONDS), count), np.float32)
    curves[:, 1 : 1 + FELT] = _waves(FELT, 0.6, 1)
    return Take(
        fps=FPS,
        speech_weights=_waves(len(shapes.speech_names), 0.5, 2),
        expression_weights=shapes.emotion_weights[:count],
        emotion_opening=shapes.emotion_opening[:count],
        emotion_curves=curves,
        silence=np.zeros(len(curves), np.float32),
        arkit=np.zeros((len(curves), 0), np.float32),
        speech_names=shapes.speech_names,
        expression_names=shapes.expression_names,
        emotions=EMOTIONS,
        arkit_names=(),
        model_id="",
        request=GenerateRequest(fps=FPS).to_json(),
    )


def playing(folder: Path) -> bpy.types.Object:
    """A head in a scene that plays it, with life; its silence is open all the time, which no take's is."""
    scene, shapes = bpy.context.scene, load_blendshapes()
    timing.set_scene_fps(scene, FPS)
    head = heads.add_head(load_head(), shapes, scene.collection, bpy.context.view_layer)
    sound = folder / "silence.wav"
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(np.zeros(16000 * SECONDS, "<i2").tobytes())
    bake.apply_take(scene, head, busy_take(shapes), sound, 1)
    action = takes.active(head)
    life.add(head, "Line", takes.read(action), Life(1, 1, 1, 1), 1, FPS)
    actions.remove_curves(actions.ensure_bag(action, head), [sliders.SILENCE_PATH])
    head[sliders.SILENCE] = 1.0
    return head


def frame_times() -> Floats:
    """Milliseconds of the processor (frames,) that each frame of the line takes."""
    scene, found = bpy.context.scene, []
    for frame in range(1, 1 + round(FPS * SECONDS)):
        began = time.process_time()
        scene.frame_set(frame)
        bpy.context.evaluated_depsgraph_get()
        found.append(1000 * (time.process_time() - began))
    return np.array(found[1:], np.float32)


def main() -> None:
    """Measure and print."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    properties.register()
    rows: list[tuple[str, ...]] = [("on the head", "keys", "drivers", "median", "95 %", "")]
    with tempfile.TemporaryDirectory() as folder:
        head = playing(Path(folder))
        key = head.data.shape_keys
        for what in (f"{len(EMOTIONS) - 1} sliders", f"{len(emotion_names()) - 1} sliders"):
            if what != rows[-1][0]:
                times = frame_times()
                most = float(np.percentile(times, 95))
                verdict = "" if most <= LIMIT else f"over {LIMIT:g} ms"
                size = (str(len(key.key_blocks)), str(len(key.animation_data.drivers)))
                rows.append((what, *size, f"{np.median(times):.1f} ms", f"{most:.1f} ms", verdict))
            for name in emotion_names()[len(EMOTIONS) :]:
                emotions.add(head, name)
    print_table(rows)


if __name__ == "__main__":
    main()
