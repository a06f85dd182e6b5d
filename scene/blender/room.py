"""Room on the disk for Alembic: where it runs out, Blender's exporter ends Blender, and what was not saved is lost."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import bpy

from ...inference.errors import OutputError

_COORDINATES = 12  # bytes of a vertex in a frame
_SPARE = 64 << 20  # bytes for faces, other parts and what else is being written


def require_room(meshes: Sequence[bpy.types.Object], path: Path, frames: int) -> None:
    """Raise OutputError where the disk has no room for so many frames of the meshes as they evaluate."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    vertices = sum(len(obj.evaluated_get(depsgraph).data.vertices) for obj in meshes)
    due, free = _SPARE + frames * _COORDINATES * vertices, shutil.disk_usage(path.parent).free
    if free < due:
        message = f"The disk of '{path}' has {free >> 20} MB left; this takes up to {due >> 20} MB."
        raise OutputError(message, "Make room, or choose another disk.")
