"""In the real application: add a head, choose a recording, click Generate, and see it speak.

make gui SCRIPT=tests/gui/three_clicks.py OUT=docs/pictures/panel.png
"""

import shutil
import tempfile
from pathlib import Path

import blender_gui as g
import bpy
from helpers import FIRST, choose_recording

TIMEOUT = 120  # seconds for the worker
BEFORE = 40  # the frame at which Generate is clicked


def main():
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    folder = Path(tempfile.mkdtemp())  # a .blend beside its recording
    shutil.copy(FIRST, folder)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    yield from g.open_sidebar("Duet")
    yield from g.settle()
    yield from g.click("duet.add_head")
    yield from g.settle()
    scene = bpy.context.scene
    head = scene.duet.head
    assert head is not None, "Add Duet Head did nothing"
    yield from choose_recording(folder / FIRST.name)
    scene.duet.emotion, scene.duet.intensity = "happy", 0.6
    scene.frame_set(BEFORE)
    yield from g.settle()
    yield from g.click("duet.generate")
    for _ in range(TIMEOUT * 2):
        yield 0.5
        if head.data.shape_keys.animation_data.action:
            break
    animation = head.data.shape_keys.animation_data
    assert animation and animation.action, "Generate did not finish"
    yield from g.settle()
    curve = max(curves_of(animation), key=lambda curve: max(values_of(curve)) - min(values_of(curve)))
    shown = head.data.shape_keys.path_resolve(curve.data_path)
    assert abs(shown - curve.evaluate(BEFORE)) < 1e-5, "the face waits for the next frame"
    assert scene.sequence_editor.strips[0].sound.filepath.endswith(FIRST.name)
    assert head["Happy"] > 0.5
    head.select_set(False)
    values = values_of(curve)
    scene.frame_set(scene.duet.start_frame + max(range(len(values)), key=lambda n: abs(values[n])))  # wide open
    yield from g.settle()


def curves_of(animation):
    bag = animation.action.layers[0].strips[0].channelbag(animation.action_slot)
    return bag.fcurves


def values_of(curve):
    return [point.co.y for point in curve.keyframe_points]
