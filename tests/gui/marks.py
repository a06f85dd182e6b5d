"""The manual's picture of marks, made in the real application: the list, the lane, a closure dragged, undone, redone.

make gui SCRIPT=tests/gui/marks.py OUT=build/gui/marks.png
"""

import shutil
import tempfile
from pathlib import Path

import blender_gui as g
import bpy
from helpers import (
    FIRST,
    area_of,
    picture,
    rest,
    take,
    to_the_end,
)

WORDS = "he was not an ill disposed young man"


def rows():
    return take().duet.mark_rows


def closure():
    """The p of 'disposed'."""
    return min((row for row in rows() if row.kind == "closed"), key=lambda row: row.seconds)


def marker_place(area, frame):
    """Where a marker of a frame is on the screen."""
    region = next(region for region in area.regions if region.type == "WINDOW")
    x, _ = region.view2d.view_to_region(frame, 0, clip=False)
    return region.x + x, g.window().height - 1 - (region.y + 12)


def lips():
    """How far the jaw is open at each frame, as the curves have it."""
    bag = take().layers[0].strips[0].channelbags[0]
    curve = next(curve for curve in bag.fcurves if "Speech jaw open" in curve.data_path)
    return [round(curve.evaluate(frame), 4) for frame in range(1, 95)]


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    folder = Path(tempfile.mkdtemp())
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    shutil.copy(FIRST, folder / "line.wav")
    (folder / "line.txt").write_text(WORDS, encoding="utf-8")
    area_of("PROPERTIES").type = "SEQUENCE_EDITOR"
    yield from g.open_sidebar("Duet")
    scene = bpy.context.scene
    with g.override():
        bpy.ops.duet.add_head()
        scene.duet.audio = "//line.wav"
        bpy.ops.duet.generate()
        bpy.ops.duet.show_marks()
    scene.frame_end = 90
    scene.frame_set(52)
    bpy.ops.ed.undo_push(message="Marks")
    assert take().duet.text == WORDS
    yield from rest()
    yield from picture("marks_start")
    yield from to_the_end()
    yield from picture("marks_end")
