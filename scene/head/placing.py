"""Where a new head is put: at the 3D cursor, and not inside what stands there."""

from __future__ import annotations

import bpy
from mathutils import Vector

_ROOM = 4.0  # metres: what is larger is a room or a ground, which a head may well be in


def stand_free(obj: bpy.types.Object, root: bpy.types.Object, view_layer: bpy.types.ViewLayer) -> None:
    """Put the head on top of the visible things at its place, its bounding box in none of theirs; `root` moves it."""
    view_layer.update()
    things = [each for each in view_layer.objects if each.type == "MESH" and each != obj and each.visible_get()]
    boxes = [box for box in map(box_of, things) if max((box[1] - box[0]).to_tuple()) < _ROOM]
    low, high = box_of(obj)
    for under, top in sorted(boxes, key=lambda box: box[1].z):
        if all(under[axis] < high[axis] and low[axis] < top[axis] for axis in range(3)):
            lift = Vector((0.0, 0.0, top.z - low.z))
            root.location, low, high = root.location + lift, low + lift, high + lift
    view_layer.update()


def box_of(*objects: bpy.types.Object) -> tuple[Vector, Vector]:
    """The lowest and the highest corner of the bounding boxes of objects, in the world."""
    corners = [obj.matrix_world @ Vector(corner) for obj in objects for corner in obj.bound_box]
    low, high = (Vector([side(axis) for axis in zip(*corners, strict=True)]) for side in (min, max))
    return low, high
