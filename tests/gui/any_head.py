"""In the real application: a stranger's head is bound, and speaks.

BLENDER_GUI_BIND=$PWD/examples BLENDER_GUI_TIMEOUT=900 blender-gui gui tests/gui/any_head.py build/any_head/end.png \\
    dist/duet.zip

Pictures of each step are left beside the last one; bound.png is docs/pictures/bind.png.
"""

import blender_gui as g
import bpy
import numpy as np
from helpers import FIRST, TITLE, look, module, picture, rest, runtime, take, wait_for


def stranger():
    """A stylised head, eight times as large, turned a little, with other proportions and no keys."""
    head = module("inference.head").load_head()
    skull = head.vertices - np.array([0, -0.03, 0.16], np.float32)
    wide = 1.0 + 2.2 * np.clip(skull[:, 2:], 0, None)  # a large forehead
    vertices = 8 * skull * np.concatenate([1.12 * wide, wide, 0.95 * wide], axis=1)
    mesh = bpy.data.meshes.new("Stranger")
    mesh.from_pydata(vertices.tolist(), [], [polygon.tolist() for polygon in head.polygons])
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    obj = bpy.data.objects.new("Stranger", mesh)
    bpy.context.scene.collection.objects.link(obj)
    obj.rotation_euler.z, obj.location = 0.2, (0, 0, 1)
    bpy.context.view_layer.objects.active = obj
    obj.select_set(True)
    return obj


def open_panel(below):
    """Click the title of the closed panel under a button."""
    x, y = yield from g.find(below)
    yield from g.click((x - 60, y + TITLE))
    yield from rest()


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    obj = stranger()
    look((0.9, 0, 1), 6.0)
    yield from g.open_sidebar("Duet")
    yield from picture("stranger")
    yield from open_panel("duet.head")
    yield from g.click("duet.bind_head")
    binding = module("scene.binding")
    yield from wait_for(lambda: binding.preview_of(obj) is not None and not runtime().busy, "the preview")
    preview = binding.preview_of(obj)
    keys = preview.data.shape_keys.key_blocks
    assert len(binding.landmarks_of(obj)) == 68
    assert obj.data.shape_keys is None, "nothing yet on the head"
    keys["jawOpen"].value = 0.45
    keys["mouthFunnel"].value = 0.3
    yield from picture("bound")
    keys["jawOpen"].value = keys["mouthFunnel"].value = 0.0
    yield from g.click("duet.apply_binding")
    yield from wait_for(lambda: binding.preview_of(obj) is None and not runtime().busy, "applying")
    scene = bpy.context.scene
    assert scene.duet.head == obj
    assert "eyeBlinkLeft" in obj.data.shape_keys.key_blocks
    yield from picture("applied")

    scene.duet.audio = str(FIRST)
    scene.duet.emotion, scene.duet.intensity = "happy", 0.5
    yield from rest()
    yield from g.click("duet.generate")
    yield from wait_for(lambda: take() is not None and not runtime().busy, "the take on the stranger")
    scene.frame_set(31)
    yield from picture("speaks")
