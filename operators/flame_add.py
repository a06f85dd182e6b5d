"""Add FLAME Head, and FLAME Keys and Bones for a bare FLAME mesh: both from a model file."""

from __future__ import annotations

import bpy

from ..inference.errors import DuetError
from ..scene.targets import flame_heads, playback, target_settings
from .add_head import visible_collection


class DUET_OT_flame_add(bpy.types.Operator):
    """Add a FLAME head with its keys and bones, from your model file or as the Duet head in FLAME's form"""

    bl_idname = "duet.flame_add"
    bl_label = "Add FLAME Head"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether objects can be added now."""
        if context.mode != "OBJECT":
            cls.poll_message_set("Go back to Object Mode.")
        return context.mode == "OBJECT"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it at the 3D cursor and choose it as the target."""
        scene = context.scene
        try:
            model = target_settings.model_of(scene)
            obj = flame_heads.add_head(model, "FLAME Head", visible_collection(context), context.view_layer)
        except DuetError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        obj.parent.location = scene.cursor.location
        target_settings.chosen(scene).obj = obj
        return {"FINISHED"}


class DUET_OT_flame_equip(bpy.types.Operator):
    """Give the target, a bare FLAME mesh, the keys, bones and skin weights of the model file"""

    bl_idname = "duet.flame_equip"
    bl_label = "Add FLAME Keys and Bones"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether a mesh without FLAME's keys is chosen."""
        target = target_settings.target_of(context.scene)
        ready = target is not None and context.mode == "OBJECT" and not flame_heads.is_flame_head(target)
        if not ready:
            cls.poll_message_set("Choose a FLAME mesh without keys as the target, in Object Mode.")
        return ready

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add them."""
        scene = context.scene
        try:
            target = playback.require_target(target_settings.target_of(scene))
            flame_heads.equip(target, target_settings.model_of(scene), visible_collection(context), context.view_layer)
        except DuetError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (DUET_OT_flame_add, DUET_OT_flame_equip)
