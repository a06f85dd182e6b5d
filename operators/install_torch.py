"""Install PyTorch: an environment of its own in the extension's user folder, for the torch engine."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import bpy

from .modal import show
from .session import PACKAGE, RUNTIME

_INTERVAL = 0.2  # seconds between looks at the installer


class Installer:
    """Commands that run one after another in the background; `line` is the last that they wrote."""

    def __init__(self, commands: list[list[str]]) -> None:
        self.line = ""
        self.code: int | None = None  # of the command that failed, 0 where none did, None while they run
        self._cancelled = False
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._run, args=(commands,), daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """End the command that runs, and let no other follow."""
        self._cancelled = True
        if self._process:
            self._process.terminate()

    def _run(self, commands: list[list[str]]) -> None:
        code = 0
        for command in commands:
            code = code or (1 if self._cancelled else self._follow(command))
        self.code = code

    def _follow(self, command: list[str]) -> int:
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        try:
            self._process = subprocess.Popen(
                command, stdin=null, stdout=pipe, stderr=subprocess.STDOUT, text=True, errors="replace"
            )
        except OSError as error:
            self.line = str(error)
            return 1
        for line in self._process.stdout or ():
            self.line = readable(line) or self.line
        return self._process.wait()


def readable(line: str) -> str:
    """A line of pip's output, its raw progress ("Progress 512 of 1024", in bytes) as a share."""
    words = line.split()
    if words[:1] == ["Progress"] and len(words) == 4 and int(words[3]):
        return f"Downloading: {int(words[1]) / int(words[3]):.0%}"
    return line.strip()


def commands(python: str, folder: Path, interpreter: Path) -> list[list[str]]:
    """Make the environment, and install PyTorch there. Pip is renewed first: older ones can't tell their progress."""
    pip = [str(interpreter), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    return [
        [python, "-m", "venv", "--clear", str(folder)],
        [*pip, "--upgrade", "pip"],
        [*pip, "--progress-bar", "raw", "torch", "numpy"],
    ]


class DUET_OT_install_torch(bpy.types.Operator):
    """Download PyTorch (some gigabytes) into Duet's own folder, for faster animation on a graphics card; Esc cancels"""

    bl_idname = "duet.install_torch"
    bl_label = "Install PyTorch"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether Blender may go online, and no other installation runs."""
        reason = ""
        if RUNTIME.installing:
            reason = "The installation is running. Esc cancels it."
        elif not bpy.app.online_access:
            reason = "Blender may not go online: see Preferences > System > Network > Allow Online Access."
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start the installation and go on while it runs."""
        self._folder = Path(bpy.utils.extension_path_user(PACKAGE, path="torch", create=True))
        self._python = self._folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        self._installer = Installer(commands(sys.executable, self._folder, self._python))
        RUNTIME.installing = "Starting"
        self._timer = context.window_manager.event_timer_add(_INTERVAL, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Show what the installer says; Esc ends it."""
        if event.type == "ESC" and event.value == "PRESS":
            self._installer.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if self._installer.code is None:
            RUNTIME.installing = self._installer.line or RUNTIME.installing
            show(context, f"Installing PyTorch: {RUNTIME.installing}   Esc: cancel")
            return {"PASS_THROUGH"}
        return self._end(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself."""
        self._installer.cancel()
        self._end(context)

    def _end(self, context: bpy.types.Context) -> set[str]:
        RUNTIME.installing = ""
        context.window_manager.event_timer_remove(self._timer)
        show(context, None)
        if self._installer.code:
            shutil.rmtree(self._folder, ignore_errors=True)
            self.report({"ERROR"}, f"PyTorch was not installed: {self._installer.line}")
            return {"CANCELLED"}
        context.preferences.addons[PACKAGE].preferences.python = str(self._python)
        self.report({"INFO"}, "PyTorch is installed. Test Engine tells what it runs on.")
        return {"FINISHED"}


CLASSES = (DUET_OT_install_torch,)
