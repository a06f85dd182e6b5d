"""In the real application: what hides a face greys Generate or is lifted, an own action plays on, parts have a tick.

make gui SCRIPT=tests/gui/in_the_way.py OUT=build/in_the_way/end.png
"""

import blender_gui as g
import bpy
import numpy as np
from helpers import FIRST, TITLE, head, look, module, picture, rest, runtime, take, wait_for

OPEN = 31  # a frame at which the mouth is open


def smiles():
    """An action of the animator's, as the I key makes it: object and keys share it."""
    block = head().data.shape_keys.key_blocks["mouthSmileLeft"]
    for frame, value in ((40, 0.0), (60, 1.0)):
        block.value = value
        block.keyframe_insert("value", frame=frame)
    head().keyframe_insert("location", frame=1)


def smile_at(*frames):
    found = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        found.append(round(head().data.shape_keys.key_blocks["mouthSmileLeft"].value, 3))
    return found


def face(obj, frame):
    bpy.context.scene.frame_set(frame)
    mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    out = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", out)
    return out


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    scene = bpy.context.scene
    yield from g.open_sidebar("Duet")
    yield from g.click("duet.add_head")
    yield from wait_for(lambda: scene.duet.head is not None, "the Duet head")
    scene.duet.audio = str(FIRST)
    smiles()
    before = smile_at(1, 40, 50, 60, 90)
    head().show_only_shape_key = True
    scene.duet.clear_way = False
    look((0, 0, 0.15), 0.8)
    yield from picture("refused")
    assert not bpy.ops.duet.generate.poll()
    assert "is pinned" in module("operators.generate").DUET_OT_generate.why_not(bpy.context)
    scene.duet.clear_way = True
    bpy.ops.ed.undo_push(message="Pin a shape key")
    yield from rest()
    yield from g.click("duet.generate")
    yield from wait_for(lambda: take() is not None and not runtime().busy, "the take")
    assert not head().show_only_shape_key
    assert smile_at(1, 40, 50, 60, 90) == before, (smile_at(1, 40, 50, 60, 90), before)
    assert np.abs(face(head(), OPEN) - face(head(), 1)).max() > 1e-3
    assert [scene.name for scene in bpy.data.scenes] == [bpy.context.scene.name]
    yield from picture("lifted")
    bpy.ops.ed.undo()
    yield from rest()
    assert bpy.context.scene.duet.head.show_only_shape_key  # one undo takes all of it back
    yield from parts()


def parts():
    """A stranger with an eye and teeth of their own, which the panel lists."""
    shape = module("inference.head.canonical").load_head()
    names = {"Stranger": "skin", "Teeth": "lower_teeth", "Left Eye": "left_eye"}
    for name, region in names.items():
        rows = shape.regions[region]
        place = np.full(len(shape.vertices), -1)
        place[rows] = np.arange(len(rows))
        faces = [place[polygon].tolist() for polygon in shape.polygons if (place[polygon] >= 0).all()]
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata((shape.vertices[rows] + [0.5, 0, 0]).tolist(), [], faces)
        obj = bpy.data.objects.new(name, mesh)
        bpy.context.scene.collection.objects.link(obj)
    obj = bpy.data.objects["Stranger"]
    bpy.context.view_layer.objects.active = obj
    obj.select_set(True)
    x, y = yield from g.find("duet.add_head")
    yield from g.click((x - 60, y + 2 * TITLE))
    yield from picture("parts")
    yield from g.click("duet.tick_part")
    yield from picture("unticked")
    module_ = module("scene.head.parts")
    ticks = [module_.is_ticked(obj, bpy.data.objects[name]) for name in ("Teeth", "Left Eye")]
    assert ticks.count(False) == 1, ticks
