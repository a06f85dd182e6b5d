"""What stands between a take and what the user sees and hears of it now, for the panel to say."""

from __future__ import annotations

import bpy

from ..blender import timing
from ..head import emotions, ownership
from . import obstacles

_RATE = 1e-3  # frames per second


def of_take(scene: bpy.types.Scene, head: bpy.types.Object, action: bpy.types.Action) -> list[str]:
    """Sentences on what hides the take that the head plays, or takes its face away from its sound; mostly none."""
    said = []
    for each in obstacles.obstacles(head, [*ownership.speaking(head.data.shape_keys), *emotions.shown_by(head)]):
        said.append(f"{each.text} {each.remedy}")
        break
    written, rate = action.duet.fps, timing.scene_fps(scene)
    if written and abs(written - rate) > _RATE:
        said.append(
            f"The take was written at {written:.5g} frames per second and the scene plays {rate:.5g}: the face leaves "
            "the sound. Set the frame rate back, or generate anew."
        )
    if scene.render.frame_map_old != scene.render.frame_map_new:
        said.append("Time Stretching is on: the face leaves the sound.")
    return said
