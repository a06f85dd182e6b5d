"""Generate on Target: the recording straight on to a head of another make, with no Duet head in the scene."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import bpy

from ..inference.audio.checks import SAMPLE_RATE
from ..inference.audio.loudness import envelope, pauses
from ..inference.errors import AudioError, DuetError, HeadError
from ..inference.performance.face import FaceCurves
from ..scene import bake, choice
from ..scene.blender import timing
from ..scene.blender.loose import duet_of
from ..scene.head import heads
from ..scene.take import settings, sound
from ..scene.targets import arkit_heads, flame_bake, flame_heads, playback, rig_heads, rig_poses, target_settings
from . import arkit_apply, flame_apply, rig_apply
from .generate import recording_of
from .modal import Stepped, Work, follow
from .session import RUNTIME
from .worker_job import ask


class DUET_OT_target_generate(Stepped, bpy.types.Operator):
    """Turn the recording into speech and emotion on the target: a FLAME head, one with ARKit's shapes, or a bone rig"""

    bl_idname = "duet.target_generate"
    bl_label = "Generate on Target"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the target can speak, audio is chosen and no job runs."""
        reason = _why_not(context.scene)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def work(self, context: bpy.types.Context) -> Work:
        """Decode, let the worker animate, and solve for the target, found again by its name."""
        scene, target = context.scene, target_settings.target_of(context.scene)
        target = target if rig_poses.is_rig(target) else playback.require_target(target)
        timing.require_unstretched(scene)
        name, recording = target.name, recording_of(scene)
        request = choice.request_of(scene, recording.path.name)
        samples = yield from follow(sound.decode_steps(recording.path, recording.begin, recording.end), "Reading sound")
        take = yield from ask(context, request, samples)
        RUNTIME.exclusive, target = True, scene.objects.get(name)
        if target is None:
            raise HeadError(f"'{name}' was removed or renamed while Duet worked.", "Generate again.")
        own, loudness = settings.performance_of(choice.performance(scene)), envelope(samples, SAMPLE_RATE)
        face = FaceCurves(take, own, timing.scene_fps(scene), pauses(loudness))
        performance = playback.of_face(face, f"Duet {recording.path.stem}", recording.start)
        text = yield from _apply(scene, performance, target)
        silent = _add_sound(scene, target, recording, face.frames)
        said = (text, silent, timing.outside(scene, recording.start), recording.note)
        return " ".join(each for each in said if each)


def _apply(
    scene: bpy.types.Scene, performance: playback.Performance, target: bpy.types.Object
) -> Generator[float | None, None, str]:
    """Put the performance on the target, as a FLAME head or a bone rig where it is one."""
    if target.type == "ARMATURE":
        posing = rig_heads.apply_steps(scene, _at_once(performance), target, duet_of(scene).clear_way)
        return rig_apply.said((yield from follow(posing, "Solving poses")))
    if flame_heads.is_flame_head(target):
        steps: Generator[float, None, Any] = flame_bake.apply_steps(
            scene, _at_once(performance), target, duet_of(scene).clear_way
        )
        return flame_apply.said((yield from follow(steps, "Fitting FLAME")))
    steps = arkit_heads.apply_steps(scene, _at_once(performance), target, duet_of(scene).clear_way)
    return arkit_apply.said((yield from follow(steps, "Solving ARKit shapes")))


def _at_once(performance: playback.Performance) -> Generator[float, None, playback.Performance]:
    yield 0.0
    return performance


def _add_sound(scene: bpy.types.Scene, target: bpy.types.Object, recording: bake.Recording, length: int) -> str:
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


def _why_not(scene: bpy.types.Scene) -> str:
    """Why nothing can be generated now, with the remedy; empty where it can."""
    if RUNTIME.busy:
        return "Duet is at work. Wait for it, or cancel it."
    target = target_settings.target_of(scene)
    known = (flame_heads.is_flame_head, arkit_heads.is_arkit_head, rig_poses.is_rig)
    if not any(each(target) for each in known):
        return "Choose a mesh with FLAME's or ARKit's keys, or an armature with poses of the face, as the target."
    try:
        recording_of(scene)
    except DuetError as error:
        return str(error)
    return ""


CLASSES = (DUET_OT_target_generate,)
