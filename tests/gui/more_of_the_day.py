"""More of a day by mouse and keys in the real application, a picture of each step beside OUT.

A slider moved by hand is kept by the next take; a take is renamed in the list; a Live Link Face file is exported and
imported on the same head; an export of some length is cancelled with Esc.

make gui SCRIPT=tests/gui/more_of_the_day.py OUT=build/more_of_the_day/end.png
"""

import csv
import tempfile
from pathlib import Path

import blender_gui as g
import bpy
from helpers import (
    FIRST,
    choose_file,
    differences,
    find,
    fingerprint,
    head,
    module,
    open_panel,
    picture,
    point_at,
    press,
    repeated,
    rest,
    runtime,
    take,
    takes,
    to_the_end,
    wait_for,
)

NAME = "Line 12 quiet"
TIMES = 12  # of the recording: long enough that its export can be cancelled


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    folder = Path(tempfile.mkdtemp())
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    yield from g.open_sidebar("Duet")
    yield from g.click("duet.add_head")
    bpy.context.scene.duet.audio = str(FIRST)
    yield from rest()
    yield from slider()
    yield from rename()
    yield from live_link(folder)
    yield from cancelled_export(folder)


def generate(count):
    yield from g.click("duet.generate")
    yield from wait_for(lambda: len(takes()) == count and not runtime().busy, f"take {count}")
    yield from rest()


def slider():
    """A slider that is moved and not keyed stays where it is when there is a first take, and another."""
    yield from g.enter((yield from find('["Angry"]')), "0.4")
    for count in (1, 2):
        yield from generate(count)
        assert abs(head()["Angry"] - 0.4) < 1e-5, head()["Angry"]
    yield from picture("01_slider_kept")
    yield from g.enter((yield from find('["Angry"]')), "0")


def rename():
    """A double click on a take's name, as in other lists of Blender."""
    yield from to_the_end()
    old = take().name
    x, y = yield from find("active_take", parts=(0.4,))
    g._x("xdotool", "mousemove", x, y)
    yield 0.3
    g._x("xdotool", "click", "--repeat", 2, "--delay", 80, 1)
    yield 0.5
    yield from picture("02_renaming")
    yield from g.key("ctrl+a")
    yield from g.type_text(NAME)
    yield from g.key("Return")
    yield from picture("03_renamed")
    names = {action.name for action in takes()}
    assert NAME in names and len(names) == 2, names
    assert take().name == NAME, "the take that was clicked plays"
    print("renamed:", old, "->", names, "plays:", take().name, flush=True)


def live_link(folder):
    """What the head does, as a file and back: the same numbers on ARKit's keys; one undo step takes it back."""
    yield from open_panel("Export")
    yield from g.click("duet.export_livelink")
    path = folder / "head.csv"
    yield from choose_file(path, picture("04_export_livelink"))
    yield from wait_for(lambda: path.exists() and not runtime().busy, "the export")
    playing, before = take(), fingerprint()
    yield from g.click("duet.import_livelink")
    yield from choose_file(path, picture("05_import_livelink"))
    key = head().data.shape_keys
    yield from wait_for(lambda: key.animation_data.action != playing and not runtime().busy, "the import")
    yield from picture("06_imported")
    action = key.animation_data.action
    assert action.name == "Live Link head", action.name
    (bag,) = [bag for strip in action.layers[0].strips for bag in strip.channelbags]
    with path.open() as file:
        rows = list(csv.DictReader(file))
    for name in ("JawOpen", "MouthSmileLeft", "EyeBlinkLeft"):
        curve = bag.fcurves.find(f'key_blocks["{name[0].lower()}{name[1:]}"].value')
        assert len(curve.keyframe_points) == len(rows), (name, len(rows))
        off = max(abs(point.co.y - float(row[name])) for point, row in zip(curve.keyframe_points, rows, strict=True))
        assert off < 1e-4, (name, off)
    yield from press("ctrl+z")
    assert take() is not None and not differences(before, fingerprint()), differences(before, fingerprint())
    yield from picture("07_import_undone")


def cancelled_export(folder):
    """Esc while frames are read: no file, no part of one, and the scene is as it was."""
    scene = bpy.context.scene
    scene.duet.audio = str(repeated(FIRST, TIMES))
    with bpy.context.temp_override(window=g.window(), area=g.view3d(), region=g.sidebar()):
        bpy.ops.duet.generate()
    scene.frame_set(40)
    bpy.ops.ed.undo_push(message="Long take")
    yield from to_the_end()
    before, frame, files = fingerprint(), scene.frame_current, sorted(folder.iterdir())
    yield from g.click("duet.export_json")
    yield from choose_file(folder / "long.json", picture("08_export_long"))
    yield from wait_for(lambda: runtime().busy and runtime().fraction > 0.1, "the export at work")
    yield from picture("09_exporting")
    assert runtime().busy, "the export was too short to be cancelled"
    yield from point_at(g.view3d())
    yield from g.key("Escape")
    yield from wait_for(lambda: not runtime().busy, "the end of the export")
    assert sorted(folder.iterdir()) == files, sorted(folder.iterdir())
    assert scene.frame_current == frame, scene.frame_current
    assert not differences(before, fingerprint()), differences(before, fingerprint())
    yield from picture("10_export_cancelled")
    assert module("operators.session").RUNTIME.job is None
