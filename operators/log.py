"""Duet's log, a file in the extension's user folder, and what a report of a fault should hold."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import platform
import sys
import tomllib
from pathlib import Path

import bpy
import numpy as np

from ..inference.client.environment import torch_python
from .session import LOG, PACKAGE, RUNTIME, preferences

_FILE = "duet.log"
_MOST = 200_000  # bytes of a file; the one before it is kept
_SHOWN = 20_000  # characters of it in a report
_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def folder() -> Path | None:
    """The extension's user folder; None where Duet's code runs without being an extension."""
    with contextlib.suppress(ValueError):
        return Path(bpy.utils.extension_path_user(PACKAGE, create=True))
    return None


def begin(where: Path | None) -> None:
    """Log into that folder from now on; the file is made with the first line."""
    if where is not None:
        handler = logging.handlers.RotatingFileHandler(
            where / _FILE, maxBytes=_MOST, backupCount=1, encoding="utf-8", delay=True
        )
        handler.setFormatter(logging.Formatter(_FORMAT))
        LOG.addHandler(handler)
        LOG.setLevel(logging.INFO)
        LOG.propagate = False  # Blender's console stays as it is


def end() -> None:
    """Close the log."""
    for handler in [*LOG.handlers]:
        LOG.removeHandler(handler)
        handler.close()


def report(context: bpy.types.Context) -> str:
    """The environment, and the end of the log."""
    manifest = tomllib.loads((Path(__file__).parents[1] / "blender_manifest.toml").read_text(encoding="utf-8"))
    chosen = preferences(context)
    lines = [
        f"Duet {manifest['version']} in Blender {bpy.app.version_string} ({platform.platform()})",
        f"Python {platform.python_version()}, NumPy {np.__version__}, {sys.executable}",
        f"Engine: {chosen.engine if chosen else 'auto'}, device: {chosen.device if chosen else 'auto'}, "
        f"interpreter: {(chosen.python if chosen else '') or 'none named'}, PyTorch found: {torch_python() or 'none'}",
        f"Worker: {RUNTIME.description or 'not started'}",
    ]
    logged = "".join(
        Path(handler.baseFilename).read_text(encoding="utf-8", errors="replace")
        for handler in LOG.handlers
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename).exists()
    )
    return "\n".join([*lines, "", logged[-_SHOWN:] or "The log is empty."])
