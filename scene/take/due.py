"""What is to show after a write: asked of Blender at a few frames (`checks.verify`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import bpy
import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ..blender import actions, shape_keys


class Due(NamedTuple):
    """What is to show: keys of a mesh (N), and their values (T, N) at frames (T,)."""

    names: Sequence[str]
    frames: NDArray[Any]
    values: Floats


def due_of(action: bpy.types.Action, key: bpy.types.Key, names: Sequence[str]) -> Due:
    """What the action's curves say at a few frames, hand-made changes included."""
    bag = actions.ensure_bag(action, key)
    curves = [bag.fcurves.find(shape_keys.value_path(name)) for name in names]
    if not curves or any(curve is None or curve.mute for curve in curves):
        return Due(names, np.zeros(0), np.zeros((0, len(names)), np.float32))  # somebody has removed some
    first, last = map(int, curves[0].range()[:])
    frames = np.unique(np.linspace(first, last, 7).round())
    values = [[curve.evaluate(frame) for curve in curves] for frame in frames]
    return Due(names, frames, np.array(values, np.float32))
