"""`blender -b [FILE] -c duet ...`: the command line inside Blender."""

from __future__ import annotations

import signal
from pathlib import Path

import bpy

from ...scene.blender import timing
from . import cli

_registered: list[object] = []


def run(argv: list[str]) -> int:
    """Run the command; `bake` adds to the open file, and both use its frame rate where none is given."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Blender's own would only set a flag of its own
    if not bpy.data.filepath:
        return cli.main(argv)
    if argv[:1] == ["generate"] and not any(argument.startswith("--fps") for argument in argv):
        argv = [*argv, "--fps", repr(timing.scene_fps(bpy.context.scene))]
    return cli.main(argv, Path(bpy.data.filepath))


def register() -> None:
    """Make `duet` a command of Blender's."""
    _registered.append(bpy.utils.register_cli_command("duet", run))


def unregister() -> None:
    """Take the command away."""
    bpy.utils.unregister_cli_command(_registered.pop())
