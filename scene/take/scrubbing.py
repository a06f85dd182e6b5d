"""Scrubbing: dragging the playhead is heard while a take plays, and is as it was before once none does."""

from __future__ import annotations

import bpy

from ..blender.loose import duet_of
from ..head import heads
from . import takes


def follow(scene: bpy.types.Scene) -> None:
    """Switch the scene's scrubbing on where a head plays a take, else back; what the user switches off stays off."""
    chosen = duet_of(scene)
    if any(takes.active(obj) for obj in heads.heads_of(scene)):
        if not scene.use_audio_scrub and not chosen.scrubs:
            scene.use_audio_scrub = chosen.scrubs = True
    elif chosen.scrubs:
        scene.use_audio_scrub = chosen.scrubs = False
