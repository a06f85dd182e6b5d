"""What is done to a file when Blender has opened it: lines that another Blender laid rest in this one too."""

from __future__ import annotations

import bpy

from .blender import compat, rest_track


def register() -> None:
    """Look at each file that is opened, in the one Blender that has something to do."""
    if compat.RESTS_AT_ONE:
        bpy.app.handlers.load_post.append(_lay_again)


def unregister() -> None:
    """Look no more."""
    if _lay_again in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_lay_again)


@bpy.app.handlers.persistent
def _lay_again(*_: object) -> None:
    for key in bpy.data.shape_keys:
        if key.library is None:
            rest_track.lay_again(key)
