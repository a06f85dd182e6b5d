"""Generate from Audio: the recording becomes animation on the chosen head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from ..inference.errors import AudioError, DuetError, HeadError
from ..inference.take import Floats, GenerateRequest, Take
from ..scene import bake, heads, properties, sound
from .runtime import RUNTIME
from .worker_job import WorkerJob


@dataclass(frozen=True)
class Plan:
    """What a job is for, by name: objects may be gone, and other settings chosen, when the worker is done."""

    scene: str
    head: str
    audio: Path
    start: int
    in_sync: bool


class DUET_OT_generate(WorkerJob, bpy.types.Operator):
    """Turn the recording into speech and emotion on the chosen head, at the scene's frame rate"""

    bl_idname = "duet.generate"
    bl_label = "Generate from Audio"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether a head and audio are chosen and no job runs."""
        reason = why_not(context.scene)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def prepare(self, context: bpy.types.Context) -> tuple[GenerateRequest, Floats]:
        """Check head and audio, and keep in mind what they are for."""
        scene, settings = context.scene, context.scene.duet
        head = heads.require_head(properties.target_head(scene))
        audio = Path(bpy.path.abspath(settings.audio))
        self._plan = Plan(scene.name, head.name, audio, settings.start_frame, settings.in_sync)
        return properties.request_of(scene, audio.name), sound.decode(audio)

    def finish(self, context: bpy.types.Context, take: Take) -> str:
        """Find the head again and animate it."""
        plan = self._plan
        scene = bpy.data.scenes.get(plan.scene)
        head = scene.objects.get(plan.head) if scene else None
        if scene is None or head is None:
            raise HeadError(f"'{plan.head}' was removed or renamed while Duet worked.", "Generate again.")
        notes = bake.apply_take(scene, head, take, plan.audio, plan.start, plan.in_sync)
        return " ".join([f"'{head.name}' speaks '{plan.audio.name}': {take.frame_count} frames.", *notes])


def why_not(scene: bpy.types.Scene) -> str:
    """Why nothing can be generated now, with the remedy; empty where it can."""
    if RUNTIME.busy:
        return "Duet is at work. Wait for it, or cancel it."
    try:
        heads.require_head(properties.target_head(scene))
        if not scene.duet.audio:
            raise AudioError("No audio is chosen.", "Choose a recording.")
    except DuetError as error:
        return str(error)
    return ""


CLASSES = (DUET_OT_generate,)
