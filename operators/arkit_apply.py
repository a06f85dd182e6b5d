"""Apply to ARKit Head: what the Duet head plays, on any head with ARKit's shapes."""

from __future__ import annotations

import bpy

from ..inference.errors import DuetError
from ..scene import arkit_heads, properties, target_settings


class DUET_OT_arkit_apply(bpy.types.Operator):
    """Key the target's ARKit shapes so that its face comes nearest to what the Duet head plays"""

    bl_idname = "duet.arkit_apply"
    bl_label = "Apply to ARKit Head"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the target has enough of ARKit's shapes."""
        ready = arkit_heads.is_arkit_head(target_settings.target_of(context.scene))
        if not ready:
            cls.poll_message_set("Choose a mesh with ARKit's shape keys as the target.")
        return ready

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Solve, key, and say how near it is and what was missing."""
        scene = context.scene
        try:
            done = arkit_heads.apply(scene, properties.target_head(scene), target_settings.target_of(scene))
        except DuetError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        where = "on the mesh" if done.on_mesh else "on the Duet head, for the mesh is not bound"
        text = [f"ARKit shapes solved {where}: {done.residual}."]
        if done.missing:
            shown = ", ".join(done.missing[:4]) + ("..." if len(done.missing) > 4 else "")
            text.append(f"{len(done.missing)} missing shapes are made up for by others: {shown}.")
        self.report({"INFO"}, " ".join([*text, *done.notes]))
        return {"FINISHED"}


CLASSES = (DUET_OT_arkit_apply,)
