"""Keys at rest where no strip plays them, in the one Blender (5.0) that takes 1 for a shape key's rest.

There the NLA shows 1 outside every strip of a key, and *Combine* counts from 1. So Duet's strips add instead, over a
track under them that holds at 0 what they move and the animator's tracks do not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import bpy
import numpy as np

from . import actions, compat
from .loose import Animated, has

_LOG = logging.getLogger("duet")
_MARKER = "duet_rest"  # of the action
_NAME = "Duet Rest"
# A strip's settings, in an order in which Blender takes each as it is.
_SETTINGS = (
    *("use_sync_length", "use_auto_blend", "action_frame_start", "action_frame_end", "scale", "repeat"),
    *("frame_start", "frame_end", "blend_in", "blend_out", "blend_type", "extrapolation", "influence"),
    *("use_reverse", "use_animated_time_cyclic", "mute", "select"),
)


def is_needed(datablock: Animated) -> bool:
    """Whether this Blender lets what the data-block plays rest at 1."""
    return isinstance(datablock, bpy.types.Key) and compat.RESTS_AT_ONE


def hold(key: bpy.types.Key, action: bpy.types.Action, slot: bpy.types.ActionSlot | None) -> None:
    """Let the keys that the slot moves rest at 0 where it does not play; called before its track is made."""
    animation = key.animation_data or key.animation_data_create()
    track = _track_of(animation) or _track_on(key)
    tracks = list(animation.nla_tracks)
    _hold(track, key, _moved(action, slot) - _moved_on(tracks[: tracks.index(track) + 1]))


def lay_again(key: bpy.types.Key) -> bool:
    """Lay strips that were saved by another Blender over a held rest; False where none is such, or one cannot be.

    Blender puts no track under others: all are made anew, in their order, with what was set on them.
    """
    animation = key.animation_data
    if animation is None or not is_needed(key):
        return False
    tracks = list(animation.nla_tracks)
    strips = [strip for track in tracks for strip in track.strips]
    combined = [strip for strip in strips if strip.blend_type == "COMBINE" and actions.made_by_duet(strip.action)]
    if not combined or _track_of(animation):
        return False
    if not all(map(_is_plain, strips)):
        _LOG.warning("%s: strips with curves of their own stay; where no line plays, its keys show 1.", key.name)
        return False
    paths = set().union(*(_moved(strip.action, strip.action_slot) for strip in combined))
    _hold(_track_on(key), key, paths)
    for strip in combined:
        strip.blend_type = "ADD"
    for track in tracks:
        _copy(track, animation.nla_tracks.new())
        animation.nla_tracks.remove(track)
    return True


def alone(key: bpy.types.Key) -> set[str]:
    """The data paths that nothing but the held rest moves now."""
    animation = key.animation_data
    track = _track_of(animation) if animation else None
    if track is None:
        return set()
    others = _moved_on(other for other in animation.nla_tracks if other != track)
    return _moved_on([track]) - others - _moved(animation.action, animation.action_slot)


def let_go(key: bpy.types.Key) -> None:
    """Remove the track where nothing of Duet's plays over it any more."""
    animation = key.animation_data
    track = _track_of(animation) if animation else None
    others = [strip.action for each in animation.nla_tracks if each != track for strip in each.strips] if track else []
    if track and not any(actions.made_by_duet(action) for action in others):
        action = track.strips[0].action
        animation.nla_tracks.remove(track)
        bpy.data.actions.remove(action)


def _track_on(key: bpy.types.Key) -> bpy.types.NlaTrack:
    """A new track, on top of the others, that holds nothing yet."""
    made = bpy.data.actions.new(_NAME)
    made[actions.MARKER] = made[_MARKER] = True
    actions.ensure_bag(made, key)
    animation = key.animation_data
    chosen, track = animation.nla_tracks.active, animation.nla_tracks.new()
    animation.nla_tracks.active = chosen
    track.name = _NAME
    strip = track.strips.new(_NAME, 0, made)
    strip.action_slot = actions.slot_for(made, "KEY")
    strip.blend_type, strip.extrapolation = "REPLACE", "HOLD"
    return track


def _hold(track: bpy.types.NlaTrack, key: bpy.types.Key, paths: set[str]) -> None:
    bag = actions.ensure_bag(track.strips[0].action, key)
    for path in paths:
        actions.write_curve(bag, path, np.zeros(1), np.zeros(1, np.float32))


def _is_plain(strip: bpy.types.NlaStrip) -> bool:
    return strip.type == "CLIP" and strip.action is not None and not strip.fcurves and not strip.modifiers


def _copy(old: bpy.types.NlaTrack, new: bpy.types.NlaTrack) -> None:
    new.name = old.name
    for strip in old.strips:
        copied = new.strips.new(strip.name, int(np.floor(strip.frame_start)), strip.action)
        copied.action_slot = strip.action_slot
        for name in _SETTINGS:
            setattr(copied, name, getattr(strip, name))
    new.mute, new.lock, new.select = old.mute, old.lock, old.select
    if old.is_solo:  # to say False of one would end another's
        new.is_solo = True


def _moved(action: bpy.types.Action | None, slot: bpy.types.ActionSlot | None) -> set[str]:
    """The data paths that a slot of an action has curves for."""
    return {curve.data_path for bag in actions.bags_in(action, slot) for curve in bag.fcurves}


def _moved_on(tracks: Iterable[bpy.types.NlaTrack]) -> set[str]:
    """The data paths that the strips of some tracks have curves for."""
    strips = (strip for track in tracks for strip in track.strips)
    return set().union(*(_moved(strip.action, strip.action_slot) for strip in strips))


def _track_of(animation: bpy.types.AnimData) -> bpy.types.NlaTrack | None:
    tracks = (track for track in animation.nla_tracks if len(track.strips) == 1 and track.strips[0].action)
    return next((track for track in tracks if has(track.strips[0].action, _MARKER)), None)
