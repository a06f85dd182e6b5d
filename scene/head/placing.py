"""Where a new head is put: at the 3D cursor, not inside what stands there, and beside heads that do."""

from __future__ import annotations

import bpy
from mathutils import Vector

from . import heads

_ROOM = 4.0  # metres: what is larger is a room or a ground, which a head may well be in
_ASIDE = 1.2  # of a head's width: the room between it and another one
_TOUCH = 1e-4  # metres by which boxes may overlap


def stand_free(obj: bpy.types.Object, root: bpy.types.Object, view_layer: bpy.types.ViewLayer) -> None:
    """Put the head on top of the visible things at its place, beside heads; its bounding box is in none of theirs.

    `root` moves it.
    """
    view_layer.update()
    things = [each for each in view_layer.objects if each.type == "MESH" and each != obj and each.visible_get()]
    boxes = [(*box_of(each), heads.is_head(each)) for each in things]
    boxes = [box for box in boxes if max((box[1] - box[0]).to_tuple()) < _ROOM]
    boxes.sort(key=lambda box: box[1].z)
    low, high = box_of(obj)
    while (hit := next((box for box in boxes if _overlap((low, high), box[:2])), None)) is not None:
        _, top, is_head = hit
        aside = Vector((top.x - low.x + _ASIDE * (high.x - low.x), 0.0, 0.0))
        way = aside if is_head else Vector((0.0, 0.0, top.z - low.z))
        root.location, low, high = root.location + way, low + way, high + way
    view_layer.update()


def _overlap(one: tuple[Vector, Vector], other: tuple[Vector, Vector]) -> bool:
    return all(one[0][n] + _TOUCH < other[1][n] and other[0][n] + _TOUCH < one[1][n] for n in range(3))


def box_of(*objects: bpy.types.Object) -> tuple[Vector, Vector]:
    """The lowest and the highest corner of the bounding boxes of objects, in the world."""
    corners = [obj.matrix_world @ Vector(corner) for obj in objects for corner in obj.bound_box]
    low, high = (Vector([side(axis) for axis in zip(*corners, strict=True)]) for side in (min, max))
    return low, high
