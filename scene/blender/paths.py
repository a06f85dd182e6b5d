"""Paths as Blender takes them: it cuts long ones and turns backslashes in silence, and takes no name but in UTF-8."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from ...inference.errors import DuetError

_LONGEST = 1023  # bytes: FILE_MAX of 4.5 to 5.2, less its end


def whole(text: str, library: bpy.types.Library | None = None) -> Path:
    """The absolute path that a text of Blender's means: from `//` on beside the open file, or the library's."""
    return Path(bpy.path.abspath(text, library=library)).absolute()


def for_blender(path: Path, error: type[DuetError]) -> str:
    """The text of an absolute path to give to Blender; raises `error` for one that Blender would take for another."""
    text = str(path)
    if not path.is_absolute():
        raise error(f"'{path}' is relative.", "Give the whole path.")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as cause:
        raise error(f"The name of '{path}' is not UTF-8, which Blender needs.", "Rename it.") from cause
    if not fits_blender(text):
        raise error(f"The path of '{path}' has {size} bytes; Blender takes {_LONGEST}.", "Move it, or rename it.")
    if os.name == "posix" and "\\" in text:
        raise error(f"'{path}' has a backslash, which Blender takes for the end of a folder's name.", "Rename it.")
    return text


def fits_blender(text: str) -> bool:
    """Whether Blender keeps all of a path, which may begin with `//`."""
    return len(text.encode()) <= _LONGEST
