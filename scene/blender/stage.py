"""A scene apart, in which some objects are evaluated alone: quickly, and whether or not the user's scene shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import bpy
import numpy as np

from ...inference.arrays import Floats
from .loose import Animated
from .shape_keys import places_of

Channel = tuple[Animated, str, int]  # data-block, data path, index in an array; -1 where the value is one number
_HIDING = ("hide_viewport", "hide_select", "hide_render")


class Stage:
    """Objects as they are at a frame of the user's scene; the user's own data stays at its frame."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        self.scene = scene

    def at(self, frame: float) -> bpy.types.Depsgraph:
        """Everything evaluated at a frame of the scene."""
        whole = int(np.floor(frame))
        self.scene.frame_set(whole, subframe=float(frame - whole))
        return self.scene.view_layers[0].depsgraph

    def values(self, channels: Sequence[Channel], frames: Sequence[float]) -> Floats:
        """Evaluated values (T, N) of channels at frames (T,)."""
        found = np.empty((len(frames), len(channels)), np.float32)
        for row, frame in enumerate(frames):
            depsgraph = self.at(frame)
            for column, (datablock, path, index) in enumerate(channels):
                value = datablock.evaluated_get(depsgraph).path_resolve(path)
                found[row, column] = value if index < 0 else value[index]
        return found

    def vertices(self, obj: bpy.types.Object, frame: float) -> Floats:
        """Vertices (V, 3) of a mesh object after keys and modifiers, in its own space."""
        return places_of(obj.evaluated_get(self.at(frame)).data.vertices)


@contextmanager
def staged(scene: bpy.types.Scene, objects: Sequence[bpy.types.Object]) -> Iterator[Stage]:
    """A stage with these objects, which runs at the scene's frame rate and Time Stretching; gone after the block."""
    apart = bpy.data.scenes.new("Duet Stage")
    hidden = [(obj, name) for obj in objects for name in _HIDING if getattr(obj, name)]
    try:
        for name in ("fps", "fps_base", "frame_map_old", "frame_map_new"):
            setattr(apart.render, name, getattr(scene.render, name))
        for obj in objects:
            apart.collection.objects.link(obj)
        for obj, name in hidden:
            setattr(obj, name, False)
        yield Stage(apart)
    finally:
        for obj, name in hidden:
            setattr(obj, name, True)
        bpy.data.scenes.remove(apart)
