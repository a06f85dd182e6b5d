"""Apply to FLAME Head: what the Duet head plays, as keyed expression keys and bones."""

from __future__ import annotations

import bpy

from ..inference.errors import DuetError
from ..scene import flame_bake, flame_heads, properties, target_settings


class DUET_OT_flame_apply(bpy.types.Operator):
    """Key the target's FLAME expressions, jaw, neck and eyes with what the Duet head plays"""

    bl_idname = "duet.flame_apply"
    bl_label = "Apply to FLAME Head"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the target is a FLAME head."""
        ready = flame_heads.is_flame_head(target_settings.target_of(context.scene))
        if not ready:
            cls.poll_message_set("Choose a mesh with FLAME's keys (Exp1..) and bones as the target.")
        return ready

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Fit, key, and say how near it is."""
        scene = context.scene
        try:
            done = flame_bake.apply(scene, properties.target_head(scene), target_settings.target_of(scene))
        except DuetError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        text = f"{len(done.motion.expression)} frames on FLAME: {done.residual}."
        self.report({"INFO"}, " ".join([text, *done.notes]))
        return {"FINISHED"}


CLASSES = (DUET_OT_flame_apply,)
