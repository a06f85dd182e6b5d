"""How long Blender's window stands still while a long take is made, changed and exported, as a table.

    python -m duet.benchmarks.freeze [--minutes 10] [--fps 60] [--recording FILE]

Runs in bpy without a window: each operator's own steps, in turns as its modal operator takes them. A gap is the time
from one turn of the timer to the next, less the timer's own interval: work in the turn, and waiting for threads that
hold Python. Beside it stands the processor time of the longest turn, which a busy machine does not lengthen. Undo step
and first frame are Blender's own, and cannot be split.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import operators
from .. import scene as scene_
from ..inference.audio.decode import load_audio
from ..operators import generate, takes
from ..operators.modal import INTERVAL, Stepped, Work
from ..operators.session import RUNTIME
from ..scene import choice
from ..scene.blender.loose import duet_of
from ..scene.take.takes import active, takes_of
from .report import RECORDING, print_table

LIMIT = 0.2  # seconds that the window may stand still
MOVES = 100


class _Turns(Stepped):
    """An operator's work without its operator."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def gaps(self) -> Iterator[tuple[str, float, float]]:
        """(stage, seconds, seconds of the processor) of each turn until the work is done."""
        RUNTIME.begin()
        try:
            last = time.perf_counter()
            while True:
                time.sleep(INTERVAL)
                stage, used = RUNTIME.stage, time.thread_time()
                try:
                    self._turn()
                    done = False
                except StopIteration:
                    done = True
                now = time.perf_counter()
                yield stage, now - last - INTERVAL, time.thread_time() - used
                last = now
                if done:
                    return
        finally:
            RUNTIME.end()


def rows(name: str, work: Work) -> list[tuple[str, ...]]:
    """A line of the table for each stage."""
    found: dict[str, tuple[float, float, float]] = {}
    for stage, gap, used in _Turns(work).gaps():
        worst, most, total = found.get(stage, (0.0, 0.0, 0.0))
        found[stage] = max(worst, gap), max(most, used), total + gap + INTERVAL
    return [_row(name, stage, *seconds) for stage, seconds in found.items()]


def _row(name: str, stage: str, worst: float, used: float, total: float) -> tuple[str, ...]:
    return name, stage, f"{worst:.2f} s", f"{used:.2f} s", f"{total:.1f} s", "" if worst <= LIMIT else f"over {LIMIT} s"


def once(name: str, stage: str, function: Callable[[], object]) -> tuple[str, ...]:
    """A line for what runs in one piece."""
    began, used = time.perf_counter(), time.thread_time()
    function()
    seconds = time.perf_counter() - began
    return _row(name, stage, seconds, time.thread_time() - used, seconds)


def long_recording(source: Path, minutes: float, target: Path) -> Path:
    """The recording, repeated, as a .wav with 48 kHz and two channels, which is the most work to read."""
    samples = np.resize(np.repeat(load_audio(source), 3), int(minutes * 60 * 48000))
    with wave.open(str(target), "wb") as file:
        file.setparams((2, 2, 48000, 0, "NONE", ""))
        file.writeframes(np.repeat((samples * 32767).astype("<i2"), 2).tobytes())
    return target


@contextmanager
def prepared(options: argparse.Namespace) -> Iterator[bpy.types.Scene]:
    """A scene with a head and the recording chosen."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene_.register()
    operators.register()
    with tempfile.TemporaryDirectory() as folder:
        scene = bpy.context.scene
        scene.render.fps, scene.render.fps_base = round(options.fps), round(options.fps) / options.fps
        bpy.ops.duet.add_head()  # type: ignore[attr-defined]
        duet_of(scene).audio = str(long_recording(options.recording, options.minutes, Path(folder, "long.wav")))
        scene.render.filepath = folder
        yield scene
        RUNTIME.close()
    operators.unregister()
    scene_.unregister()


def measure(scene: bpy.types.Scene) -> list[tuple[str, ...]]:
    """All lines of the table."""
    context, chosen = bpy.context, duet_of(scene)
    table = rows("Generate from Audio", generate.DUET_OT_generate.work(_NOBODY, context))
    table.append(once("", "undo step (Blender)", lambda: bpy.ops.ed.undo_push(message="Generate")))
    table.append(once("", "first frame (Blender)", lambda: scene.frame_set(scene.frame_end // 2)))
    table += live(scene)
    group = choice.performance(scene)
    group.articulation, group.start_frame = 1.1, 11
    table += rows("Update Speech", takes.DUET_OT_update_speech.work(_NOBODY, context))
    group = choice.performance(scene)
    table.append(once("Emotion", "in one piece", lambda: setattr(group, "intensity", 0.9)))
    table.append(once("Life", "in one piece", lambda: setattr(group, "seed", 5)))
    chosen.range_start, chosen.range_end = 2000, 4000
    part: Any = argparse.Namespace(part="RANGE")
    table += rows("Generate Again, range", takes.DUET_OT_regenerate.work(part, context))
    table.append(once("Duplicate Take", "in one piece", bpy.ops.duet.duplicate_take))  # type: ignore[attr-defined]
    table.append(once("Another take", "in one piece", lambda: _play_other(scene)))
    table.append(once("Push to NLA", "in one piece", bpy.ops.duet.push_take))  # type: ignore[attr-defined]
    table.append(once("Another take", "in one piece", lambda: _play_other(scene)))
    table += rows("Plain Keys", takes.DUET_OT_bake_plain.work(_NOBODY, context))
    return table


def live(scene: bpy.types.Scene) -> list[tuple[str, ...]]:
    """What each frame of playback and each move of a slider takes: the face's vertices evaluated, nothing drawn."""
    head, times = choice.target_head(scene), {"one frame": [0.0], "one move of a slider": [0.0]}
    for step in range(MOVES):
        for name, move in (("one frame", scene.frame_set), ("one move of a slider", partial(_slide, head))):
            began = time.perf_counter()
            move(1 + step)
            bpy.context.evaluated_depsgraph_get()
            times[name].append(time.perf_counter() - began)
    return [
        ("Playback", f"{name}, mean of {MOVES}", f"{1000 * np.mean(each[1:]):.0f} ms", "", "", "")
        for name, each in times.items()
    ]


def _slide(head: bpy.types.Object, step: int) -> None:
    head["Happy"] = step / MOVES
    head.update_tag()


_NOBODY: Any = argparse.Namespace()  # in place of the operator


def _play_other(scene: bpy.types.Scene) -> None:
    head = choice.target_head(scene)
    other = next(action for action in takes_of(head) if action != active(head))
    duet_of(scene).active_take = bpy.data.actions.find(other.name)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--fps", type=float, default=60.0)
    parser.add_argument("--recording", type=Path, default=RECORDING)
    options = parser.parse_args()
    with prepared(options) as scene:
        heading = ("action", "stage", "longest gap", "processor", "in all", "")
        print_table([heading, *measure(scene)])


if __name__ == "__main__":
    main()
