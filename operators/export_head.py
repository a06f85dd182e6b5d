"""Export: what the head does as a file for another program, one operator for each kind of file."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import bpy
from bpy_extras.io_utils import ExportHelper

from ..inference.errors import DuetError, HeadError
from ..scene import arkit_keys, export_files, export_sampling, heads, properties

_SPANS = [
    ("TAKE", "Performance", "The frames of the performance that the head plays"),
    ("SCENE", "Scene", "The frames from the scene's start to its end"),
]


def exported(context: bpy.types.Context) -> bpy.types.Object | None:
    """The object that exports and imports concern: the active one where it has a face, else the chosen head."""
    active = context.object
    if heads.is_head(active) or (active is not None and active.select_get() and arkit_keys.find(active)):
        return active
    return properties.target_head(context.scene)


class _Export(ExportHelper):
    """Mixin: a file selector, the frames to export, and errors as Blender shows them."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a head."""
        ready = exported(context) is not None
        if not ready:
            cls.poll_message_set("Choose a Duet head, or select a mesh with ARKit's shape keys.")
        return ready

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Open the file selector, with the head's name beside the open file."""
        head = exported(context)
        if not self.filepath and head is not None:
            self.filepath: str = str(
                Path(bpy.path.abspath("//")) / f"{bpy.path.clean_name(head.name)}{self.filename_ext}"
            )
        return set(super().invoke(context, event))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the file."""
        scene, path = context.scene, Path(bpy.path.abspath(self.filepath))
        context.window_manager.progress_begin(0, 1)
        try:
            obj = exported(context)
            if obj is None:
                raise HeadError("No head is chosen.", "Choose a Duet head, or select a mesh with ARKit's shape keys.")
            take = self.span == "TAKE"
            span = export_sampling.take_span(scene, obj) if take else export_sampling.scene_span(scene)
            export_files.export(scene, obj, path, span, context.window_manager.progress_update)
        except DuetError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        finally:
            context.window_manager.progress_end()
        self.report({"INFO"}, f"'{path}': '{obj.name}', frames {span.start} to {span.end}.")
        return {"FINISHED"}


def _operator(name: str, label: str, suffix: str, patterns: str, description: str) -> type[bpy.types.Operator]:
    """The operator `duet.export_NAME`."""
    properties_ = {
        "filter_glob": bpy.props.StringProperty(default=patterns, options={"HIDDEN"}),
        "span": bpy.props.EnumProperty(
            name="Frames", items=_SPANS, default="TAKE", description="Which frames of the scene go into the file"
        ),
    }
    body = {
        "__doc__": description,
        "__annotations__": properties_,
        "bl_idname": f"duet.export_{name}",
        "bl_label": label,
        "filename_ext": suffix,
    }
    return cast(type[bpy.types.Operator], type(f"DUET_OT_export_{name}", (_Export, bpy.types.Operator), body))


CLASSES = (
    _operator(
        "livelink",
        "Live Link Face (.csv)",
        ".csv",
        "*.csv",
        "Write the 52 ARKit coefficients as Epic's Live Link Face app records them",
    ),
    _operator(
        "json", "ARKit Weights (.json)", ".json", "*.json", "Write the 52 ARKit coefficients of every frame as JSON"
    ),
    _operator(
        "npz",
        "NumPy Arrays (.npz)",
        ".npz",
        "*.npz",
        "Write the blendshapes' weights and the ARKit coefficients as NumPy arrays",
    ),
    _operator(
        "gltf",
        "glTF (.glb)",
        ".glb",
        "*.glb",
        "Write head and armature as glTF: every shape key is a morph target, its weights sampled at every frame",
    ),
    _operator(
        "usd",
        "USD (.usdc, .usda)",
        ".usdc",
        "*.usd;*.usda;*.usdc",
        "Write head and armature as USD: every shape key is a blend shape, its weights sampled at every frame",
    ),
    _operator(
        "alembic",
        "Alembic (.abc)",
        ".abc",
        "*.abc",
        "Write the head's vertices at every frame as Alembic, modifiers included",
    ),
)
