"""What the user chooses for heads that are not Duet's: what a take is applied to, and a FLAME model file."""

# mypy: disable-error-code="valid-type"

from pathlib import Path

import bpy

from ...inference.errors import OutputError
from ...inference.flame.duet import duet_flame
from ...inference.flame.model import FlameModel, load_flame
from ..blender.loose import Group, duet_of
from ..blender.paths import whole
from . import makes


class DuetTarget(bpy.types.PropertyGroup):
    """The choices under Other Heads."""

    obj: bpy.props.PointerProperty(
        name="Target",
        type=bpy.types.Object,
        poll=lambda _, obj: obj.type in ("MESH", "ARMATURE"),
        description="What a take is applied to: a mesh with FLAME's keys and bones or with ARKit's shapes, or an "
        "armature with poses of the face",
    )
    model: bpy.props.StringProperty(
        name="FLAME Model",
        subtype="FILE_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
        description="Your FLAME model: .pkl, .npz or .safetensors. Empty: the Duet head's own, which comes with Duet",
    )


def chosen(scene: bpy.types.Scene) -> Group:
    """What is chosen under Other Heads."""
    return scene.duet_target  # type: ignore[attr-defined]


def target_of(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The head of another make that is chosen under Head, else the target if it is still in the scene, or None."""
    obj = makes.chosen(scene) or chosen(scene).obj
    return obj if obj is not None and scene.objects.get(obj.name) == obj else None


def model_of(scene: bpy.types.Scene) -> FlameModel:
    """The chosen FLAME model, else the Duet head's own; raises WeightsError."""
    path = chosen(scene).model
    return load_flame(whole(path)) if path else duet_flame()


def require_no_input(scene: bpy.types.Scene, path: Path) -> None:
    """Raise OutputError where a file to be written is one that is read: audio, FLAME model, a cache, the .blend."""
    read = [duet_of(scene).audio, chosen(scene).model, bpy.data.filepath, *(c.filepath for c in bpy.data.cache_files)]
    for known in (whole(text) for text in read if text):
        if known.exists() and path.exists() and known.samefile(path):
            raise OutputError(f"'{path}' is read by this scene, and not written over.", "Choose another name.")


def register() -> None:
    """Give every scene the choices."""
    if hasattr(bpy.types.Scene, "duet_target"):
        return
    bpy.utils.register_class(DuetTarget)
    bpy.types.Scene.duet_target = bpy.props.PointerProperty(type=DuetTarget)  # type: ignore[attr-defined]


def unregister() -> None:
    """Take them away."""
    del bpy.types.Scene.duet_target  # type: ignore[attr-defined]
    bpy.utils.unregister_class(DuetTarget)
