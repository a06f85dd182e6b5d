"""Heads of another make that the sidebar's field Head can name: FLAME's, ARKit's, and rigs with poses of the face."""

from __future__ import annotations

import bpy

from ..blender.loose import duet_of
from ..head import heads
from . import arkit_heads, flame_heads, rig_poses


def is_other_head(obj: bpy.types.Object | None) -> bool:
    """Whether the object can speak and is no Duet head."""
    if obj is None or heads.is_head(obj):
        return False
    return flame_heads.is_flame_head(obj) or arkit_heads.is_arkit_head(obj) or rig_poses.is_rig(obj)


def chosen(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The head of another make that is chosen under Head, if it is in the scene; else None."""
    obj = duet_of(scene).head
    return obj if is_other_head(obj) and scene.objects.get(obj.name) == obj else None
