"""Whether what an exporter of Blender's has written holds the head that was asked for, moving as long as asked for."""

from __future__ import annotations

import json
import mmap
import struct
from pathlib import Path
from typing import Any

import bpy

from ...inference.errors import OutputError

_AGAIN = "Export again; if it stays so, report it."
_GLB = b"glTF"
_ALEMBIC_MESH = b"AbcGeom_PolyMesh"  # in the metadata of every mesh of an Alembic file


def require_head(path: Path, name: str, keys: int, frames: int) -> None:
    """Raise OutputError where the file lacks the head's mesh, any of its `keys` shape keys, or any of its frames.

    `name` is shown; `frames` is 0 where nothing of the head is animated. Alembic has no keys, and its frames are not
    counted. USD is read where Blender brings the library for it, as it does wherever it exports USD.
    """
    if path.suffix in (".glb", ".gltf"):
        found = _in_gltf(path)
    elif path.suffix == ".abc":
        found = (keys, frames) if _has_alembic_mesh(path) else None
    else:
        found = _in_usd(path, keys, frames)
    if found is None:
        raise OutputError(f"Blender's exporter left the mesh of '{name}' out.", _AGAIN)
    if found[0] < keys or (frames and found[1] != frames):
        written = f"{found[0]} of {keys} shape keys and {found[1]} of {frames} frames"
        raise OutputError(f"Blender's exporter wrote {written} of '{name}'.", _AGAIN)


def _in_gltf(path: Path) -> tuple[int, int] | None:
    """The most targets of a mesh and the most frames of its weights; None where there is no mesh."""
    document = _document(path)
    meshes = [mesh for mesh in document.get("meshes", []) if mesh.get("primitives")]
    if not meshes:
        return None
    targets = max(len(mesh["primitives"][0].get("targets", [])) for mesh in meshes)
    frames = [0]
    for animation in document.get("animations", []):
        for channel in animation["channels"]:
            if channel["target"].get("path") == "weights":
                accessor = animation["samplers"][channel["sampler"]]["input"]
                frames.append(int(document["accessors"][accessor]["count"]))
    return targets, max(frames)


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


def _has_alembic_mesh(path: Path) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(_ALEMBIC_MESH) >= 0


def _in_usd(path: Path, keys: int, frames: int) -> tuple[int, int] | None:
    """The blend shapes and frames of weights; None where there is no mesh; without the library, what is due."""
    try:
        if not bpy.app.binary_path:  # bpy as a module keeps its libraries to itself
            bpy.utils.expose_bundled_modules()
        from pxr import Usd, UsdGeom, UsdSkel
    except ImportError:
        return keys, frames
    opened = Usd.Stage.Open(str(path))  # as long as it lives, so do its prims
    prims = list(opened.Traverse())
    meshes = [UsdGeom.Mesh(prim) for prim in prims if prim.IsA(UsdGeom.Mesh)]
    if not any(mesh.GetPointsAttr().Get(Usd.TimeCode.EarliestTime()) for mesh in meshes):
        return None
    shapes = sum(prim.IsA(UsdSkel.BlendShape) for prim in prims)
    animations = [UsdSkel.Animation(prim) for prim in prims if prim.IsA(UsdSkel.Animation)]
    samples = [animation.GetBlendShapeWeightsAttr().GetNumTimeSamples() for animation in animations]
    return shapes, max(samples, default=0)
