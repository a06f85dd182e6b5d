"""All or nothing: what a write changes on a mesh object and its scene is put back where the write fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import bpy

from . import drivers, states
from .loose import Animated

_ACTIVE = ("action_influence", "action_blend_type", "action_extrapolation", "use_nla")


@contextmanager
def all_or_nothing(scene: bpy.types.Scene, obj: bpy.types.Object, others: Sequence[Animated] = ()) -> Iterator[None]:
    """Put the object, its keys, its armatures, other data-blocks and the scene back where the block raises.

    Curves and drivers that existed before are not remembered: the block changes them last, from checked data.
    """
    key = states.keys_of(obj)
    datablocks = dict.fromkeys((obj, *([key] if key else []), *states.rigs_of(obj), *others))
    with ExitStack() as undo:  # runs backwards: data-blocks go after what uses them
        for collection in (bpy.data.actions, bpy.data.sounds):
            undo.callback(_remove_new, collection, set(collection))
        _remember_strips(scene, undo)
        for datablock in datablocks:
            _remember_animation(datablock, undo)
            undo.callback(_restore_properties, datablock, dict(datablock.items()))
            if isinstance(datablock, bpy.types.Key):
                undo.callback(setattr, datablock, "use_relative", datablock.use_relative)
                for block in datablock.key_blocks:
                    undo.callback(_restore_block, block, block.slider_min, block.slider_max, block.value, block.mute)
            elif isinstance(datablock, bpy.types.Object):
                undo.callback(setattr, datablock, "show_only_shape_key", datablock.show_only_shape_key)
        if key is not None:
            undo.callback(_remove_new_keys, obj, set(key.key_blocks.keys()))
        yield
        undo.pop_all()


def _remove_new(collection: Any, before: set[Any]) -> None:
    for item in set(collection) - before:
        collection.remove(item)


def _remember_strips(scene: bpy.types.Scene, undo: ExitStack) -> None:
    if scene.sequence_editor is None:
        undo.callback(scene.sequence_editor_clear)
    else:
        strips = scene.sequence_editor.strips
        undo.callback(_remove_new, strips, set(strips))


def _remember_animation(datablock: Animated, undo: ExitStack) -> None:
    animation = datablock.animation_data
    if animation is None:
        undo.callback(datablock.animation_data_clear)
        return
    for name in _ACTIVE:
        undo.callback(setattr, animation, name, getattr(animation, name))
    if animation.action is not None:
        undo.callback(setattr, animation.action, "use_fake_user", animation.action.use_fake_user)
    undo.callback(_restore_action, datablock, animation.action, animation.action_slot)
    for track in animation.nla_tracks:
        undo.callback(setattr, track, "mute", track.mute)
        for strip in track.strips:
            undo.callback(_restore_strip, strip, strip.action, strip.action_slot, strip.mute)
        if track.is_solo:
            undo.callback(setattr, track, "is_solo", True)
    undo.callback(setattr, animation.nla_tracks, "active", animation.nla_tracks.active)
    undo.callback(_remove_new, animation.nla_tracks, set(animation.nla_tracks))


def _restore_action(datablock: Animated, action: bpy.types.Action | None, slot: bpy.types.ActionSlot | None) -> None:
    datablock.animation_data.action = action
    if action is not None:
        datablock.animation_data.action_slot = slot


def _restore_strip(
    strip: bpy.types.NlaStrip, action: bpy.types.Action | None, slot: bpy.types.ActionSlot | None, mute: bool
) -> None:
    strip.mute = mute
    if strip.action != action:
        strip.action, strip.action_slot = action, slot


def _restore_properties(datablock: Animated, before: dict[str, Any]) -> None:
    for name in set(datablock.keys()) - set(before):
        del datablock[name]
    for name, value in before.items():
        if not isinstance(value, (bytes, str, int, float)):
            continue  # groups of other add-ons, which no bake touches
        if isinstance(value, bytes):  # written over other bytes, Blender would cut them at the first zero
            del datablock[name]
        datablock[name] = value


def _remove_new_keys(obj: bpy.types.Object, before: set[str]) -> None:
    key = obj.data.shape_keys
    added = [block for block in key.key_blocks if block.name not in before]
    drivers.undrive(key, [block.name for block in added])
    for block in added:
        obj.shape_key_remove(block)


def _restore_block(block: bpy.types.ShapeKey, low: float, high: float, value: float, mute: bool) -> None:
    block.slider_min, block.slider_max, block.value, block.mute = low, high, value, mute
