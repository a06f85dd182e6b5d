"""After a write, Blender is asked at a few frames whether it shows what was written, and the mesh is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.errors import HeadError
from ..blender import shape_keys, stage
from ..blender.driven import drivers_of
from . import obstacles

_SLACK = 2e-3  # of the larger of 1 and a key's value
_LEAST = 1e-4  # of the mesh's size: what is meant to move less is not looked for
_SEEN = 0.2  # of the way that the mesh is meant to move


def require_shown(
    scene: bpy.types.Scene, obj: bpy.types.Object, names: Sequence[str], frames: NDArray[Any], values: Floats
) -> None:
    """Raise HeadError where the named keys are not at `values` (T, N) at `frames` (T,), or the mesh does not follow.

    Asked at the first and last frame, and where the keys are furthest apart; in a scene apart, so that it takes no
    longer in a heavy scene and also sees a head that is hidden.
    """
    if not len(frames) or not len(names):
        return
    rows = _telling_rows(values)
    blocks = obj.data.shape_keys.key_blocks
    with stage.staged(scene, [obj]) as apart:
        channels = [(obj.data.shape_keys, blocks[name].path_from_id("value"), -1) for name in names]
        found = apart.values(channels, [float(frames[row]) for row in rows])
        due = values[rows]
        off = np.abs(found - due) > _SLACK * np.maximum(1.0, np.abs(due))
        if off.any():
            row, column = np.argwhere(off)[0]
            raise HeadError(
                f"'{obj.name}' does not show what was written: its key '{names[column]}' is at "
                f"{found[row, column]:.2f} instead of {due[row, column]:.2f} at frame {frames[rows[row]]:g}.",
                _reason(obj, names[column]),
            )
        low, high = rows[-2], rows[-1]
        way = _way(obj, names, values[high] - values[low])
        if way > 0:
            _require_moved(apart, obj, [float(frames[low]), float(frames[high])], way)


def _telling_rows(values: Floats) -> list[int]:
    """The first and last row, and then the two that are furthest apart: the one most unlike the mean, and its other."""
    far = int(np.argmax(np.linalg.norm(values - values.mean(axis=0), axis=1)))
    other = int(np.argmax(np.linalg.norm(values - values[far], axis=1)))
    return [0, len(values) - 1, far, other]


def _way(obj: bpy.types.Object, names: Sequence[str], change: Floats) -> float:
    """How far the farthest vertex goes when the keys change so (N,); 0 where that is too little to look for."""
    rest = shape_keys.rest_of(obj)
    total = np.zeros_like(rest)
    for name, value in zip(names, change, strict=True):
        if abs(value) > 1e-3:
            total += np.float32(value) * shape_keys.deltas_of(obj, [name])[0]
    size = float(np.ptp(rest, axis=0).max(initial=0.0))
    way = float(np.linalg.norm(total, axis=1).max(initial=0.0))
    return way if way > _LEAST * size else 0.0


def _require_moved(apart: stage.Stage, obj: bpy.types.Object, frames: Sequence[float], way: float) -> None:
    before, after = (apart.vertices(obj, frame) for frame in frames)
    if before.shape != after.shape:
        return  # modifiers that make another mesh at each frame: nothing to compare
    moved = float(np.linalg.norm(after - before, axis=1).max(initial=0.0))
    if moved < _SEEN * way:
        raise HeadError(
            f"The keys of '{obj.name}' move, but its mesh does not: {moved:.2g} where {way:.2g} was meant, between the "
            f"frames {frames[0]:g} and {frames[1]:g}.",
            _modifiers(obj),
        )


def _modifiers(obj: bpy.types.Object) -> str:
    shown = ", ".join(f"'{modifier.name}'" for modifier in obj.modifiers if modifier.show_viewport)
    return f"See whether a modifier hides its keys: {shown}." if shown else "See what holds its mesh."


def _reason(obj: bpy.types.Object, name: str) -> str:
    """The likely cause, as a remedy."""
    if drivers_of(obj.data.shape_keys, [name]):
        return f"The key '{name}' has a driver: delete it, or animate what drives it."
    for each in obstacles.obstacles(obj, [name]):
        return f"{each.text} {each.remedy}"
    return "See what else moves this key, in the Nonlinear Animation editor and among its drivers."
