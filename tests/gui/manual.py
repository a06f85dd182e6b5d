"""The manual's first pictures, made in the real application, checking each step on the way.

Saving, opening and playing are in a_day.py.

make gui SCRIPT=tests/gui/manual.py OUT=build/played.png
"""

import shutil
import tempfile
from pathlib import Path

import blender_gui as g
import bpy
from helpers import (
    DOCS,
    FIRST,
    TITLE,
    area_of,
    choose_recording,
    drag,
    find,
    head,
    picture,
    point_at,
    rest,
    runtime,
    take,
    wait_for,
)

MARKERS = ["Duet: happy 0.7", "Duet: angry 0.9", "Duet: sad 0.8"]


def manual(name):
    yield from picture(f"manual_{name}", DOCS / "pictures")


def show_markers():
    """Blender draws markers only where the timeline is high enough: move its edge up, and show all frames."""
    for _ in range(4):  # Blender loses the edge where the mouse leaves it by more than a few pixels at a time
        timeline = area_of("DOPESHEET_EDITOR")
        yield from drag((timeline.x + 500, g.window().height - 1 - (timeline.y + timeline.height)), 0, up=30)
    yield from point_at(area_of("DOPESHEET_EDITOR"))
    yield from g.key("Home")
    yield from point_at(g.view3d())


def main():
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    folder = Path(tempfile.mkdtemp())
    shutil.copy(FIRST, folder)
    blend = str(folder / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    yield from g.open_sidebar("Duet")
    yield from rest()

    # three clicks
    yield from g.click("duet.add_head")
    yield from rest()
    assert head() is not None
    yield from choose_recording(folder / FIRST.name)
    yield from manual("ready")
    yield from g.click("duet.generate")
    yield from wait_for(lambda: take() is not None and not runtime().busy, "the first take")
    scene = bpy.context.scene
    scene.frame_end = 80
    scene.frame_set(33)
    head().select_set(False)
    yield from manual("generated")

    # a slider, undo, redo
    before = [curve.driver.expression for curve in head().data.shape_keys.animation_data.drivers]
    take().duet.emotion = "happy"
    bpy.ops.ed.undo_push(message="Feeling")
    yield from rest()
    assert head()["Happy"] > 0.6, head()["Happy"]
    yield from manual("emotion")
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
    scene.frame_set(50)
    x, y = yield from g.find("effort")
    yield from g.click((x - 100, y + TITLE))  # opens Timed Emotions
    yield from rest()
    assert head()["Angry"] > 0.5
    yield from g.click((yield from find("duet.emotion_markers", parts=(0.83, 0.82, 0.84))))
    assert [marker.name for marker in scene.timeline_markers] == MARKERS
    yield from show_markers()
    yield from manual("timed")
    yield from g.click((x - 100, y + TITLE))
