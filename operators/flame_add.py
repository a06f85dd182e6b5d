"""Add FLAME Head, and FLAME Keys and Bones for a bare FLAME mesh: both from a model file."""

from __future__ import annotations

import bpy

from ..scene.targets import flame_heads, playback, target_settings
from .add_head import visible_collection
from .poll import Undoable


class DUET_OT_flame_add(Undoable, bpy.types.Operator):
    """Add a FLAME head with its keys and bones, from your model file or as the Duet head in FLAME's form"""

    bl_idname = "duet.flame_add"
    bl_label = "Add FLAME Head"

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether objects can be added now."""
        return "" if context.mode == "OBJECT" else "Go back to Object Mode."

    def act(self, context: bpy.types.Context) -> None:
        """Add it at the 3D cursor and choose it as the target."""
        scene = context.scene
        model = target_settings.model_of(scene)
        obj = flame_heads.add_head(model, "FLAME Head", visible_collection(context), context.view_layer)
        obj.parent.location = scene.cursor.location
        target_settings.chosen(scene).obj = obj


class DUET_OT_flame_equip(Undoable, bpy.types.Operator):
    """Give the target, a bare FLAME mesh, the keys, bones and skin weights of the model file"""

    bl_idname = "duet.flame_equip"
    bl_label = "Add FLAME Keys and Bones"

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether a mesh without FLAME's keys is chosen."""
        target = target_settings.target_of(context.scene)
        ready = target is not None and context.mode == "OBJECT" and not flame_heads.is_flame_head(target)
        return "" if ready else "Choose a FLAME mesh without keys as the target, in Object Mode."

    def act(self, context: bpy.types.Context) -> None:
        """Add them."""
        target, model = target_settings.target_of(context.scene), target_settings.model_of(context.scene)
        flame_heads.equip(playback.require_target(target), model, visible_collection(context), context.view_layer)


CLASSES = (DUET_OT_flame_add, DUET_OT_flame_equip)
