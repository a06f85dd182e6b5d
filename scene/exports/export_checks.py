"""Whether what an exporter of Blender's has written holds the meshes that were asked for, moving as they move."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import numpy as np

from ...inference.arrays import Floats
from ...inference.errors import OutputError
from ..blender import actions, stage

_AGAIN = "Export again; if it stays so, report it."
_GLB = b"glTF"
_SEEN = 0.5  # of the way that a mesh moves in the scene
_MADE = (
    "objects",
    "meshes",
    "materials",
    "cache_files",
    "armatures",
    "actions",
    "collections",
)  # by Blender's importers


class Keys(NamedTuple):
    """What a mesh has of shape keys in a file: how many, and the frames at which their values are given, 0 if never."""

    shapes: int
    frames: int


def require_keys(scene: bpy.types.Scene, path: Path, due: Mapping[str, Keys]) -> None:
    """Raise OutputError where a glTF or USD file lacks a mesh, shape keys or frames of those due, by their names.

    Frames are not looked for where 0 are due. Where Blender does not bring the library that reads USD, it imports the
    file into a scene apart.
    """
    found = _in_gltf(path) if path.suffix in (".glb", ".gltf") else _in_usd(scene, path)
    _require_meshes(list(due), len(found))
    for (name, wanted), held in zip(sorted(due.items(), key=_by_keys, reverse=True), sorted(found)[::-1], strict=False):
        if held.shapes < wanted.shapes or (wanted.frames and held.frames != wanted.frames):
            written = f"{held.shapes} of {wanted.shapes} shape keys and {held.frames} of {wanted.frames} frames"
            raise OutputError(f"Blender's exporter wrote {written} of '{name}'.", _AGAIN)


def _by_keys(item: tuple[str, Keys]) -> Keys:
    return item[1]


def _require_meshes(names: Sequence[str], found: int) -> None:
    if found < len(names):
        shown = ", ".join(f"'{name}'" for name in names)
        left = f"the mesh of {shown}" if len(names) == 1 else f"{len(names) - found} of the meshes {shown}"
        raise OutputError(f"Blender's exporter left {left} out.", _AGAIN)


def require_motion(
    scene: bpy.types.Scene, path: Path, due: Mapping[str, float], first: int, last: int, frames: Sequence[float]
) -> None:
    """Raise OutputError where an Alembic file, as Blender imports it, lacks meshes, frames, or their motion.

    `due` is how far each mesh's farthest vertex goes between the first of `frames` and any other; where one moves, the
    file must go from frame `first` to `last`.
    """
    with _imported(scene, lambda: bpy.ops.wm.alembic_import(filepath=str(path), as_background_job=False)) as apart:
        meshes = [obj for obj in apart.scene.objects if obj.type == "MESH" and len(obj.data.vertices)]
        _require_meshes(list(due), len(meshes))
        moving = any(due.values())
        if moving and (apart.scene.frame_start, apart.scene.frame_end) != (first, last):
            held = f"{apart.scene.frame_start} to {apart.scene.frame_end}"
            raise OutputError(f"Blender's exporter wrote the frames {held} of {first} to {last}.", _AGAIN)
        ways = sorted((motion(apart, obj, frames) for obj in meshes), reverse=True) if moving else []
    for (name, way), moved in zip(sorted(due.items(), key=lambda item: -item[1]), ways, strict=False):
        if moved < _SEEN * way:
            raise OutputError(f"Blender's exporter wrote '{name}' moving {moved:.2g}, not {way:.2g}.", _AGAIN)


def motion(apart: stage.Stage, obj: bpy.types.Object, frames: Sequence[float]) -> float:
    """How far the mesh's farthest vertex goes between the first of the frames and any other.

    inf where it cannot be told, since modifiers make another mesh at each frame.
    """
    rest, *others = (apart.vertices(obj, frame) for frame in frames)
    if any(other.shape != rest.shape for other in others):
        return float("inf")
    return max((_farthest(other - rest) for other in others), default=0.0)


def _farthest(change: Floats) -> float:
    return float(np.linalg.norm(change, axis=1).max(initial=0.0))


def _in_gltf(path: Path) -> list[Keys]:
    """What each mesh that the file shows has."""
    document = _document(path)
    frames: dict[int, int] = {}
    for animation in document.get("animations", []):
        for channel in animation["channels"]:
            if channel["target"].get("path") == "weights":
                accessor = animation["samplers"][channel["sampler"]]["input"]
                frames[channel["target"]["node"]] = int(document["accessors"][accessor]["count"])
    meshes = document.get("meshes", [])
    shown = [(number, meshes[node["mesh"]]) for number, node in enumerate(document.get("nodes", [])) if "mesh" in node]
    return [
        Keys(len(mesh["primitives"][0].get("targets", [])), frames.get(number, 0))
        for number, mesh in shown
        if mesh.get("primitives")
    ]


def _document(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        if file.read(4) == _GLB:
            file.seek(12)
            (length,) = struct.unpack("<I", file.read(4))
            file.seek(20)
            text = file.read(length)
        else:
            file.seek(0)
            text = file.read()
    found: dict[str, Any] = json.loads(text)
    return found


def _in_usd(scene: bpy.types.Scene, path: Path) -> list[Keys]:
    """What each mesh of the file has."""
    try:
        if not bpy.app.binary_path:  # bpy as a module keeps its libraries to itself
            bpy.utils.expose_bundled_modules()
        from pxr import Usd, UsdGeom, UsdSkel
    except ImportError:
        return _in_usd_by_import(scene, path)
    opened = Usd.Stage.Open(str(path))  # as long as it lives, so do its prims
    found = []
    for prim in opened.Traverse():
        if not prim.IsA(UsdGeom.Mesh) or not UsdGeom.Mesh(prim).GetPointsAttr().Get(Usd.TimeCode.EarliestTime()):
            continue
        bound = UsdSkel.BindingAPI(prim)
        shapes, skeleton = set(bound.GetBlendShapesAttr().Get() or ()), bound.GetInheritedSkeleton()
        source = UsdSkel.BindingAPI(skeleton.GetPrim()).GetInheritedAnimationSource() if skeleton else None
        played = UsdSkel.Animation(source) if source else None
        frames = 0
        if played is not None and shapes <= set(played.GetBlendShapesAttr().Get() or ()):
            frames = played.GetBlendShapeWeightsAttr().GetNumTimeSamples()
        found.append(Keys(len(shapes), frames))
    return found


def _in_usd_by_import(scene: bpy.types.Scene, path: Path) -> list[Keys]:
    found = []
    with _imported(scene, lambda: bpy.ops.wm.usd_import(filepath=str(path))) as apart:
        for obj in apart.scene.objects:
            key = obj.data.shape_keys if obj.type == "MESH" else None
            if obj.type != "MESH" or not len(obj.data.vertices):
                continue
            action = actions.action_of(key) if key else None
            frames = [len(curve.keyframe_points) for curve in (actions.curves_of(action) if action else ())]
            found.append(Keys(len(key.key_blocks) - 1 if key else 0, max(frames, default=0)))
    return found


@contextmanager
def _imported(scene: bpy.types.Scene, read: Callable[[], object]) -> Iterator[stage.Stage]:
    """A stage with what an importer of Blender's makes of a file; all of it is gone after the block."""
    before = {name: set(getattr(bpy.data, name)) for name in _MADE}
    try:
        with stage.staged(scene, []) as apart:
            apart.scene.render.frame_map_new = apart.scene.render.frame_map_old  # the file is stretched as it is
            with bpy.context.temp_override(scene=apart.scene, view_layer=apart.scene.view_layers[0]):
                read()
            yield apart
    finally:
        for name, known in before.items():
            bpy.data.batch_remove(set(getattr(bpy.data, name)) - known)
