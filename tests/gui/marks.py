"""The manual's picture of marks, made in the real application: the list, the lane, a closure dragged, undone, redone.

make gui SCRIPT=tests/gui/marks.py OUT=build/gui/marks.png
"""

import shutil
import tempfile
from pathlib import Path

import blender_gui as g
import bpy
from helpers import DOCS, FIRST, TITLE, area_of, drag, look, module, picture, point_at, press, rest, take

CLOSED = 28  # pixels of a closed panel
WORDS = "he was not an ill disposed young man"


def rows():
    return take().duet.mark_rows


def closure():
    """The first closure: the p of 'disposed'."""
    return min((row for row in rows() if row.kind == "closed"), key=lambda row: row.seconds)


def frame_of(row):
    return module("scene.take.mark_rows").frame_of(bpy.context.scene, take(), row)


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


def open_alone(place):
    """Open the panel whose title is there, and close the others."""
    g.tool("xdotool", "mousemove", *place)
    yield 0.3
    g.tool("xdotool", "keydown", "ctrl")
    yield 0.3
    g.tool("xdotool", "click", 1)
    yield 0.5
    g.tool("xdotool", "keyup", "ctrl")
    yield from rest()


def higher_timeline():
    """Markers are drawn where the timeline is high enough: move its edge up, and show all frames."""
    for _ in range(4):
        timeline = area_of("DOPESHEET_EDITOR")
        yield from drag((timeline.x + 500, g.window().height - 1 - (timeline.y + timeline.height)), 0, up=30)
    yield from point_at(area_of("DOPESHEET_EDITOR"))
    yield from g.key("Home")
    yield from rest()


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    folder = Path(tempfile.mkdtemp())
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    shutil.copy(FIRST, folder / "line.wav")
    (folder / "line.txt").write_text(WORDS, encoding="utf-8")
    yield from g.open_sidebar("Duet")
    scene = bpy.context.scene
    with g.override():
        bpy.ops.duet.add_head()
        scene.duet.audio = "//line.wav"
        bpy.ops.duet.generate()
    scene.frame_end = 72
    scene.duet.head.select_set(False)
    assert take().duet.text == WORDS
    bpy.ops.ed.undo_push(message="A line")
    yield from rest()
    x, y = yield from g.find("duet.generate")
    title = (x - 100, y - TITLE - 5)
    yield from open_alone(title)
    yield from g.click(title)  # now all are closed: Head, Audio, Performance follow
    yield from g.click((x - 100, title[1] + 3 * CLOSED))
    yield from rest()
    x, y = yield from g.find("seed")
    yield from g.click((x - 100, y + TITLE))  # opens Marks
    _, y = yield from g.find("blinks")
    yield from g.click((x - 100, y - TITLE + 4))  # closes Life
    yield from higher_timeline()
    look((0.0, 0.0, 0.21), 0.75)
    yield from g.click("duet.show_marks")
    yield from rest()
    assert len(scene.timeline_markers) == sum(row.on_timeline for row in rows()) > 8

    # A closure is dragged by some frames, and the mouth with it; one undo takes it back.
    before, number = lips(), closure().number
    others = {row.number: row.seconds for row in rows() if row.number != number}
    frame = frame_of(closure())
    timeline = area_of("DOPESHEET_EDITOR")
    x, y = marker_place(timeline, frame)
    to, _ = marker_place(timeline, frame + 3)
    yield from drag((x, y), to - x)
    yield from rest()
    row = next(row for row in rows() if row.number == number)
    there = frame_of(row)
    assert frame + 1 <= there <= frame + 4, (frame, there)  # a drag begins after a few pixels
    assert {row.number: row.seconds for row in rows() if row.number != number} == others
    after = lips()
    assert min(after[frame - 3 : there + 3]) == after[there - 1] < before[there - 1], (before, after)
    scene.frame_set(there)
    yield from picture("manual_marks", DOCS / "pictures")
    yield from press("ctrl+z")
    yield from rest()
    assert lips() == before and not take().duet.marks, take().duet.marks
    yield from press("ctrl+shift+z")
    yield from rest()
    assert lips() == after, take().duet.marks

    # Added at the current frame. What else the buttons do, and the file keeps, is in tests/scene/take/test_marks.py.
    bpy.context.scene.frame_set(20)  # after an undo Blender has another scene
    yield from g.click("duet.add_mark")
    assert "+" in take().duet.marks
