"""Apply to Bone Rig: what the Duet head plays, as keys on the controls that an armature's poses move."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..scene.targets import rig_heads, rig_poses
from .apply_to_target import ApplyToTarget


def said(done: rig_heads.Applied) -> str:
    """What came of it, for the user."""
    text = f"{len(done.poses)} poses solved on the Duet head: {done.residual}."
    return " ".join([text, *done.notes])


class DUET_OT_rig_apply(ApplyToTarget, bpy.types.Operator):
    """Key the controls that the armature's poses move, so that its face comes nearest to what the Duet head plays"""

    bl_idname = "duet.rig_apply"
    bl_label = "Apply to Bone Rig"
    bl_options = {"UNDO"}

    wanted: ClassVar[str] = "Choose an armature with poses of the face (jaw open, lips round, ...) as the target."
    stage: ClassVar[str] = "Solving poses"
    takes = staticmethod(rig_poses.is_rig)
    apply_steps = staticmethod(rig_heads.apply_steps)
    said = staticmethod(said)


CLASSES = (DUET_OT_rig_apply,)
