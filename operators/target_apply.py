"""Apply to FLAME Head, to ARKit Head, to Bone Rig: what the Duet head plays goes on to the chosen target."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..scene import choice
from ..scene.blender.loose import duet_of
from ..scene.targets import makes, playback, target_settings
from .modal import Stepped, Work, follow
from .poll import Reasoned
from .session import RUNTIME


class _OnTarget(Reasoned, Stepped):
    """Mixin: a subclass says of which make its targets are."""

    make: ClassVar[makes.Make]
    bl_options = {"UNDO"}

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """What to choose as the target, where it is of another make."""
        return "" if cls.make.takes(target_settings.target_of(context.scene)) else cls.make.wanted

    def work(self, context: bpy.types.Context) -> Work:
        """Sample what the Duet head plays, key the target, and say how near it is."""
        scene, RUNTIME.exclusive = context.scene, True
        playing = playback.playback_steps(scene, choice.target_head(scene))
        steps = self.make.apply_steps(scene, playing, target_settings.target_of(scene), duet_of(scene).clear_way)
        return str((yield from follow(steps, self.make.stage)))


class DUET_OT_flame_apply(_OnTarget, bpy.types.Operator):
    """Key the target's FLAME expressions, jaw, neck and eyes with what the Duet head plays"""

    bl_idname = "duet.flame_apply"
    bl_label = "Apply to FLAME Head"
    make = makes.FLAME


class DUET_OT_arkit_apply(_OnTarget, bpy.types.Operator):
    """Key the target's ARKit shapes so that its face comes nearest to what the Duet head plays"""

    bl_idname = "duet.arkit_apply"
    bl_label = "Apply to ARKit Head"
    make = makes.ARKIT


class DUET_OT_rig_apply(_OnTarget, bpy.types.Operator):
    """Key the controls that the armature's poses move, so that its face comes nearest to what the Duet head plays"""

    bl_idname = "duet.rig_apply"
    bl_label = "Apply to Bone Rig"
    make = makes.RIG


CLASSES = (DUET_OT_flame_apply, DUET_OT_arkit_apply, DUET_OT_rig_apply)
