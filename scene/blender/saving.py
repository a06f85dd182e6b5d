"""Saving a .blend whole or not at all: beside its place first, read back, and then put there."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import bpy

from ...inference.c_stdout import thrown_away
from ...inference.errors import OutputError
from ...inference.partial_files import partial_of, written_at
from .loose import Kind
from .paths import for_blender

_REMEDY = "Choose another place, or make room."


def save_copy(output: Path, relative_remap: bool, since: int | None = None) -> None:
    """Save what is open as `output`, compressed; the file that was there becomes .blend1, as Blender keeps it.

    Raises OutputError, and then nothing has changed: on a full disk, where Blender itself reports a file that was cut
    off as saved, and where somebody has written what is there `since` (`written_at` then; None: no matter).
    """
    partial = partial_of(output, ".blend")
    for_blender(output, OutputError)
    try:
        path = for_blender(partial, OutputError)
        with thrown_away():  # it would say that the partial file is saved
            bpy.ops.wm.save_as_mainfile(filepath=path, compress=True, copy=True, relative_remap=relative_remap)
        _check_whole(partial)
        if since is not None and written_at(output) != since:
            message = f"'{output}' was written by another program meanwhile."
            raise OutputError(message, "Start it again: the lines are added to what is there.")
        _keep_earlier(output)
        partial.replace(output)
    except (RuntimeError, OSError) as error:
        raise OutputError(f"The output '{output}' cannot be written.", _REMEDY) from error
    finally:
        partial.unlink(missing_ok=True)


def _check_whole(path: Path) -> None:
    """Raise OSError where Blender cannot read the file to its end, where its table of types is."""
    load: Callable[..., Kind] = bpy.data.libraries.load
    with load(str(path)):
        pass


def _keep_earlier(output: Path) -> None:
    """The file that is there as .blend1 too, by a link where the file system has links."""
    backup = output.with_suffix(f"{output.suffix}1")
    if not output.exists() or not bpy.context.preferences.filepaths.save_version:
        return
    with contextlib.suppress(FileNotFoundError):
        backup.unlink()
    try:
        os.link(output, backup)
    except OSError:
        shutil.copy2(output, backup)
