"""Keys at rest where no strip plays them, in the one Blender (5.0) that takes 1 for a shape key's rest.

There the NLA shows 1 outside every strip of a key, and *Combine* counts from 1. So Duet's strips add instead, over a
track under them that holds at 0 what they move and the animator's tracks do not.
"""

from __future__ import annotations

import bpy
import numpy as np

from . import actions, compat
from .loose import Animated, has

_MARKER = "duet_rest"  # of the action
_NAME = "Duet Rest"


def is_needed(datablock: Animated) -> bool:
    """Whether this Blender lets what the data-block plays rest at 1."""
    return isinstance(datablock, bpy.types.Key) and compat.RESTS_AT_ONE


def hold(key: bpy.types.Key, action: bpy.types.Action, slot: bpy.types.ActionSlot | None) -> None:
    """Let the keys that the slot moves rest at 0 where it does not play; called before its track is made."""
    animation = key.animation_data or key.animation_data_create()
    track = _track_of(animation)
    if track is None:
        made = bpy.data.actions.new(_NAME)
        made[actions.MARKER] = made[_MARKER] = True
        actions.ensure_bag(made, key)
        chosen, track = animation.nla_tracks.active, animation.nla_tracks.new()
        animation.nla_tracks.active = chosen
        track.name = _NAME
        strip = track.strips.new(_NAME, 0, made)
        strip.action_slot = actions.slot_for(made, "KEY")
        strip.blend_type, strip.extrapolation = "REPLACE", "HOLD"
    bag = actions.ensure_bag(track.strips[0].action, key)
    tracks = list(animation.nla_tracks)
    held = {curve.data_path for curve in bag.fcurves}
    for strip in (strip for below in tracks[: tracks.index(track)] for strip in below.strips):
        held |= _moved(strip.action, strip.action_slot)
    for path in _moved(action, slot) - held:
        actions.write_curve(bag, path, np.zeros(1), np.zeros(1, np.float32))


def let_go(key: bpy.types.Key) -> None:
    """Remove the track where nothing of Duet's plays over it any more."""
    animation = key.animation_data
    track = _track_of(animation) if animation else None
    others = [strip.action for each in animation.nla_tracks if each != track for strip in each.strips] if track else []
    if track and not any(actions.made_by_duet(action) for action in others):
        action = track.strips[0].action
        animation.nla_tracks.remove(track)
        bpy.data.actions.remove(action)


def _moved(action: bpy.types.Action | None, slot: bpy.types.ActionSlot | None) -> set[str]:
    """The data paths that a slot of an action has curves for."""
    return {curve.data_path for bag in actions.bags_in(action, slot) for curve in bag.fcurves}


def _track_of(animation: bpy.types.AnimData) -> bpy.types.NlaTrack | None:
    tracks = (track for track in animation.nla_tracks if len(track.strips) == 1 and track.strips[0].action)
    return next((track for track in tracks if has(track.strips[0].action, _MARKER)), None)
