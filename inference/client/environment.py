"""Which interpreter the worker runs on: one that is named, or the environment that install_torch.py made."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

READY = "duet.json"  # written into the environment when it has been tested


def torch_folder() -> Path:
    """Where install_torch.py puts its environment: in the user's own data, for every Blender of theirs."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "Duet" / "torch"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "Duet" / "torch"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "duet" / "torch"


def interpreter_in(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def torch_python() -> str | None:
    """The interpreter of the environment that install_torch.py made; None where there is none."""
    folder = torch_folder()
    is_made = (folder / READY).is_file() and interpreter_in(folder).exists()
    return str(interpreter_in(folder)) if is_made else None


def worker_python() -> str:
    """DUET_PYTHON, else the running interpreter where it has PyTorch, else the environment for it, else the running."""
    named = os.environ.get("DUET_PYTHON")
    own = sys.executable if importlib.util.find_spec("torch") else None
    return named or own or torch_python() or sys.executable
