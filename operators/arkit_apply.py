"""Apply to ARKit Head: what the Duet head plays, on any head with ARKit's shapes."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..scene.targets import arkit_heads
from .apply_to_target import ApplyToTarget


def said(done: arkit_heads.Applied) -> str:
    """What came of it, for the user."""
    where = "on the mesh" if done.on_mesh else "on the Duet head, for the mesh is not bound"
    text = [f"ARKit shapes solved {where}: {done.residual}."]
    if done.missing:
        shown = ", ".join(done.missing[:4]) + ("..." if len(done.missing) > 4 else "")
        text.append(f"{len(done.missing)} missing shapes are made up for by others: {shown}.")
    return " ".join([*text, *done.notes])


class DUET_OT_arkit_apply(ApplyToTarget, bpy.types.Operator):
    """Key the target's ARKit shapes so that its face comes nearest to what the Duet head plays"""

    bl_idname = "duet.arkit_apply"
    bl_label = "Apply to ARKit Head"
    bl_options = {"UNDO"}

    wanted: ClassVar[str] = "Choose a mesh with ARKit's shape keys as the target."
    stage: ClassVar[str] = "Solving ARKit shapes"
    takes = staticmethod(arkit_heads.is_arkit_head)
    apply_steps = staticmethod(arkit_heads.apply_steps)
    said = staticmethod(said)


CLASSES = (DUET_OT_arkit_apply,)
