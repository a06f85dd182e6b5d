"""Export for Gaussian Avatars: what the Duet head plays, as a sequence of FLAME coefficients."""

# mypy: disable-error-code="valid-type"

from __future__ import annotations

from pathlib import Path

import bpy

from ..inference.errors import DuetError
from ..inference.gaussian import write_gaussian
from ..scene import flame_bake, flame_heads, properties, target_settings, targets


class DUET_OT_flame_export(bpy.types.Operator):
    """Write what the Duet head plays as FLAME coefficients for GaussianAvatars, on the target or on Duet's own model"""

    bl_idname = "duet.flame_export"
    bl_label = "Export for Gaussian Avatars"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default="*.npz", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file."""
        self.filepath = self.filepath or "take.flame.npz"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Fit, write, and read back what was written."""
        scene, target = context.scene, target_settings.target_of(context.scene)
        path = Path(bpy.path.abspath(self.filepath))
        path = path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")
        try:
            performance = targets.performance_of(scene, properties.target_head(scene))
            if flame_heads.is_flame_head(target):
                flame = flame_heads.flame_head(target)
                model, (motion, residual) = flame.model, flame_bake.motion_of(performance, flame)
            else:
                model = target_settings.model_of(scene)
                motion, residual = flame_bake.motion_on_model(performance, model)
            write_gaussian(path, motion, model)
        except DuetError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"'{path.name}': {len(motion.expression)} frames, {residual}.")
        return {"FINISHED"}


CLASSES = (DUET_OT_flame_export,)
