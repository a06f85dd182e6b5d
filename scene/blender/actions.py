"""F-curves in bulk, in layered actions: each data-block has its own slot."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.steps import Steps
from . import compat
from .loose import Animated, Kind, has

MARKER = "duet"  # custom property of the actions that Duet has made
_LINEAR, _BEZIER, _ALIGNED, _AUTO_CLAMPED = 1, 2, 3, 4  # Blender's numbers, which foreach_set wants


def new_action(name: str) -> bpy.types.Action:
    """An empty action of Duet's, which the file keeps even while nothing plays it."""
    action = bpy.data.actions.new(name)
    action[MARKER] = True
    action.use_fake_user = True
    return action


def made_by_duet(action: bpy.types.Action | None) -> bool:
    """Whether Duet made this action."""
    return action is not None and has(action, MARKER)


def action_of(datablock: Animated) -> bpy.types.Action | None:
    """The action that a data-block plays."""
    return datablock.animation_data.action if datablock.animation_data else None


def bags_of(datablock: Animated) -> list[bpy.types.ActionChannelbag]:
    """The F-curves of all that the data-block plays: its action, and the strips of its NLA tracks."""
    animation = datablock.animation_data
    if animation is None:
        return []
    played = [(animation.action, animation.action_slot)]
    played += [(strip.action, strip.action_slot) for track in animation.nla_tracks for strip in track.strips]
    return [bag for action, slot in played for bag in bags_in(action, slot)]


def keyed_paths(datablock: Animated) -> set[str]:
    """The data paths that these F-curves move."""
    return {curve.data_path for bag in bags_of(datablock) for curve in bag.fcurves}


def held_paths(datablock: Animated) -> set[str]:
    """The same, and those that a driver moves."""
    drivers = datablock.animation_data.drivers if datablock.animation_data else ()
    return keyed_paths(datablock) | {driver.data_path for driver in drivers}


def bags_in(action: bpy.types.Action | None, slot: bpy.types.ActionSlot | None) -> list[bpy.types.ActionChannelbag]:
    """The F-curves of a slot of an action; none where either is missing."""
    if action is None or slot is None:
        return []
    strips = strips_of(action)
    return [bag for strip in strips for bag in strip.channelbags if bag.slot_handle == slot.handle]


def strips_of(action: bpy.types.Action) -> list[Kind]:
    """What holds the action's F-curves: its layers' strips of keyframes."""
    return [strip for layer in action.layers for strip in layer.strips]


