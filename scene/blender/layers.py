"""Actions of the animator's beside those of Duet: layered under the speech, or set aside, never lost or moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import bpy
import numpy as np

from ...inference.errors import HeadError
from . import actions, rest_track, shape_keys, stage
from .loose import Animated

_BEYOND = 10_000  # frames that a strip reaches beyond its keys where their curves go on: cycles, noise, straight lines
_ALIKE = 2e-3  # of the larger of 1 and what a curve spans: within it, two values are the same
_SET_ASIDE = "Choose Set Aside under Options, or move it to an NLA track yourself."


def make_way(
    scene: bpy.types.Scene, objects: Sequence[bpy.types.Object], datablocks: Sequence[Animated], layer: bool
) -> list[str]:
    """Free the active actions of data-blocks of objects for a take, where they are not Duet's; return notes on them.

    With `layer` each goes on playing from an NLA track of its own as it played before; without, it is only kept in
    the file. Raises HeadError where it would not play on the same.
    """
    own = [datablock for datablock in datablocks if _is_in_the_way(datablock)]
    if not layer:
        return [_set_aside(datablock) for datablock in own]
    with _playing_on(scene, objects, own):
        return [_layered(datablock) for datablock in own]


def _is_in_the_way(datablock: Animated) -> bool:
    action = actions.action_of(datablock)
    return action is not None and not actions.made_by_duet(action)


def _set_aside(datablock: Animated) -> str:
    action = datablock.animation_data.action
    action.use_fake_user, datablock.animation_data.action = True, None
    return f"The earlier action '{action.name}' is kept (fake user)."


def _layered(datablock: Animated) -> str:
    """Move the active action to a track with the settings that it had as the active action, which go back to usual."""
    animation = datablock.animation_data
    action = animation.action
    action.use_fake_user = True
    mixed = _nla_plays(animation)  # else Blender plays the action as it is, whatever its settings say
    blend, hold = animation.action_blend_type, animation.action_extrapolation
    influence = animation.action_influence if mixed else 1.0
    slot = animation.action_slot
    track = push(datablock, action, slot, "", blend if mixed else "REPLACE", hold if mixed else "HOLD")
    if influence < 1:
        _set_influence(track.strips[0], influence)
    animation.action_blend_type, animation.action_extrapolation, animation.action_influence = "REPLACE", "HOLD", 1.0
    return f"Your action '{action.name}' plays on from the NLA track '{track.name}' under the speech."


def _nla_plays(animation: bpy.types.AnimData) -> bool:
    return animation.use_nla and any(not strip.mute for track in animation.nla_tracks if not track.mute
                                     for strip in track.strips)  # fmt: skip


def push(
    datablock: Animated,
    action: bpy.types.Action,
    slot: bpy.types.ActionSlot | None,
    name: str = "",
    blend: str = "REPLACE",
    extrapolation: str = "HOLD",
    span: tuple[float, float] | None = None,
) -> bpy.types.NlaTrack:
    """Play a slot of the action from a new NLA track on top of the others, each key at its own frame.

    The strip covers `span`; without it, the slot's keys, and far more where curves go on beyond their keys.
    """
    animation = datablock.animation_data or datablock.animation_data_create()
    if blend == "COMBINE" and actions.made_by_duet(action) and rest_track.is_needed(datablock):
        rest_track.hold(datablock, action, slot)
        blend = "ADD"
    chosen = animation.nla_tracks.active
    track = animation.nla_tracks.new()
    animation.nla_tracks.active = chosen
    track.name = name or action.name
    first, last = span or _span_of(action, slot, extrapolation)
    strip = track.strips.new(action.name, int(np.floor(first)), action)
    if slot is not None:
        strip.action_slot = slot
    strip.use_sync_length = False  # after tweaking, Blender would give the strip the frames of the whole action
    span_strip(strip, first, max(last, first + 1))
    strip.blend_type, strip.extrapolation = blend, extrapolation
    if animation.action == action:
        animation.action = None
    return track


def span_strip(
    strip: bpy.types.NlaStrip, first: float, last: float, ease_in: float = 0.0, ease_out: float = 0.0
) -> None:
    """Let the strip play these frames of its action where they are, come in and go out over some of them."""
    strip.use_auto_blend = False
    strip.blend_in = strip.blend_out = 0.0
    for low, high in (("action_frame_start", "action_frame_end"), ("frame_start", "frame_end")):
        ends = ((low, first), (high, last))
        for name, frame in ends if first < getattr(strip, low) else ends[::-1]:  # Blender lets none pass the other
            setattr(strip, name, frame)
    strip.scale = strip.repeat = 1.0
    strip.blend_in, strip.blend_out = ease_in, ease_out


def _span_of(action: bpy.types.Action, slot: bpy.types.ActionSlot | None, extrapolation: str) -> tuple[float, float]:
    """The first and last frame, fractions included, in which the slot's curves have something to say."""
    curves = [curve for bag in actions.bags_in(action, slot) for curve in bag.fcurves]
    ranges = [curve.range()[:] for curve in curves if len(curve.keyframe_points) or len(curve.sampled_points)]
    if not ranges:
        return action.frame_range[0], action.frame_range[1]
    first, last = min(low for low, _ in ranges), max(high for _, high in ranges)
    if extrapolation != "NOTHING" and any(_goes_on(curve) for curve in curves):
        last = float(np.ceil(last)) + _BEYOND
        first = float(np.floor(first)) - _BEYOND if extrapolation == "HOLD" else first
    return first, last


