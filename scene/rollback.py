"""All or nothing: what a bake changes on a head and its scene is put back where the bake fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import bpy

from . import drivers, heads


@contextmanager
def all_or_nothing(scene: bpy.types.Scene, obj: bpy.types.Object) -> Iterator[None]:
    """Put the head and the scene back as they were where the block raises anything.

    Curves and drivers that existed before are not remembered: the block changes them last, from checked data.
    """
    with ExitStack() as undo:  # runs backwards: data-blocks go after what uses them
        for collection in (bpy.data.actions, bpy.data.sounds):
            undo.callback(_remove_new, collection, set(collection))
        _remember_strips(scene, undo)
        for datablock in (obj, obj.data.shape_keys, *([heads.rig_of(obj)] if heads.rig_of(obj) else [])):
            _remember_animation(datablock, undo)
            undo.callback(_restore_properties, datablock, dict(datablock.items()))
        undo.callback(_remove_new_keys, obj, set(obj.data.shape_keys.key_blocks.keys()))
        for block in obj.data.shape_keys.key_blocks:
            undo.callback(_restore_block, block, block.slider_min, block.slider_max, block.value)
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


def _remember_animation(datablock: bpy.types.ID, undo: ExitStack) -> None:
    if datablock.animation_data is None:
        undo.callback(datablock.animation_data_clear)
    else:
        animation = datablock.animation_data
        undo.callback(_restore_action, datablock, animation.action, animation.action_slot)
        undo.callback(_remove_new, animation.nla_tracks, set(animation.nla_tracks))


def _restore_action(
    datablock: bpy.types.ID, action: bpy.types.Action | None, slot: bpy.types.ActionSlot | None
) -> None:
    datablock.animation_data.action = action
    if action is not None:
        datablock.animation_data.action_slot = slot


def _restore_properties(datablock: bpy.types.ID, before: dict[str, Any]) -> None:
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


def _restore_block(block: bpy.types.ShapeKey, low: float, high: float, value: float) -> None:
    block.slider_min, block.slider_max, block.value = low, high, value
