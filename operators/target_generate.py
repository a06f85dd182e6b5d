"""Generate on Target: the recording straight on to a head of another make, with no Duet head in the scene."""

from __future__ import annotations

from dataclasses import replace

import bpy

from ..inference.audio.checks import SAMPLE_RATE
from ..inference.audio.loudness import envelope
from ..inference.errors import HeadError
from ..scene import choice, on_target
from ..scene.blender import timing
from ..scene.take import settings, sound
from ..scene.targets import makes, target_settings
from .generate import recording_of
from .modal import Stepped, Work, follow
from .poll import Reasoned
from .session import RUNTIME
from .worker_job import ask


class DUET_OT_target_generate(Reasoned, Stepped, bpy.types.Operator):
    """Turn the recording into speech and emotion on the target: a FLAME head, one with ARKit's shapes, or a bone rig"""

    bl_idname = "duet.target_generate"
    bl_label = "Generate on Target"
    bl_options = {"UNDO"}

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether the target can speak, and audio is chosen."""
        if not makes.is_target(target_settings.target_of(context.scene)):
            return "Choose a mesh with FLAME's or ARKit's keys, or an armature with poses of the face, as the target."
        recording_of(context.scene)
        return ""

    def work(self, context: bpy.types.Context) -> Work:
        """Decode, let the worker animate, and solve for the target, found again by its name."""
        scene, target = context.scene, target_settings.target_of(context.scene)
        target = on_target.require_target(target)
        timing.require_unstretched(scene)
        name, recording = target.name, recording_of(scene)
        request = choice.request_of(scene, recording.path.name)
        samples = yield from follow(sound.decode_steps(recording.path, recording.begin, recording.end), "Reading sound")
        take = yield from ask(context, request, samples)
        RUNTIME.exclusive, target = True, scene.objects.get(name)
        if target is None:
            raise HeadError(f"'{name}' was removed or renamed while Duet worked.", "Generate again.")
        recording = replace(recording, loudness=envelope(samples, SAMPLE_RATE))
        own = settings.performance_of(choice.performance(scene))
        steps = on_target.apply_steps(scene, target, take, recording, own)
        done, notes = yield from follow(steps, "Solving the target's face")
        return " ".join([str(done), *notes])


CLASSES = (DUET_OT_target_generate,)
