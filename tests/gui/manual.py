"""The manual's first pictures, made in the real application with mouse and keys, checking each step on the way.

BLENDER_GUI_BIND=$PWD/examples:$PWD/docs BLENDER_GUI_TIMEOUT=600 blender-gui gui tests/gui/manual.py \\
    build/played.png dist/duet.zip
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import blender_gui as g
import bpy

EXAMPLES, DOCS = (Path(path) for path in os.environ["BLENDER_GUI_BIND"].split(":")[:2])
PICTURES = DOCS / "pictures"
FIRST = "sense_and_sensibility_0880.wav"
TITLE = 32  # pixels from a value to the title of the panel below
TIMEOUT = 150  # seconds for the worker


def picture(name):
    g.screenshot(str(PICTURES / f"manual_{name}.png"))


def wait_for(condition, what):
    for _ in range(TIMEOUT * 5):
        if condition():
            return
        yield 0.2
    raise AssertionError(f"{what} did not happen")


def module(name):
    return next(m for full, m in sys.modules.items() if full.endswith(f"duet.{name}"))


def head():
    return bpy.context.scene.duet.head


def take():
    return module("scene.takes").active(head())


def rest():
    """Let Blender draw. (Waiting until nothing changes takes long on a busy machine.)"""
    for _ in range(4):
        bpy.context.window_manager.windows[0].screen.areas[0].tag_redraw()
        yield 0.4


def main():
    runtime = module("operators.runtime").RUNTIME
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    folder = Path(tempfile.mkdtemp())
    shutil.copy(EXAMPLES / "recordings" / FIRST, folder)
    blend = str(folder / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    yield from g.open_sidebar("Duet")
    yield from rest()

    # three clicks
    yield from g.click("duet.add_head")
    yield from rest()
    assert head() is not None
    yield from g.enter("audio", f"//{FIRST}")
    yield from rest()
    picture("ready")
    yield from g.click("duet.generate")
    yield from wait_for(lambda: take() is not None and not runtime.busy, "the first take")
    scene = bpy.context.scene
    scene.frame_end = 80
    scene.frame_set(33)
    head().select_set(False)
    yield from rest()
    picture("generated")

    # a slider, undo, redo
    before = [curve.driver.expression for curve in head().data.shape_keys.animation_data.drivers]
    take().duet.emotion = "happy"
    bpy.ops.ed.undo_push(message="Feeling")
    yield from rest()
    assert head()["Happy"] > 0.6, head()["Happy"]
    picture("emotion")
    bpy.ops.ed.undo()
    yield from rest()
    assert take().duet.emotion == "neutral"
    assert [curve.driver.expression for curve in head().data.shape_keys.animation_data.drivers] == before
    bpy.ops.ed.redo()
    yield from rest()
    assert take().duet.emotion == "happy"
    scene = bpy.context.scene

    # timed emotions
    cue = take().duet.cues.add()
    cue.seconds, cue.emotion, cue.intensity = 1.2, "angry", 0.9
    cue = take().duet.cues.add()
    cue.seconds, cue.emotion, cue.intensity, cue.ease = 2.2, "sad", 0.8, 0.8
    bpy.ops.duet.emotion_markers()
    scene.frame_set(50)
    x, y = yield from g.find("intensity")
    yield from g.click((x - 100, y + TITLE))  # opens Timed Emotions
    yield from rest()
    assert head()["Angry"] > 0.5
    picture("timed")
    yield from g.click((x - 100, y + TITLE))

    # save, open, play
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=blend)
    yield 2.0
    scene = bpy.context.scene
    assert len(take().duet.cues) == 2
    with g.override():
        bpy.ops.screen.animation_play()
    yield 1.5
    assert scene.frame_current != 50
    with g.override():
        bpy.ops.screen.animation_cancel(restore_frame=False)
    yield from rest()
