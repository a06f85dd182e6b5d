"""The other meshes of a head's character: teeth, tongue, eyes, lashes, brows, a beard."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np

from ..inference.take import Floats
from . import heads, states

PREVIEW_OF = "duet_preview_of"  # custom property of a binding's preview: the name of its head
_ROOM = 0.05  # of the head's size, by which a part may stand out of it


def around(scene: bpy.types.Scene, head: bpy.types.Object) -> list[bpy.types.Object]:
    """Meshes of the scene that belong to the head's character and stand in the head, or are bound up with it.

    In the head: visible meshes whose middle lies in it and that are no larger. Bound up: of one tree of parents, or
    bent by one armature. No other heads of Duet's, and no previews.
    """
    return [obj for obj in _others(scene, head) if _is_related(head, obj) or is_inside(head, obj)]


def inside(scene: bpy.types.Scene, head: bpy.types.Object) -> list[bpy.types.Object]:
    """Those of the character's meshes that stand in the head."""
    return [obj for obj in around(scene, head) if is_inside(head, obj)]


def _others(scene: bpy.types.Scene, head: bpy.types.Object) -> Iterator[bpy.types.Object]:
    for obj in scene.objects:
        if obj.type != "MESH" or obj.data == head.data or PREVIEW_OF in obj or heads.is_head(obj):
            continue
        yield obj


def _is_related(head: bpy.types.Object, obj: bpy.types.Object) -> bool:
    if _root(obj) == _root(head):
        return True
    return bool(set(states.rigs_of(head)) & set(states.rigs_of(obj)))


def _root(obj: bpy.types.Object) -> bpy.types.Object:
    while obj.parent is not None:
        obj = obj.parent
    return obj


def is_inside(head: bpy.types.Object, obj: bpy.types.Object) -> bool:
    """Whether a visible mesh stands in the head's box, give or take a little."""
    if obj.hide_viewport or not len(obj.data.vertices) or not len(head.data.vertices):
        return False
    low, high = _box(head)
    own_low, own_high = _box(obj)
    room = _ROOM * float((high - low).max())
    middle = (own_low + own_high) / 2
    return bool((middle >= low - room).all() and (middle <= high + room).all()) and bool(
        (own_high - own_low).max() <= (high - low).max() + 2 * room
    )


def _box(obj: bpy.types.Object) -> tuple[Floats, Floats]:
    """Lowest and highest corner (3,) of the mesh without modifiers, in the world."""
    world = np.array(obj.matrix_world)
    key = obj.data.shape_keys
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    (key.reference_key.points if key else obj.data.vertices).foreach_get("co", flat)
    places = flat.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]
    return places.min(axis=0), places.max(axis=0)
