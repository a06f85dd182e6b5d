"""Actions of the animator's beside those of Duet: layered under the speech, or set aside, never lost."""

from __future__ import annotations

import bpy

from . import actions


def make_way(datablock: bpy.types.ID, layer: bool) -> list[str]:
    """Free the data-block's active action for a take, where it plays one that is not Duet's; return a note on it.

    With `layer` the action goes on playing from an NLA track of its own; without, it is only kept in the file.
    """
    action = actions.action_of(datablock)
    if action is None or actions.made_by_duet(action):
        return []
    action.use_fake_user = True
    if not layer:
        return [f"The earlier action '{action.name}' is kept (fake user)."]
    track = push(datablock, action, datablock.animation_data.action_slot)
    return [f"Your action '{action.name}' plays on from the NLA track '{track.name}' under the speech."]


def push(
    datablock: bpy.types.ID,
    action: bpy.types.Action,
    slot: bpy.types.ActionSlot | None,
    name: str = "",
    blend: str = "REPLACE",
    extrapolation: str = "HOLD",
) -> bpy.types.NlaTrack:
    """Play a slot of the action from a new NLA track on top of the others, at the frames of its keys."""
    animation = datablock.animation_data or datablock.animation_data_create()
    track = animation.nla_tracks.new()
    track.name = name or action.name
    first = int(action.frame_range[0])
    strip = track.strips.new(action.name, first, action)
    if slot is not None:
        strip.action_slot = slot
    strip.blend_type, strip.extrapolation = blend, extrapolation
    if animation.action == action:
        animation.action = None
    return track


def push_take(obj: bpy.types.Object, action: bpy.types.Action) -> list[str]:
    """Move the take that the head plays to NLA tracks, on the keys and on the object; return the tracks' names."""
    names = []
    for datablock in (obj.data.shape_keys, obj):
        if actions.action_of(datablock) == action:
            slot = datablock.animation_data.action_slot
            names.append(push(datablock, action, slot, extrapolation="NOTHING").name)
    return names
