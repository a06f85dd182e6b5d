"""Live Link Face files on a head: ARKit coefficients become F-curves in an action of their own."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ..inference.errors import HeadError
from ..inference.livelink import LiveLinkTake, read_livelink_csv
from ..inference.take import Floats
from . import actions, arkit_keys, compat, shape_keys, timing
from .rollback import all_or_nothing
from .steps import Steps, finish, in_background


def apply_livelink(
    scene: bpy.types.Scene, obj: bpy.types.Object | None, take: LiveLinkTake, path: Path, start: int
) -> list[str]:
    """Play the take on the object's ARKit keys from frame `start` on, in a new action; return notes for the user.

    Keys stand where their timecode puts them at the scene's frame rate, on whole frames where the two rates are one.
    The action that the keys played is kept; other keys that it moved go to 0, so that the take is seen alone. Angles
    of head and eyes are left out. Raises HeadError, and then leaves the head as it was.
    """
    return finish(apply_steps(scene, obj, take, path, start))


def read_steps(path: Path, fps: float | None) -> Steps[LiveLinkTake]:
    """A file's recording, as `read_livelink_csv` has it, while Blender goes on; raises TableError."""
    return (yield from in_background(lambda: read_livelink_csv(path, fps)))


def apply_steps(
    scene: bpy.types.Scene, obj: bpy.types.Object | None, take: LiveLinkTake, path: Path, start: int
) -> Steps[list[str]]:
    """The same as `apply_livelink` in steps of a curve; closed before its end, it leaves the head as it was."""
    obj, columns = _target(obj, take)
    key = obj.data.shape_keys
    earlier = actions.action_of(key)
    rate = timing.scene_fps(scene)
    frames = np.array([timing.seconds_to_frame(frame / take.fps, rate, start) for frame in take.frames])
    whole = np.round(frames)
    frames = np.where(np.abs(frames - whole) < 1e-3, whole, frames)
    with all_or_nothing(scene, obj):
        moved = _moved_by(key)
        actions.assign(key, bpy.data.actions.new(f"Live Link {path.stem}"))
        bag = compat.channelbag(key.animation_data.action, key.animation_data.action_slot)
        for block in key.key_blocks:
            if block.name in moved:
                block.value = 0.0
        for row, (name, column) in enumerate(columns.items()):
            yield row / len(columns)
            values = take.values[:, column]
            _make_room(key, name, values)
            actions.write_curve(bag, shape_keys.value_path(name), frames, values)
    scene.frame_end = max(scene.frame_end, int(np.ceil(frames[-1])))
    return _notes(obj, take, earlier, columns)


def _target(obj: bpy.types.Object | None, take: LiveLinkTake) -> tuple[bpy.types.Object, dict[str, int]]:
    """The object, and shape key -> column of the take; raises HeadError."""
    if obj is None or obj.type != "MESH" or obj.data.shape_keys is None:
        name = f"'{obj.name}' is not a mesh with shape keys." if obj else "No head is chosen."
        raise HeadError(name, "Choose a mesh with ARKit's shape keys.")
    if any(block.library for block in (obj, obj.data, obj.data.shape_keys)):
        message = f"'{obj.name}' is linked from another file."
        raise HeadError(message, "Use Object > Relations > Make Local > All.")
    found = {name.lower(): column for column, name in enumerate(take.names)}  # by name, whatever their order
    columns = {
        key: found[name.lower()] for name, keys in arkit_keys.find(obj).items() for key in keys if name.lower() in found
    }
    if not columns:
        message = f"'{obj.name}' has no shape key with the name of one of ARKit's 52 shapes."
        raise HeadError(message, "Choose another mesh, or rename its keys (jawOpen, mouthSmileLeft, ...).")
    return obj, columns


def _moved_by(key: bpy.types.Key) -> set[str]:
    """The names of the keys that the action being played moves."""
    animation = key.animation_data
    if animation is None or animation.action is None or animation.action_slot is None:
        return set()
    paths = {curve.data_path for curve in compat.channelbag(animation.action, animation.action_slot).fcurves}
    return {block.name for block in key.key_blocks if shape_keys.value_path(block.name) in paths}


def _make_room(key: bpy.types.Key, name: str, values: Floats) -> None:
    """Widen the key's slider where values lie beyond it: Blender would clamp them silently."""
    block = key.key_blocks[name]
    low, high = min(float(values.min()), block.slider_min), max(float(values.max()), block.slider_max)
    if low < block.slider_min or high > block.slider_max:
        shape_keys.widen_sliders(key, [name], np.array([low]), np.array([high]))


def _notes(
    obj: bpy.types.Object, take: LiveLinkTake, earlier: bpy.types.Action | None, columns: dict[str, int]
) -> list[str]:
    notes = [f"'{obj.name}' plays {len(take.frames)} frames at {take.fps:.6g} fps on {len(columns)} shape keys."]
    notes += take.notes
    if take.skipped:
        notes.append(f"{take.skipped} rows without a face were left out.")
    if earlier is not None:
        earlier.use_fake_user = True
        notes.append(f"The earlier action '{earlier.name}' is kept (fake user).")
    return notes
