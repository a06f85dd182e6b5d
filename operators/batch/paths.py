"""The command line's paths: made absolute once, where they come in, and compared before anything is written."""

from __future__ import annotations

import argparse
import os
import unicodedata
from collections.abc import Hashable, Iterable
from functools import cache
from pathlib import Path

from ...inference.errors import RequestError

Identity = Hashable


def given(text: str) -> Path:
    """A path of the command; nothing, as of a shell's variable that is not set, would be the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return Path(text)


def absolute(path: Path, folder: Path | None = None) -> Path:
    """The path from the root, where it is relative from `folder` (default: the current one).

    Two slashes at its beginning become one: to Blender they would mean the folder of the open file. Raises
    RequestError for a path that no system can have, or where the current folder is gone.
    """
    if "\0" in str(path):
        raise RequestError(f"The path '{path}' has a zero byte in it.", "Check the table's encoding.")
    try:
        whole = (folder / path if folder else path).absolute()
    except OSError as error:
        raise RequestError(f"The current folder is not there ({error.strerror}).", "Change to another.") from error
    return Path(f"/{str(whole).lstrip('/')}") if os.name == "posix" else whole


@cache
def identity(path: Path) -> Identity:
    """What all spellings of one file have in common: links, `..`, and case where the file system ignores it.

    Asked once a path, for on a farm's disk each question takes a while: `forget` before files may be others.
    """
    found = _number(path)
    if found:
        return found
    path = Path(os.path.realpath(path))
    found = _number(path)
    if found or path == path.parent:
        return found or str(path)
    name = unicodedata.normalize("NFC", path.name)
    return identity(path.parent), name.casefold() if _ignores_case(path.parent) else name


def forget() -> None:
    """Ask the file system anew from now on."""
    identity.cache_clear()
    _ignores_case.cache_clear()


def is_there(path: Path) -> bool:
    """Whether the system finds the file, or a folder; a name that it refuses is not there."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def _number(path: Path) -> Identity | None:
    """The file system's own number of a file; None where there is no such file, or no such number."""
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return None
    return (stat.st_dev, stat.st_ino) if stat.st_ino else None


@cache
def _ignores_case(folder: Path) -> bool:
    """Whether names in the folder, or where it will be made, are the same in capitals."""
    for part in (folder, *folder.parents):
        other = part.with_name(part.name.swapcase()) if part.name else part
        if other.name != part.name and part.exists():
            return other.exists() and other.samefile(part)
    return False


def overwritten(outputs: Iterable[Path], inputs: Iterable[Path]) -> tuple[Path, Path] | None:
    """The first output that is one of the inputs, with that input's own spelling; None where there is none."""
    read = {identity(path): path for path in inputs}
    for output in outputs:
        found = read.get(identity(output))
        if found is not None:
            return output, found
    return None
