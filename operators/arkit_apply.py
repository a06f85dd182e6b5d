"""Apply to ARKit Head: what the Duet head plays, on any head with ARKit's shapes."""

from __future__ import annotations

import bpy

from ..scene import arkit_heads, properties, target_settings, targets
from .runtime import RUNTIME
from .stepped import Stepped, Work, follow


class DUET_OT_arkit_apply(Stepped, bpy.types.Operator):
    """Key the target's ARKit shapes so that its face comes nearest to what the Duet head plays"""

    bl_idname = "duet.arkit_apply"
    bl_label = "Apply to ARKit Head"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the target has enough of ARKit's shapes."""
        ready = not RUNTIME.busy and arkit_heads.is_arkit_head(target_settings.target_of(context.scene))
        if not ready:
            cls.poll_message_set("Choose a mesh with ARKit's shape keys as the target.")
        return ready

    def work(self, context: bpy.types.Context) -> Work:
        """Solve, key, and say how near it is and what was missing."""
        scene, RUNTIME.exclusive = context.scene, True
        playing = targets.performance_steps(scene, properties.target_head(scene))
        steps = arkit_heads.apply_steps(scene, playing, target_settings.target_of(scene))
        return said((yield from follow(steps, "Solving ARKit shapes")))


def said(done: arkit_heads.Applied) -> str:
    """What came of it, for the user."""
    where = "on the mesh" if done.on_mesh else "on the Duet head, for the mesh is not bound"
    text = [f"ARKit shapes solved {where}: {done.residual}."]
    if done.missing:
        shown = ", ".join(done.missing[:4]) + ("..." if len(done.missing) > 4 else "")
        text.append(f"{len(done.missing)} missing shapes are made up for by others: {shown}.")
    return " ".join([*text, *done.notes])


CLASSES = (DUET_OT_arkit_apply,)
