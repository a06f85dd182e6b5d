"""F-curves in bulk, in layered actions: each data-block has its own slot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

MARKER = "duet"  # custom property of the actions that Duet has made
_INTERPOLATION = {"CONSTANT": 0, "LINEAR": 1, "BEZIER": 2}  # Blender's numbers, which foreach_set wants
_AUTO_CLAMPED = 4


def new_action(name: str) -> bpy.types.Action:
    """An empty action of Duet's."""
    action = bpy.data.actions.new(name)
    action[MARKER] = True
    return action


def made_by_duet(action: bpy.types.Action | None) -> bool:
    """Whether Duet made this action, so that it may be replaced."""
    return action is not None and MARKER in action


def action_of(datablock: bpy.types.ID) -> bpy.types.Action | None:
    """The action that a data-block plays."""
    return datablock.animation_data.action if datablock.animation_data else None


def assign(datablock: bpy.types.ID, action: bpy.types.Action) -> None:
    """Let the data-block play the action: in the slot that Blender finds it used before, else in a new one."""
    animation = datablock.animation_data or datablock.animation_data_create()
    animation.action = action
    if animation.action_slot is None:
        animation.action_slot = action.slots.new(id_type=datablock.id_type, name=datablock.name)


def write_curve(
    bag: bpy.types.ActionChannelbag,
    path: str,
    frames: NDArray[Any],
    values: NDArray[Any],
    interpolation: str = "LINEAR",
) -> None:
    """Replace the F-curve of `path` (index 0) with keys at `frames` (n,) with `values` (n,), all at once."""
    remove_curves(bag, [path])
    curve = bag.fcurves.new(path, index=0)
    points, count = curve.keyframe_points, len(frames)
    points.add(count)
    points.foreach_set("co", np.stack([frames, values], axis=1).astype(np.float32).ravel())
    points.foreach_set("interpolation", np.full(count, _INTERPOLATION[interpolation], np.int32))
    for side in ("handle_left_type", "handle_right_type"):  # for when the animator turns a key to Bezier
        points.foreach_set(side, np.full(count, _AUTO_CLAMPED, np.int32))
    curve.update()


def remove_curves(bag: bpy.types.ActionChannelbag, paths: Iterable[str]) -> None:
    """Remove the F-curves of these data paths, where they exist."""
    wanted = set(paths)
    for curve in [curve for curve in bag.fcurves if curve.data_path in wanted]:
        bag.fcurves.remove(curve)


def needed_keys(values: NDArray[np.floating], tolerance: float) -> NDArray[np.intp]:
    """Indices of the fewest samples (by Ramer-Douglas-Peucker) whose straight lines stay within `tolerance` of all.

    `values` (T,), one a frame. The first and the last are always among them.
    """
    keep, spans = {0, len(values) - 1}, [(0, len(values) - 1)]
    while spans:
        first, last = spans.pop()
        line = np.linspace(values[first], values[last], last - first + 1)
        error = np.abs(values[first : last + 1] - line)
        worst = first + int(error.argmax())
        if error.max() > tolerance:
            keep.add(worst)
            spans += [(first, worst), (worst, last)]
    return np.array(sorted(keep))
