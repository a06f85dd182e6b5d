"""The head as Alembic, USD or glTF through Blender's own exporters, and as weights in .csv, .json or .npz."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import addon_utils
import bpy
import numpy as np

from ...inference.errors import HeadError, OutputError
from ...inference.formats.exports import prepare_output, write_json_steps, write_npz
from ...inference.formats.livelink import write_livelink_steps
from ...inference.partial_files import partial_of
from ...inference.steps import Steps, finish
from .. import properties
from ..blender import actions, compat, stage, states
from ..blender.paths import for_blender
from ..blender.room import require_room
from ..checks import advice
from ..files import open_file
from ..head import followers, heads
from ..take import takes
from ..targets import arkit_heads
from . import export_checks
from .export_sampling import Span, played_steps, scene_span, take_span
from .gltf_text import embed

_GLTF_ADDON = "io_scene_gltf2"
_LOOKS = 5  # frames at which the motion of an Alembic file is looked at
_LEAST = 1e-5  # of the mesh's units: what moves less is not looked for
NO_LIBRARY = "Use Blender from blender.org or bpy from PyPI, which both have it."


@dataclass(frozen=True)
class _Format:
    """One of Blender's exporters: its name for the user, whether it is there, and how to call it."""

    name: str
    is_built: Callable[[], bool]
    write: Callable[[Path, Span], set[str]]


