"""What is left of a take or line whose action somebody has deleted or taken off the head, or whose head is gone.

Blender keeps the sound in the sequencer, the life and empty strips in the NLA, and every value as it stood last.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..blender import actions, layers, rest_track, shape_keys, states
from ..blender.loose import Animated
from ..head import emotions, ownership, sliders
from . import life, lines, listening, sound


@dataclass(frozen=True)
class LeftOver:
    """Sounds, whose life (ids of lines, empty for a take's that was alone), strips that have nothing to play, and the
    speech keys that are not at rest though nothing moves them."""

    sounds: list[bpy.types.Strip]
    living: set[str]
    empty: list[tuple[Animated, bpy.types.NlaTrack]]
    standing: list[bpy.types.ShapeKey]

    def __bool__(self) -> bool:
        return bool(self.sounds or self.living or self.empty)

    @property
    def sentence(self) -> str:
        """What it is, for the panel."""
        parts = [f"the sound '{strip.name}'" for strip in self.sounds]
        parts += ["life"] if self.living else []
        parts += ["the pose of the face"] if self.standing else []
        return f"Left of what plays no more: {', '.join(parts or ['strips with nothing in them'])}."


def find(scene: bpy.types.Scene, obj: bpy.types.Object) -> LeftOver:
    """What is left on the head, and of sounds in the scene: its own, and those of heads that somebody has deleted."""
    key = obj.data.shape_keys
    resting, speaking = rest_track.alone(key), ownership.speaking(key)
    moved = actions.keyed_paths(key) - resting
    still = [name for name in speaking if shape_keys.value_path(name) not in moved]
    known = {listening.LISTENING, *(line.id for line in lines.on(obj))}
    if len(still) < len(speaking):  # a take, its plain keys, also pushed down by hand
        known.add("")
    nobodys = sound.strips_of_nobody(scene)
    return LeftOver(
        [*(each for each in sound.strips_of(scene, obj, None) if sound.line_of(each) not in known), *nobodys],
        life.lines_of(obj) - known,
        layers.empty_tracks([key, obj]),
        [
            key.key_blocks[name]
            for name in still
            if key.key_blocks[name].value or shape_keys.value_path(name) in resting
        ],
    )


def clear(scene: bpy.types.Scene, obj: bpy.types.Object) -> bool:
    """Remove what is left, and bring the face to rest where it stands as it was left; whether there was anything.

    Raises HeadError.
    """
    states.require_writable(obj)
    left = find(scene, obj)
    if not left:
        return False
    for line in left.living:
        life.remove(obj, line)
    sound.replace_strips(scene, left.sounds, None)
    for datablock, track in left.empty:
        datablock.animation_data.nla_tracks.remove(track)
    rest_track.let_go(obj.data.shape_keys)
    for block in left.standing:
        block.value = 0.0
    if left.standing:
        sliders.rest(obj, emotions.on(obj))
    listening.refresh(scene)
    return True
