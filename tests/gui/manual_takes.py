"""The manual's pictures of takes, made in the real application: cancelled with Esc, then another take by mouse.

make gui SCRIPT=tests/gui/manual_takes.py OUT=docs/pictures/manual_takes.png
"""

import shutil
import tempfile
from pathlib import Path

import blender_gui as g
import bpy
from helpers import (
    CLOSED,
    DOCS,
    FIRST,
    SECOND,
    TITLE,
    picture,
    point_at,
    repeated,
    rest,
    runtime,
    scroll_up,
    take,
    takes,
    to_the_end,
    wait_for,
)


def manual(name):
    yield from picture(f"manual_{name}", DOCS / "pictures")


def count():
    return len(takes())


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    folder = Path(tempfile.mkdtemp())
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    shutil.copy(FIRST, folder / "sc010 dashwood.wav")
    shutil.copy(SECOND, folder / "sc020 dashwood.wav")
    shutil.move(repeated(SECOND, 60), folder / "sc030 all.wav")
    yield from g.open_sidebar("Duet")
    scene = bpy.context.scene
    with g.override():
        bpy.ops.duet.add_head()
        scene.duet.audio, scene.duet.emotion = "//sc010 dashwood.wav", "happy"
        bpy.ops.duet.generate()
    assert count() == 1
    scene.duet.head.select_set(False)
    names = {action.name for action in bpy.data.actions}
    bpy.ops.ed.undo_push(message="First take")

    scene.duet.audio = "//sc030 all.wav"
    yield from rest()
    x, y = yield from g.find("duet.generate")
    yield from g.click((x, y))
    yield from wait_for(lambda: runtime().busy and runtime().fraction > 0.02 and runtime().job, "a long job")
    yield from manual("progress")
    yield from g.key("Escape")
    yield from wait_for(lambda: not runtime().busy, "the end of the job")
    assert {action.name for action in bpy.data.actions} == names

    scene.duet.audio = "//sc020 dashwood.wav"
    yield from rest()
    yield from g.click((x, y))
    yield from wait_for(lambda: count() == 2 and not runtime().busy, "the second take")
    scene.frame_end = 150
    take().duet.emotion = "sad"
    scene.frame_set(60)
    yield from to_the_end()
    yield from scroll_up(8)
    x, y = yield from g.find("emotion")
    title = x - 100, y - TITLE - CLOSED
    yield from point_at(g.view3d())
    yield from g.click(title)  # opens Performance, above Emotion
    yield from point_at(g.view3d())
    yield from manual("performance")
    yield from g.click(title)
    yield from to_the_end()
    yield from scroll_up(4)  # the list of takes, and what is said of them
    yield from point_at(g.view3d())
