"""A take straight on a head of another make, with its sound: no Duet head is needed in the scene."""

from __future__ import annotations

import bpy

from ..inference.audio.loudness import pauses
from ..inference.errors import AudioError
from ..inference.performance.face import FaceCurves
from ..inference.performance.performance import Performance
from ..inference.steps import Steps
from ..inference.take import Take
from .bake import Recording
from .blender import timing
from .blender.loose import duet_of
from .head import heads
from .take import sound
from .targets import playback, rig_poses
from .targets.makes import Applied, make_of


def require_target(obj: bpy.types.Object | None) -> bpy.types.Object:
    """The object, where it can be animated now; raises HeadError with the reason and a remedy."""
    return obj if obj is not None and rig_poses.is_rig(obj) else playback.require_target(obj)


def apply_steps(
    scene: bpy.types.Scene, target: bpy.types.Object, take: Take, recording: Recording, own: Performance
) -> Steps[tuple[Applied, list[str]]]:
    """Key the target with a take as it is performed, and add its sound; what came of it, and notes for the user.

    Raises HeadError, and then leaves the target as it was.
    """
    timing.require_unstretched(scene)
    face = FaceCurves(take, own, timing.scene_fps(scene), pauses(recording.loudness))
    played = playback.of_face(face, f"Duet {recording.path.stem}", recording.start)
    done = yield from make_of(target).apply_steps(scene, _at_once(played), target, duet_of(scene).clear_way)
    silent = _add_sound(scene, target, recording, face.frames)
    notes = (silent, timing.outside(scene, recording.start), recording.note)
    return done, [note for note in notes if note]


def _at_once(played: playback.Playback) -> Steps[playback.Playback]:
    yield 0.0
    return played


def _add_sound(scene: bpy.types.Scene, target: bpy.types.Object, recording: Recording, length: int) -> str:
    """The recording as the target's sound strip, in place of an earlier one, and a scene that is long enough.

    What keeps it from being heard, for the face is there already; mostly nothing.
    """
    heads.ensure_id(target)
    scene.frame_end = max(scene.frame_end, recording.start + length - 1)
    earlier, strip = sound.strips_of(scene, target), None
    if recording.own_strip:
        skip = round(recording.begin * timing.scene_fps(scene))
        try:
            strip = sound.add_strip(scene, target, recording.path, recording.start, length, skip)
        except AudioError as error:
            return str(error)
    sound.replace_strips(scene, earlier, strip)
    return ""
