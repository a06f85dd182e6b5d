"""States in which an object cannot be written to: the one check of every operator that writes."""

from __future__ import annotations

from collections.abc import Container, Iterable

import bpy

from ...inference.errors import HeadError
from .loose import Animated, Kind

_OVERRIDE = "Use Object > Library Override > Make, then pick the override."
_SINGLE = "Use Object > Relations > Make Single User > Object & Data."
_NLA = "Press Tab in the Nonlinear Animation editor to leave it."


def keys_of(obj: bpy.types.Object) -> bpy.types.Key | None:
    """The shape keys of an object; None where it has none, or is no mesh."""
    return obj.data.shape_keys if obj.type == "MESH" else None


def require_writable(obj: bpy.types.Object, shared: bool = False, modes: Container[str] = ("OBJECT",)) -> None:
    """Raise HeadError, naming the reason and a remedy, where a mesh or an armature cannot be animated now.

    Linked data, a mesh that another object shows too, any mode but Object Mode, an armature in Edit Mode (it stands
    still there), and NLA strips in tweak mode, whose action is read-only. With `shared`, a mesh may have many users.
    """
    key = keys_of(obj)
    _require_local((obj, obj.data, key) if obj.type == "MESH" else (obj,), obj.name)
    if not shared and obj.data.users - obj.data.use_fake_user > 1:
        raise HeadError(f"'{obj.name}' shares its mesh with another object.", _SINGLE)
    if obj.mode not in modes:
        raise HeadError(f"'{obj.name}' is in {obj.mode.replace('_', ' ').title()} Mode.", "Go back to Object Mode.")
    rigs = rigs_of(obj)
    for rig in rigs:
        if rig.mode == "EDIT":
            raise HeadError(f"The armature '{rig.name}' is in Edit Mode, where it stands still.", "Leave Edit Mode.")
    for datablock in (obj, key, *rigs):
        require_playable(datablock, obj.name)


def require_playable(datablock: Animated | None, name: str) -> None:
    """Raise HeadError where a strip of the data-block is in tweak mode: Blender lets nobody change its action then."""
    if datablock is not None and datablock.animation_data and datablock.animation_data.use_tweak_mode:
        owner = name if datablock.name == name or isinstance(datablock, bpy.types.Key) else datablock.name
        raise HeadError(f"A strip of '{owner}' is in tweak mode.", _NLA)


def require_here(scene: bpy.types.Scene, obj: bpy.types.Object) -> None:
    """Raise HeadError where the object is not in the scene that is animated."""
    elsewhere = obj.users_scene
    if scene not in elsewhere:
        where = f"the scene '{elsewhere[0].name}'" if elsewhere else "no scene"
        raise HeadError(
            f"'{obj.name}' is in {where}, not in '{scene.name}'.", "Choose a head of the scene that is open."
        )


def bending(obj: bpy.types.Object) -> list[bpy.types.Object]:
    """The armatures of a mesh's modifiers."""
    modifiers: Iterable[Kind] = obj.modifiers
    return [modifier.object for modifier in modifiers if modifier.type == "ARMATURE" and modifier.object]


def rigs_of(obj: bpy.types.Object) -> list[bpy.types.Object]:
    """The armatures that bend or carry a mesh."""
    found = bending(obj)
    if obj.parent is not None and obj.parent.type == "ARMATURE" and obj.parent not in found:
        found.append(obj.parent)
    return found


def _require_local(datablocks: Iterable[Animated | None], name: str) -> None:
    for datablock in datablocks:
        if datablock is not None and datablock.library and not datablock.override_library:
            raise HeadError(f"'{name}' is linked from another file.", _OVERRIDE)
