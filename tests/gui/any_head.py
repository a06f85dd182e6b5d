"""In the real application: a stranger's head is bound, corrected by hand, bound again, and speaks.

make gui SCRIPT=tests/gui/any_head.py

Pictures of each step are left beside the last one; bound.png is docs/pictures/bind.png.
"""

import blender_gui as g
import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from helpers import FIRST, TITLE, drag, find, look, module, picture, rest, runtime, take, wait_for

NOSE_TIP = 30  # of the 68 landmarks


def stranger():
    """A stylised head, eight times as large, turned a little, with other proportions and no keys."""
    head = module("inference.head.canonical").load_head()
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


def bound_stranger():
    """That head, bound and applied."""
    obj, binding = stranger(), module("scene.binding")
    with g.override():
        bpy.ops.duet.bind_head("INVOKE_DEFAULT")
    yield from wait_for(lambda: not runtime().busy and binding.preview_of(obj) is not None, "the binding")
    with g.override():
        bpy.ops.duet.apply_binding()
    yield from rest()


def open_panel(below):
    """Click the title of the closed panel under a button."""
    x, y = yield from g.find(below)
    yield from g.click((x - 60, y + TITLE))
    yield from rest()


def on_screen(place):
    """Where a place of the scene is in the 3D view, in the mouse's pixels."""
    area = g.view3d()
    region = next(region for region in area.regions if region.type == "WINDOW")
    x, y = location_3d_to_region_2d(region, area.spaces.active.region_3d, place)
    return int(region.x + x), int(g.window().height - 1 - region.y - y)


def corrected(obj, binding):
    """One landmark is moved with the mouse, the scalp is painted out, and both count in the next binding."""
    tip = next(empty for empty in binding.landmarks_of(obj) if empty["duet_landmark"] == NOSE_TIP)
    yield from move(tip)
    place = tip.location.copy()
    yield from picture("landmark")
    yield from g.click((yield from find("duet.bind_mask", parts=(0.83,))))
    assert bpy.context.mode == "PAINT_WEIGHT" and bpy.context.active_object == obj
    yield from paint(obj)
    painted = binding.mask_of(obj)
    assert 10 < painted.sum() < len(painted) / 2, painted.sum()
    yield from picture("mask")
    with g.override():
        bpy.ops.object.mode_set(mode="OBJECT")
    first = binding.preview_of(obj).name
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = tip
    yield from rest()
    yield from g.click("duet.bind_head")
    yield from wait_for(lambda: runtime().busy, "the second binding")
    yield from wait_for(lambda: not runtime().busy and binding.preview_of(obj) is not None, f"another {first}")
    assert (tip.location - place).length < 1e-6 and tip["duet_by_hand"], "a landmark moved by hand stays"
    key = binding.preview_of(obj).data.shape_keys
    rest_shape = np.array([point.co for point in key.reference_key.points])
    for name in ("browInnerUp", "jawOpen"):
        moved = np.array([point.co for point in key.key_blocks[name].points]) - rest_shape
        assert not np.any(moved[painted]), f"{name} moves what was painted out"
        assert np.any(moved[~painted])
    yield from picture("again")


def move(empty):
    """Click the empty, then G, move the mouse, click."""
    x, y = on_screen(empty.matrix_world.translation)
    for _ in range(3):  # the head lies under the mouse as well: each click takes the next
        yield from g.click((x, y))
        if bpy.context.active_object == empty:
            break
    assert bpy.context.active_object == empty, bpy.context.active_object
    before = empty.location.copy()
    yield from g.key("g")
    yield 0.5
    for step in (4, 8, 12):
        g._x("xdotool", "mousemove", x + step, y - step)
        yield 0.3
    g._x("xdotool", "click", 1)
    yield from rest()
    assert (empty.location - before).length > 1e-3, "the mouse moved it"


def paint(obj):
    """A few strokes over the scalp."""
    top = max((obj.matrix_world @ vertex.co for vertex in obj.data.vertices), key=lambda place: place.z)
    x, y = on_screen(top)
    for down in (50, 80):
        yield from drag((x - 60, y + down), 120)


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    obj = stranger()
    look((0.9, 0, 1), 6.0)
    yield from g.open_sidebar("Duet")
    yield from picture("stranger")
    yield from open_panel("duet.add_head")
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
    yield from corrected(obj, binding)
    yield from g.click("duet.apply_binding")
    yield from wait_for(lambda: binding.preview_of(obj) is None and not runtime().busy, "applying")
    scene = bpy.context.scene
    assert scene.duet.head == obj == bpy.context.active_object
    assert "eyeBlinkLeft" in obj.data.shape_keys.key_blocks
    yield from picture("applied")

    scene.duet.audio = str(FIRST)
    scene.duet.emotion, scene.duet.intensity = "happy", 0.5
    yield from rest()
    yield from g.click("duet.generate")
    yield from wait_for(lambda: take() is not None and not runtime().busy, "the take on the stranger")
    scene.frame_set(31)
    yield from picture("speaks")
