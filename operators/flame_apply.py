"""Apply to FLAME Head: what the Duet head plays, as keyed expression keys and bones."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..scene.targets import flame_bake, flame_heads
from .apply_to_target import ApplyToTarget


def said(done: flame_bake.Applied) -> str:
    """What came of it, for the user."""
    return " ".join([f"{len(done.motion.expression)} frames on FLAME: {done.residual}.", *done.notes])


class DUET_OT_flame_apply(ApplyToTarget, bpy.types.Operator):
    """Key the target's FLAME expressions, jaw, neck and eyes with what the Duet head plays"""

    bl_idname = "duet.flame_apply"
    bl_label = "Apply to FLAME Head"
    bl_options = {"UNDO"}

    wanted: ClassVar[str] = "Choose a mesh with FLAME's keys (Exp1..) and bones as the target."
    stage: ClassVar[str] = "Fitting FLAME"
    takes = staticmethod(flame_heads.is_flame_head)
    said = staticmethod(said)

    apply_steps = staticmethod(flame_bake.apply_steps)


CLASSES = (DUET_OT_flame_apply,)
