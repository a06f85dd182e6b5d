"""Export for Gaussian Avatars: what the Duet head plays, as a sequence of FLAME coefficients."""

# mypy: disable-error-code="valid-type"

from __future__ import annotations

import bpy

from ..inference.flame.gaussian import write_gaussian
from ..scene import choice
from ..scene.blender.paths import whole
from ..scene.targets import flame_bake, flame_heads, playback, target_settings
from .modal import Stepped, Work, follow
from .session import RUNTIME


class DUET_OT_flame_export(Stepped, bpy.types.Operator):
    """Write what the Duet head plays as FLAME coefficients for GaussianAvatars, on the target or on Duet's own model"""

    bl_idname = "duet.flame_export"
    bl_label = "Export for Gaussian Avatars"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", description="The file to write")
    filter_glob: bpy.props.StringProperty(default="*.npz", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file; Blender then executes the operator."""
        self.filepath = self.filepath or "take.flame.npz"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def work(self, context: bpy.types.Context) -> Work:
        """Fit, write, and read back what was written."""
        scene, RUNTIME.exclusive = context.scene, True
        target, path = target_settings.target_of(scene), whole(self.filepath)
        path = path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")
        target_settings.require_no_input(scene, path)
        steps = playback.playback_steps(scene, choice.target_head(scene))
        performance = yield from follow(steps, "Playing the take")
        if flame_heads.is_flame_head(target):
            flame = flame_heads.flame_head(target)
            model, fitting = flame.model, flame_bake.motion_steps(performance, flame)
        else:
            model = target_settings.model_of(scene)
            fitting = flame_bake.motion_on_model_steps(performance, model)
        motion, residual = yield from follow(fitting, "Fitting FLAME")
        write_gaussian(path, motion, model)
        return f"'{path.name}': {len(motion.expression)} frames, {residual}."


CLASSES = (DUET_OT_flame_export,)
