"""Apply to FLAME Head: what the Duet head plays, as keyed expression keys and bones."""

from __future__ import annotations

import bpy

from ..scene import flame_bake, flame_heads, properties, target_settings, targets
from .runtime import RUNTIME
from .stepped import Stepped, Work, follow


class DUET_OT_flame_apply(Stepped, bpy.types.Operator):
    """Key the target's FLAME expressions, jaw, neck and eyes with what the Duet head plays"""

    bl_idname = "duet.flame_apply"
    bl_label = "Apply to FLAME Head"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the target is a FLAME head."""
        ready = not RUNTIME.busy and flame_heads.is_flame_head(target_settings.target_of(context.scene))
        if not ready:
            cls.poll_message_set("Choose a mesh with FLAME's keys (Exp1..) and bones as the target.")
        return ready

    def work(self, context: bpy.types.Context) -> Work:
        """Fit, key, and say how near it is."""
        scene, RUNTIME.exclusive = context.scene, True
        playing = targets.performance_steps(scene, properties.target_head(scene))
        steps = flame_bake.apply_steps(playing, target_settings.target_of(scene))
        return said((yield from follow(steps, "Fitting FLAME")))


def said(done: flame_bake.Applied) -> str:
    """What came of it, for the user."""
    return " ".join([f"{len(done.motion.expression)} frames on FLAME: {done.residual}.", *done.notes])


CLASSES = (DUET_OT_flame_apply,)