def curves_of(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    """The F-curves of all slots of an action."""
    return [curve for strip in strips_of(action) for bag in strip.channelbags for curve in bag.fcurves]


def slot_for(action: bpy.types.Action, kind: str) -> bpy.types.ActionSlot | None:
    """The action's slot for a kind of data-block, such as 'KEY' or 'OBJECT'; None where it has none."""
    return next((slot for slot in action.slots if slot.target_id_type == kind), None)


def ensure_bag(action: bpy.types.Action, datablock: Animated) -> bpy.types.ActionChannelbag:
    """The F-curves of the action's slot for this kind of data-block, both made where missing."""
    slot = slot_for(action, datablock.id_type) or action.slots.new(id_type=datablock.id_type, name=datablock.name)
    return compat.channelbag(action, slot)


def assign(datablock: Animated, action: bpy.types.Action, slot: bpy.types.ActionSlot | None = None) -> None:
    """Let the data-block play the action in this slot; else in its kind's slot, made where missing."""
    animation = datablock.animation_data or datablock.animation_data_create()
    animation.action = action
    slot = slot or slot_for(action, datablock.id_type)
    animation.action_slot = slot or action.slots.new(id_type=datablock.id_type, name=datablock.name)


def write_curve(
    bag: bpy.types.ActionChannelbag,
    path: str,
    frames: NDArray[Any],
    values: NDArray[Any],
    index: int = 0,
) -> None:
    """Replace the F-curve of `path` with keys at `frames` (n,) with `values` (n,), all at once."""
    curve = _new_curve(bag, path, frames, values, _LINEAR, index)
    for side in ("handle_left_type", "handle_right_type"):  # for when the animator turns a key to Bezier
        curve.keyframe_points.foreach_set(side, np.full(len(frames), _AUTO_CLAMPED, np.int32))
    curve.update()


def write_eased_curve(
    bag: bpy.types.ActionChannelbag, path: str, frames: NDArray[Any], values: NDArray[Any], index: int = 0
) -> None:
    """The same with level handles: between two keys Blender draws 3x^2 - 2x^3, whatever lies before and after."""
    curve = _new_curve(bag, path, frames, values, _BEZIER, index)
    points, gaps = curve.keyframe_points, np.diff(np.asarray(frames, float)) / 3
    sides = {"left": -np.concatenate([gaps[:1], gaps]), "right": np.concatenate([gaps, gaps[-1:]])}
    for side, reach in sides.items():
        points.foreach_set(f"handle_{side}_type", np.full(len(frames), _ALIGNED, np.int32))
        at = np.stack([np.asarray(frames, float) + (reach if len(gaps) else 0.0), values], axis=1)
        points.foreach_set(f"handle_{side}", at.astype(np.float32).ravel())
    curve.update()


def _new_curve(
    bag: bpy.types.ActionChannelbag,
    path: str,
    frames: NDArray[Any],
    values: NDArray[Any],
    interpolation: int,
    index: int,
) -> bpy.types.FCurve:
    old = bag.fcurves.find(path, index=index)
    if old is not None:
        bag.fcurves.remove(old)
    curve = bag.fcurves.new(path, index=index)
    points, count = curve.keyframe_points, len(frames)
    points.add(count)
    points.foreach_set("co", np.stack([frames, values], axis=1).astype(np.float32).ravel())
    points.foreach_set("interpolation", np.full(count, interpolation, np.int32))
    return curve


def remove_curves(bag: bpy.types.ActionChannelbag, paths: Iterable[str]) -> None:
    """Remove the F-curves of these data paths, where they exist."""
    wanted = set(paths)
    for curve in [curve for curve in bag.fcurves if curve.data_path in wanted]:
        bag.fcurves.remove(curve)


def keys_of(curve: bpy.types.FCurve) -> Floats:
    """The keys of a curve: (n, 2), frame and value."""
    keys = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", keys)
    return keys.reshape(-1, 2)


def checksum(bag: bpy.types.ActionChannelbag, paths: Iterable[str]) -> str:
    """A checksum of the keys of these paths: another one means that somebody has edited them."""
    total = 0
    for path in paths:
        curve = bag.fcurves.find(path)
        total = zlib.crc32(b"-" if curve is None else keys_of(curve).tobytes(), total)
    return f"{total:08x}"


def checksum_all(bag: bpy.types.ActionChannelbag) -> str:
    """A checksum of the keys of all curves."""
    total = 0
    for curve in bag.fcurves:
        total = zlib.crc32(keys_of(curve).tobytes(), zlib.crc32(curve.data_path.encode(), total))
    return f"{total:08x}"


def move_keys(curve: bpy.types.FCurve, frames: float) -> None:
    """Move all keys of the curve, with their handles, in time."""
    points = curve.keyframe_points
    for part in ("co", "handle_left", "handle_right"):
        flat = np.empty(2 * len(points), np.float32)
        points.foreach_get(part, flat)
        flat[::2] += frames
        points.foreach_set(part, flat)
    curve.update()


def sample_steps(bag: bpy.types.ActionChannelbag, paths: Sequence[str], frames: NDArray[Any]) -> Steps[Floats]:
    """The curves of these paths at frames (T,), one a step: (T, N); 0 where there is none."""
    out = np.zeros((len(frames), len(paths)), np.float32)
    for column, path in enumerate(paths):
        curve = bag.fcurves.find(path)
        if curve is not None and len(curve.keyframe_points):
            out[:, column] = _sampled(curve, frames)
            yield column / len(paths)
    return out


def _sampled(curve: bpy.types.FCurve, frames: NDArray[Any]) -> Floats:
    """A curve at frames (T,); read at once where it has a key on each, as Duet writes them."""
    keys = keys_of(curve)
    if len(keys) == len(frames) and np.array_equal(keys[:, 0], frames) and not curve.modifiers:
        return keys[:, 1]
    return np.array([curve.evaluate(float(frame)) for frame in frames], np.float32)