def export_geometry(scene: bpy.types.Scene, obj: bpy.types.Object, path: Path, span: Span) -> None:
    """Write a head, what follows it and their armatures over the span, in the format of the suffix: one of FORMATS.

    glTF and USD keep every shape key as a target with its weights sampled at every frame, drivers and NLA included,
    and the armature as a skeleton; Alembic has the moving vertices. Time 0 of a .glb is the span's first frame, times
    are exact at any frame rate. Raises OutputError, and leaves the scene as it was.
    """
    path = prepare_output(path)
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise OutputError(f"'{path}' does not end in {', '.join(FORMATS)}.", "Change its name.")
    if not kind.is_built():
        raise OutputError(f"This Blender was built without {kind.name}.", NO_LIBRARY)
    folder = partial_of(path, sign="_")  # a .gltf is written with files beside it
    partial = folder / f"{path.stem}{path.suffix.lower()}"
    meshes = character_of(scene, obj)
    _require_exportable(meshes, path, span)
    for_blender(partial, OutputError)
    if path.suffix.lower() == ".abc":
        require_room(meshes, path, len(span.frames))
    try:
        folder.mkdir(exist_ok=True)
        require_whole = _check_for(scene, meshes, partial, span)
        with _staged(scene, meshes, span):
            done = kind.write(partial, span)
        if "FINISHED" not in done or not partial.exists():
            raise OutputError(f"Blender's {kind.name} exporter did not write '{path}'.", "See its message.")
        require_whole()
        if partial.suffix == ".gltf":
            embed(partial)
        elif partial.suffix != ".glb":
            _put_pictures(folder, path)
        partial.replace(path)
    except (RuntimeError, OSError) as error:
        message = f"Blender's {kind.name} exporter could not write '{path}': {str(error).strip()}"
        raise OutputError(message, "Choose another file or folder.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put_pictures(folder: Path, path: Path) -> None:
    """Put what was written beside a file, USD's textures, beside its place; what lies there already stays."""
    for each in [each for each in folder.rglob("*") if each.is_file() and each.suffix != path.suffix.lower()]:
        place = path.parent / each.relative_to(folder)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            each.replace(place)


def character_of(scene: bpy.types.Scene, obj: bpy.types.Object) -> list[bpy.types.Object]:
    """The head, and the meshes of the scene that speak with it: its followers, and those that play its keys' action."""
    key, played = obj.data.shape_keys, None
    if key is not None:
        played = actions.action_of(key)
    others = [
        other
        for other in scene.objects
        if other.type == "MESH"
        and other != obj
        and (followers.head_of(other) == obj or (played and not heads.is_head(other) and _plays(other, played)))
    ]
    return [obj, *others]


def _plays(obj: bpy.types.Object, action: bpy.types.Action) -> bool:
    key = obj.data.shape_keys
    return key is not None and actions.action_of(key) == action


def _require_exportable(meshes: Sequence[bpy.types.Object], path: Path, span: Span) -> None:
    """Raise HeadError where a mesh stands still in its mode, or Blender would leave frames out."""
    for obj in meshes:
        if obj.mode != "OBJECT":
            message = f"'{obj.name}' is in {obj.mode.replace('_', ' ').title()} Mode, where its face stands still."
            raise HeadError(message, "Go back to Object Mode.")
    if span.start < 0 and path.suffix.lower() != ".abc":
        message = f"The frames {span.start} to {span.end} begin before 0, where Blender's exporters begin."
        raise HeadError(message, "Set the take's Start Frame to 0 or later; .abc, .csv, .json and .npz have them all.")


def _check_for(
    scene: bpy.types.Scene, meshes: Sequence[bpy.types.Object], path: Path, span: Span
) -> Callable[[], None]:
    """What raises OutputError where the file, once written, lacks a mesh, shape keys, frames, or motion."""
    if path.suffix != ".abc":
        keys = {mesh.name_full: export_checks.Keys(_shown_keys(mesh), _moving_frames(mesh, span)) for mesh in meshes}
        return lambda: export_checks.require_keys(scene, path, keys)
    frames = np.unique(np.linspace(span.start, span.end, _LOOKS).round()).tolist()
    with stage.staged(scene, meshes) as apart:
        moved = {mesh.name_full: export_checks.motion(apart, mesh, frames) for mesh in meshes}
    due = {name: way if np.isfinite(way) and way > _LEAST else 0.0 for name, way in moved.items()}
    return lambda: export_checks.require_motion(scene, path, due, span.start, span.end, frames)


def _shown_keys(obj: bpy.types.Object) -> int:
    key = obj.data.shape_keys
    return sum(not block.mute for block in key.key_blocks[1:]) if key else 0


def _moving_frames(obj: bpy.types.Object, span: Span) -> int:
    """How many frames of weights are due in a file: 0 where nothing moves the keys."""
    key = obj.data.shape_keys
    animation = key.animation_data if key else None
    if animation is None or not _shown_keys(obj):
        return 0
    curved = any(bag.fcurves for bag in actions.bags_of(key))
    plays = curved and (animation.action is not None or any(not track.mute for track in animation.nla_tracks))
    return len(span.frames) if plays or len(animation.drivers) else 0


def weights_steps(scene: bpy.types.Scene, obj: bpy.types.Object, path: Path, span: Span) -> Steps[int]:
    """Write what the head does over the span as .csv (Live Link Face), .json or .npz; return the number of frames.

    In steps of a frame; closed before its end, it writes nothing. Raises OutputError, HeadError or WeightsError.
    """
    path, suffix = prepare_output(path), path.suffix.lower()
    if suffix not in WEIGHTS:
        raise OutputError(f"'{path}' does not end in {', '.join(WEIGHTS)}.", "Change its name.")
    played = yield from played_steps(scene, obj, span)
    take = played.take
    if suffix == ".csv":
        yield from write_livelink_steps(path, take)
    elif suffix == ".json":
        yield from write_json_steps(path, take)
    else:
        write_npz(path, take, played.expression, played.opening)
    return take.frame_count


@contextmanager
def _staged(scene: bpy.types.Scene, meshes: Sequence[bpy.types.Object], span: Span) -> Iterator[stage.Stage]:
    """A scene apart of the meshes and their armatures, selected, with the span's frames, for Blender's exporters.

    So nothing that hides or locks them in the user's scene, its collections and layers keeps them out of the file. What
    they hang on is there too, not selected: the exporters begin at what has no parent.
    """
    wanted = dict.fromkeys([*meshes, *(rig for mesh in meshes for rig in states.rigs_of(mesh))])
    parents = [parent for each in wanted for parent in _parents_of(each)]
    with stage.staged(scene, list(dict.fromkeys([*wanted, *parents]))) as apart:
        layer = apart.scene.view_layers[0]
        for name in ("system", "scale_length", "length_unit"):
            setattr(apart.scene.unit_settings, name, getattr(scene.unit_settings, name))
        apart.scene.frame_start, apart.scene.frame_end = 0, 1048574  # so that neither end pushes the other
        apart.scene.frame_start, apart.scene.frame_end = span.start, span.end
        apart.at(span.start)
        for each in apart.scene.objects:
            each.select_set(each in wanted, view_layer=layer)
        layer.objects.active = meshes[0]
        with bpy.context.temp_override(scene=apart.scene, view_layer=layer):
            yield apart


def _parents_of(obj: bpy.types.Object) -> Iterator[bpy.types.Object]:
    while obj.parent is not None:
        obj = obj.parent
        yield obj


def _write_alembic(path: Path, span: Span) -> set[str]:
    return set(
        bpy.ops.wm.alembic_export(
            filepath=str(path),
            selected=True,
            start=span.start,
            end=span.end,
            uvs=True,
            face_sets=True,
            as_background_job=False,
        )
    )


def _write_usd(path: Path, span: Span) -> set[str]:
    return set(
        bpy.ops.wm.usd_export(
            filepath=str(path),
            selected_objects_only=True,
            export_animation=True,
            export_shapekeys=True,
            export_armatures=True,
            export_uvmaps=True,
        )
    )


def _write_gltf(path: Path, span: Span) -> set[str]:
    """Binary, or as JSON with files beside it, as the suffix says."""
    was_on = addon_utils.check(_GLTF_ADDON)[1]
    enable: Callable[..., object] = addon_utils.enable
    if not was_on and enable(_GLTF_ADDON, default_set=False) is None:
        message = f"Blender's glTF exporter ('{_GLTF_ADDON}') cannot be switched on."
        raise OutputError(message, "Enable 'glTF 2.0 format' in Preferences > Add-ons, or install Blender again.")
    try:
        with _seconds_of_gltf(bpy.context.scene):
            return set(
                bpy.ops.export_scene.gltf(
                    filepath=str(path),
                    export_format="GLB" if path.suffix == ".glb" else "GLTF_SEPARATE",
                    use_selection=True,
                    use_active_scene=True,
                    export_animations=True,
                    export_animation_mode="SCENE",  # one animation of all that moves, sampled as it is evaluated
                    export_anim_scene_split_object=False,
                    export_anim_slide_to_zero=True,
                    export_force_sampling=True,
                    export_frame_range=True,
                    export_optimize_animation_size=False,
                    export_morph=True,
                    export_morph_animation=True,
                    export_morph_normal=True,
                )
            )
    finally:
        if not was_on:
            addon_utils.disable(_GLTF_ADDON, default_set=False)


@contextmanager
def _seconds_of_gltf(scene: bpy.types.Scene) -> Iterator[None]:
    """Blender's glTF exporter (4.5 to 5.2) takes fps * fps_base for the frame rate, where fps / fps_base is right.

    At 23.976 that is a second late after eight minutes, so it is given the inverse.
    """
    base = scene.render.fps_base
    scene.render.fps_base = 1.0 / base
    try:
        yield
    finally:
        scene.render.fps_base = base


def _usd_is_built() -> bool:
    return compat.built_with("usd")


_USD = _Format("USD", _usd_is_built, _write_usd)
_GLTF = _Format("glTF", lambda: True, _write_gltf)
FORMATS = {
    ".abc": _Format("Alembic", lambda: compat.built_with("alembic"), _write_alembic),
    ".usd": _USD,
    ".usda": _USD,
    ".usdc": _USD,
    ".glb": _GLTF,
    ".gltf": _GLTF,
}
WEIGHTS = (".csv", ".json", ".npz")


def export_steps(scene: bpy.types.Scene, obj: bpy.types.Object, path: Path, span: Span) -> Steps[None]:
    """Write the head in the format of the suffix, whichever it is: those of Blender's own exporters in one step.

    Raises DuetError.
    """
    if path.suffix.lower() in WEIGHTS:
        yield from weights_steps(scene, obj, path, span)
    else:
        yield 0.0
        export_geometry(scene, obj, path, span)


def notes_on(scene: bpy.types.Scene, obj: bpy.types.Object) -> list[str]:
    """What keeps the take that a head plays from being in its export as it was made, for the user; mostly nothing."""
    action = takes.active(obj)
    return advice.of_face(scene, obj, action) if action else []


def export_file(blend: Path, name: str, path: Path, whole_scene: bool) -> tuple[Span, list[str]]:
    """Open a .blend and export the object of that name, or its one head, as `export_steps` does.

    Returns the frames, and notes for the user.

    Raises OutputError, HeadError or WeightsError.
    """
    properties.register()
    is_open = bpy.context.window and bpy.data.filepath and Path(bpy.data.filepath).resolve() == blend.resolve()
    path = prepare_output(path)
    scene = bpy.context.scene if is_open else open_file(blend)
    obj = _face_of(scene, name, blend)
    span = scene_span(scene) if whole_scene else take_span(scene, obj)
    finish(export_steps(scene, obj, path, span))
    return span, notes_on(scene, obj)


def _face_of(scene: bpy.types.Scene, name: str, blend: Path) -> bpy.types.Object:
    """The named object, else the one Duet head, else the one mesh with ARKit's keys; raises HeadError."""
    found = heads.heads_of(scene) or [obj for obj in scene.objects if arkit_heads.keys_of(obj)]
    shown = ", ".join(f"'{obj.name}'" for obj in found) or "none"
    if name:
        if name not in scene.objects:
            if name in bpy.data.objects:
                states.require_here(scene, bpy.data.objects[name])
            raise HeadError(f"'{blend}' has no object '{name}'.", f"Its heads: {shown}.")
        return scene.objects[name]
    if not found:
        heads.require_none_elsewhere(scene)
    if len(found) != 1:
        raise HeadError(f"'{blend}' has {len(found)} heads: {shown}.", "Name one with --head.")
    return found[0]
