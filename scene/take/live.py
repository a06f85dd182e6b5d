"""A head that listens: frames of `duet live` on its speech keys and its silence, and put back as they were after it.

Nothing is keyed. What plays a curve of its own on those keys plays on as soon as the scene's frame changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ...inference.formats.live_datagrams import LiveFrame
from ..blender.loose import has
from ..head import heads, sliders


@dataclass(frozen=True)
class Before:
    """What a head's speech keys and its silence were."""

    head: str
    values: dict[str, float]
    silence: float | None


def remember(obj: bpy.types.Object) -> Before:
    """What to put back."""
    blocks = obj.data.shape_keys.key_blocks
    silence = obj.get(sliders.SILENCE)
    return Before(obj.name, {block.name: block.value for block in blocks[1:]}, silence)


def show(obj: bpy.types.Object, frame: LiveFrame) -> int:
    """Set the keys that the frame names; return how many the head lacks."""
    blocks, lacking = obj.data.shape_keys.key_blocks, 0
    for name, value in frame.speech.items():
        block = blocks.get(name)
        if block is None:
            lacking += 1
        else:
            block.value = value
    if has(obj, sliders.SILENCE):
        obj[sliders.SILENCE] = frame.silence
    obj.data.shape_keys.update_tag()
    obj.update_tag()
    return lacking


def put_back(before: Before) -> None:
    """Set what was remembered, where the head is still there."""
    obj: bpy.types.Object | None = bpy.data.objects.get(before.head)
    if obj is None or not heads.is_head(obj):
        return
    for name, value in before.values.items():
        block = obj.data.shape_keys.key_blocks.get(name)
        if block is not None:
            block.value = value
    if before.silence is not None and has(obj, sliders.SILENCE):
        obj[sliders.SILENCE] = before.silence
    obj.data.shape_keys.update_tag()
    obj.update_tag()
