"""Where that goes which C code, Blender's above all, prints on the standard output."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def sent_to(descriptor: int) -> Iterator[None]:
    """Send it to another open file meanwhile, by its descriptor."""
    library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    sys.stdout.flush()
    library.fflush(None)
    kept = os.dup(1)
    os.dup2(descriptor, 1)
    try:
        yield
    finally:
        library.fflush(None)
        os.dup2(kept, 1)
        os.close(kept)


@contextlib.contextmanager
def thrown_away() -> Iterator[None]:
    """Let nobody read it meanwhile: what Blender says of each frame that it draws, and of each file that it saves."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        with sent_to(nowhere):
            yield
    finally:
        os.close(nowhere)