def _goes_on(curve: bpy.types.FCurve) -> bool:
    return curve.extrapolation == "LINEAR" or any(not modifier.mute for modifier in curve.modifiers)


def _set_influence(strip: bpy.types.NlaStrip, value: float) -> None:
    strip.use_animated_influence = True  # else Blender computes it from the blends in and out
    for curve in strip.fcurves:
        if curve.data_path == "influence":
            curve.keyframe_points.clear()
            curve.keyframe_points.insert(strip.frame_start, value)


def empty_tracks(datablocks: Sequence[Animated]) -> list[tuple[Animated, bpy.types.NlaTrack]]:
    """(data-block, track) of Duet's strips whose action somebody has deleted."""
    return [
        (datablock, track)
        for datablock in datablocks
        for track in (datablock.animation_data.nla_tracks if datablock.animation_data else ())
        if len(track.strips) == 1 and track.strips[0].action is None and track.strips[0].extrapolation == "NOTHING"
    ]


@contextmanager
def _playing_on(
    scene: bpy.types.Scene, objects: Sequence[bpy.types.Object], datablocks: Sequence[Animated]
) -> Iterator[None]:
    """Raise HeadError where what the active actions move is not the same after the block as before."""
    moved = {datablock: _channels(datablock) for datablock in datablocks}
    channels = [channel for each in moved.values() for channel in each]
    if not channels:
        yield
        return
    frames = _telling_frames(scene, datablocks)
    seen = list(dict.fromkeys([*objects, *(each for each in datablocks if isinstance(each, bpy.types.Object))]))
    with stage.staged(scene, seen) as apart:
        before = apart.values(channels, frames)
    names = {datablock: datablock.animation_data.action.name for datablock in datablocks}
    yield
    with stage.staged(scene, seen) as apart:
        after = apart.values(channels, frames)
    slack = _ALIKE * np.maximum(1.0, np.ptp(before, axis=0))
    off = np.abs(after - before) > slack
    if off.any():
        row, column = np.argwhere(off)[0]
        datablock, path, _ = channels[column]
        message = f"Your action '{names[datablock]}' would not play on the same under the speech: {path} would be "
        message += f"{after[row, column]:.3g} instead of {before[row, column]:.3g} at frame {frames[row]:g}."
        raise HeadError(message, _SET_ASIDE)


def _channels(datablock: Animated) -> list[stage.Channel]:
    """What the active action moves, where it is a number."""
    animation, found = datablock.animation_data, []
    for bag in actions.bags_in(animation.action, animation.action_slot):
        for curve in bag.fcurves:
            try:
                value = datablock.path_resolve(curve.data_path)
            except ValueError:
                continue  # a curve of something that is gone
            if isinstance(value, (bool, int, float)):
                found.append((datablock, curve.data_path, -1))
            elif not isinstance(value, str) and hasattr(value, "__getitem__"):
                found.append((datablock, curve.data_path, curve.array_index))
    return found


def _telling_frames(scene: bpy.types.Scene, datablocks: Sequence[Animated]) -> list[float]:
    """Frames at the ends of the actions' keys, between and beyond them, and at the scene's ends."""
    found = {float(scene.frame_start), float(scene.frame_end)}
    for datablock in datablocks:
        animation = datablock.animation_data
        curves = [curve for bag in actions.bags_in(animation.action, animation.action_slot) for curve in bag.fcurves]
        ranges = [curve.range()[:] for curve in curves if len(curve.keyframe_points)]
        for first, last in (min(ranges), max(ranges)) if ranges else ():
            found |= {first - 7.25, first, first + 0.4 * (last - first), last, last + 11.5}
    return sorted(found)


@contextmanager
def resting_keys(key: bpy.types.Key) -> Iterator[None]:
    """Set to 0 the shape keys that a curve moved before the block and none does after it.

    The last frame's value would stay in them. A value that was set by hand, without a key, is kept.
    """
    before = actions.keyed_paths(key)
    yield
    still = actions.held_paths(key)
    for block in key.key_blocks:
        path = shape_keys.value_path(block.name)
        if path in before and path not in still:
            block.value = 0.0
