"""What stands between a take and what the user sees and hears of it now, for the panel to say."""

from __future__ import annotations

import bpy

from ...inference.errors import HeadError
from ..blender import timing
from ..blender.loose import duet_of
from ..head import emotions, feelings, heads, ownership
from . import obstacles


def of_take(scene: bpy.types.Scene, head: bpy.types.Object, action: bpy.types.Action) -> list[str]:
    """Sentences on what hides the take that the head plays, or what its sound; mostly none."""
    said = of_face(scene, head, action)
    if not scene.use_audio:
        said.append("The scene's audio is muted: the take is not heard. Switch it on under Playback in the Timeline.")
    return said


def of_face(scene: bpy.types.Scene, head: bpy.types.Object, action: bpy.types.Action) -> list[str]:
    """Those on what hides the take's face, or takes it away from its sound: for exports as well."""
    said, speech = [], ownership.speaking(head.data.shape_keys)
    try:
        obstacles.require_undriven(head, speech)
        obstacles.require_clear(head, [*speech, *emotions.shown_by(head)], lift=False)
    except HeadError as error:
        said.append(str(error))
    written, rate = duet_of(action).fps, timing.scene_fps(scene)
    other = heads.scene_at_rate(scene, duet_of(action).head, written)
    if other is not None:
        said.append(
            f"The scene '{other.name}' plays the take at {written:.5g} frames per second and this one {rate:.5g}: here "
            "the face leaves the sound. Give both one frame rate, or copy the head for this one."
        )
    elif written and not timing.is_rate(scene, written):
        said.append(
            f"The take was written at {written:.5g} frames per second and the scene plays {rate:.5g}: the face leaves "
            "the sound. Set the frame rate back, or generate anew."
        )
    own = duet_of(action)
    if own.upper_face != own.lips and not feelings.knows_mouth(head):
        said.append(
            f"'{head.name}' comes from a library, of a version before: its mouth feels as the rest of the face does. "
            "Add its emotions in the library's file, or make the head local."
        )
    if scene.render.frame_map_old != scene.render.frame_map_new:
        said.append("Time Stretching is on: the face leaves the sound.")
    return said
