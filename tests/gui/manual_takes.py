"""The manual's pictures of takes, made in the real application: cancelled with Esc, then another take by mouse.

BLENDER_GUI_BIND=$PWD/examples:$PWD/docs BLENDER_GUI_TIMEOUT=600 blender-gui gui tests/gui/manual_takes.py \\
    docs/pictures/manual_takes.png dist/duet.zip
"""

import os
import sys
import tempfile
import wave
from pathlib import Path

import blender_gui as g
import bpy

EXAMPLES, DOCS = (Path(path) for path in os.environ["BLENDER_GUI_BIND"].split(":")[:2])
FIRST, SECOND = (EXAMPLES / "recordings" / f"sense_and_sensibility_0{n}.wav" for n in (880, 920))
TITLE = 32  # pixels from a value to the title of the panel below
TIMEOUT = 200  # seconds for the worker


def picture(name):
    g.screenshot(str(DOCS / "pictures" / f"manual_{name}.png"))


def wait_for(condition, what):
    for _ in range(TIMEOUT * 5):
        if condition():
            return
        yield 0.2
    raise AssertionError(f"{what} did not happen")


def module(name):
    return next(m for full, m in sys.modules.items() if full.endswith(f"duet.{name}"))


def count():
    return len(module("scene.takes").takes_of(bpy.context.scene.duet.head))


def rest():
    """Let Blender draw."""
    for _ in range(4):
        g.window().screen.areas[0].tag_redraw()
        yield 0.4


def scroll_down():
    area = g.view3d()
    region = next(region for region in area.regions if region.type == "UI")
    with bpy.context.temp_override(window=g.window(), area=area, region=region):
        for _ in range(20):
            bpy.ops.view2d.scroll_down(page=False)


def repeated(path, times):
    """A recording long enough to be cancelled with a key."""
    long = Path(tempfile.mkdtemp(), "long.wav")
    with wave.open(str(path)) as source, wave.open(str(long), "wb") as target:
        target.setparams(source.getparams())
        target.writeframes(source.readframes(source.getnframes()) * times)
    return long


def main():
    runtime = module("operators.runtime").RUNTIME
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    yield from g.open_sidebar("Duet")
    scene = bpy.context.scene
    with g.override():
        bpy.ops.duet.add_head()
        scene.duet.audio, scene.duet.emotion = str(FIRST), "happy"
        bpy.ops.duet.generate()
    assert count() == 1
    scene.duet.head.select_set(False)
    names = {action.name for action in bpy.data.actions}
    bpy.ops.ed.undo_push(message="First take")

    scene.duet.audio = str(repeated(SECOND, 60))
    yield from rest()
    x, y = yield from g.find("duet.generate")
    yield from g.click((x, y))
    yield from wait_for(lambda: runtime.busy and runtime.fraction > 0.02 and runtime.job, "a long job")
    yield from rest()
    picture("progress")
    yield from g.key("Escape")
    yield from wait_for(lambda: not runtime.busy, "the end of the job")
    assert {action.name for action in bpy.data.actions} == names

    scene.duet.audio = str(SECOND)
    yield from rest()
    yield from g.click((x, y))
    yield from wait_for(lambda: count() == 2 and not runtime.busy, "the second take")
    scene.frame_end, take = 150, module("scene.takes").active(scene.duet.head)
    take.duet.emotion = "sad"
    scene.frame_set(60)
    place = yield from g.find("start_frame")
    yield from g.click((place[0] - 100, place[1] + 2 * TITLE - 4))  # opens Performance
    yield from rest()
    picture("performance")
    yield from g.click((place[0] - 100, place[1] + 2 * TITLE - 4))
    scroll_down()
    yield from rest()
