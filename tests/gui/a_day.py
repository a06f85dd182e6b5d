"""A day with Duet by mouse and keys in the real application, a picture of each step beside OUT.

From an empty profile with the zip installed: add a head, generate, drag an emotion slider, undo, redo, save, open
again, play, cancel in the middle, generate another take, export through the file selector.

make gui SCRIPT=tests/gui/a_day.py OUT=build/a_day/end.png
"""

import json
import shutil
import tempfile
from pathlib import Path

import blender_gui as g
import bpy
from helpers import (
    FIRST,
    SECOND,
    choose_file,
    choose_recording,
    differences,
    drag,
    find,
    fingerprint,
    head,
    open_panel,
    picture,
    point_at,
    press,
    repeated,
    rest,
    runtime,
    take,
    takes,
    wait_for,
)


def playing():
    return bpy.context.screen.is_animation_playing


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    bpy.context.preferences.view.show_splash = False
    folder = Path(tempfile.mkdtemp())
    shutil.copy(FIRST, folder / "first.wav")
    shutil.copy(SECOND, folder / "second.wav")
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    yield from g.open_sidebar("Duet")
    yield from picture("01_installed")

    yield from g.click("duet.add_head")
    assert head() is not None
    yield from picture("02_head")
    yield from choose_recording(folder / "first.wav")
    x, y = yield from g.find("duet.generate")
    yield from g.click((x, y))
    yield from wait_for(lambda: take() is not None and not runtime().busy, "the first take")
    yield from picture("03_generated")

    generated = fingerprint()
    yield from g.enter((yield from find('["Happy"]')), "0.1")
    yield from drag((yield from find('["Happy"]')), 60)
    dragged = head()["Happy"]
    assert dragged > 0.3, dragged
    yield from picture("04_slider")
    yield from press("ctrl+z")
    assert abs(head()["Happy"] - 0.1) < 1e-5, head()["Happy"]
    yield from picture("05_undo_slider")
    yield from press("ctrl+shift+z")
    assert abs(head()["Happy"] - dragged) < 1e-5
    yield from picture("06_redo_slider")
    for _ in range(3):  # the slider twice, and the take
        yield from press("ctrl+z")
    assert take() is None, "undo takes the generation back"
    yield from picture("07_undo_take")
    for _ in range(3):
        yield from press("ctrl+shift+z")
    assert not differences(generated, fingerprint()), differences(generated, fingerprint())

    yield from press("ctrl+s")
    assert not bpy.data.is_dirty
    yield from picture("08_saved")
    yield from press("ctrl+o")
    yield from choose_file(folder / "shot.blend", picture("09_open"))
    yield from wait_for(lambda: head() is not None and take() is not None, "the opened file")
    yield from g.open_sidebar("Duet")
    assert not differences(generated, fingerprint()), differences(generated, fingerprint())
    assert abs(head()["Happy"] - dragged) < 1e-5
    yield from picture("10_opened")

    began = bpy.context.scene.frame_current
    yield from press("space")
    yield from wait_for(lambda: playing() and bpy.context.scene.frame_current > began + 5, "playback")
    yield from picture("11_playing")
    yield from press("space")
    assert not playing()

    bpy.context.scene.duet.audio = str(repeated(FIRST, 120))
    bpy.ops.ed.undo_push(message="Choose a long recording")
    before = fingerprint()
    x, y = yield from g.find("duet.generate")
    yield from g.click((x, y))
    yield from wait_for(lambda: runtime().busy and runtime().job and runtime().fraction > 0.02, "a long job")
    yield from picture("12_at_work")
    yield from press("Escape")
    yield from wait_for(lambda: not runtime().busy, "the end of the job")
    assert not differences(before, fingerprint()), differences(before, fingerprint())
    yield from picture("13_cancelled")

    yield from choose_recording(folder / "second.wav")
    yield from rest()
    yield from g.click("duet.generate")
    yield from wait_for(lambda: len(takes()) == 2 and not runtime().busy, "the second take")
    yield from picture("14_second_take")
    yield from exports(folder)


def exports(folder):
    """The Export panel and its file selectors."""
    yield from open_panel("Export")
    yield from picture("15_export")
    for name, operator in (("head.json", "export_json"), ("head.gltf", "export_gltf")):
        yield from g.click(f"duet.{operator}")
        yield from choose_file(folder / name, picture(f"16_{operator}"))
        # Blender itself corrects the suffix to the format that is chosen, .glb at first.
        made = folder / name.replace(".gltf", ".glb")
        yield from wait_for(lambda made=made: made.exists() and not runtime().busy, f"{name}")
    frames = json.loads((folder / "head.json").read_text())["frames"]
    assert frames > 100, frames
    yield from point_at(g.view3d())
    yield from picture("17_exported")
