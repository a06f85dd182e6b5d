"""The other meshes of a head's character: teeth, tongue, eyes, lashes, brows, a beard."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np

from ...inference.arrays import Floats
from ...inference.errors import HeadError
from ..blender import states
from ..blender.loose import has
from . import followers, heads

PREVIEW_OF = "duet_preview_of"  # custom property of a binding's preview: the name of its head
_TICK = "duet_tick"  # custom property of a mesh: whether it is to be bound with its head
_SMALL = 0.7  # of a head's size: larger meshes in it, such as hair, are not ticked unless the user does
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
        if obj.type != "MESH" or obj.data == head.data or has(obj, PREVIEW_OF) or heads.is_head(obj):
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


def is_ticked(head: bpy.types.Object, obj: bpy.types.Object) -> bool:
    """Whether a mesh in the head is to be bound with it: as the user has said, else where it is much smaller."""
    return bool(obj.get(_TICK, size_of(obj) < _SMALL * size_of(head)))


def tick(obj: bpy.types.Object, ticked: bool) -> None:
    """Note whether the mesh is to be bound with its head."""
    obj[_TICK] = ticked


def ticked(scene: bpy.types.Scene, head: bpy.types.Object) -> list[bpy.types.Object]:
    """The meshes that are to be bound with the head."""
    return [obj for obj in inside(scene, head) if is_ticked(head, obj)]


def to_bind(scene: bpy.types.Scene, head: bpy.types.Object) -> tuple[list[bpy.types.Object], list[str]]:
    """The meshes to bind with a head, and notes on those that are ticked and cannot be written to."""
    able, notes = [], []
    for obj in ticked(scene, head):
        try:
            states.require_writable(obj)
        except HeadError as error:
            notes.append(f"'{obj.name}' is left out: {error.message} {error.remedy}")
        else:
            able.append(obj)
    return able, notes


def left_behind(scene: bpy.types.Scene, head: bpy.types.Object) -> list[str]:
    """The names of meshes in a bound head that nothing lets follow it: no keys of its, no bone."""
    return [
        obj.name
        for obj in inside(scene, head)
        if followers.head_of(obj) != head and is_ticked(head, obj) and not _is_carried(obj)
    ]


def _is_carried(obj: bpy.types.Object) -> bool:
    return any(modifier.type in ("SURFACE_DEFORM", "MESH_DEFORM", "SHRINKWRAP") for modifier in obj.modifiers)


def size_of(obj: bpy.types.Object) -> float:
    """The longest side of a mesh's box, in the world."""
    low, high = _box(obj)
    return float((high - low).max())


def _box(obj: bpy.types.Object) -> tuple[Floats, Floats]:
    """Lowest and highest corner (3,) of the mesh without keys and modifiers, in the world."""
    world = np.array(obj.matrix_world)
    places = np.array(obj.bound_box) @ world[:3, :3].T + world[:3, 3]
    return places.min(axis=0), places.max(axis=0)
