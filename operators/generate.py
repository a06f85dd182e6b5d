"""Generate from Audio: the recording becomes a new take on the chosen head; and what to do with one that waits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import bpy

from ..inference.audio.checks import SAMPLE_RATE
from ..inference.audio.loudness import envelope_steps
from ..inference.errors import AudioError, HeadError
from ..inference.take import Take
from ..scene import bake, choice
from ..scene.blender import states, timing
from ..scene.blender.loose import duet_of
from ..scene.blender.paths import whole
from ..scene.checks import obstacles
from ..scene.head import emotions, heads, ownership
from ..scene.take import sound
from .modal import Stepped, Work, follow
from .poll import Reasoned
from .session import RUNTIME
from .worker_job import ask


@dataclass(frozen=True)
class Plan:
    """What a job is for, by name: objects may be gone, and other settings chosen, when the worker is done."""

    scene: str
    head: str
    recording: bake.Recording
    take: Take | None = None


class DUET_OT_generate(Reasoned, Stepped, bpy.types.Operator):
    """Turn the recording into a new take on the chosen head, at the scene's frame rate; earlier takes stay"""

    bl_idname = "duet.generate"
    bl_label = "Generate from Audio"
    bl_options = {"UNDO"}

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether a head and audio are chosen."""
        _ready_head(context.scene)
        recording_of(context.scene)
        return ""

    def work(self, context: bpy.types.Context) -> Work:
        """Decode, let the worker animate, and apply the take to the head, found again by its name."""
        scene = context.scene
        head = _ready_head(scene)
        recording = recording_of(scene)
        plan = Plan(scene.name, head.name, recording)
        request = choice.request_of(scene, recording.path.name)
        samples = yield from follow(sound.decode_steps(recording.path, recording.begin, recording.end), "Reading sound")
        loudness = yield from follow(envelope_steps(samples, SAMPLE_RATE), "Reading sound")
        plan = replace(plan, recording=replace(recording, loudness=loudness))
        seconds = len(samples) / SAMPLE_RATE
        bake.require_room(scene, head, recording, seconds, duet_of(scene).place == "LINE")
        yield None  # a long recording is copied for the engine: the window is drawn before
        take = yield from ask(context, request, samples)
        return (yield from _apply(replace(plan, take=take)))


class _OnPending(Reasoned):
    """An operator on the take that waits."""

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether one does."""
        return "" if isinstance(RUNTIME.pending, Plan) else "No take waits. Generate one."


class DUET_OT_apply_result(_OnPending, Stepped, bpy.types.Operator):
    """Put the take that waits on its head"""

    bl_idname = "duet.apply_result"
    bl_label = "Apply"
    bl_options = {"UNDO"}

    def work(self, context: bpy.types.Context) -> Work:
        """The same as the end of Generate, at the start frame that is chosen by now."""
        if not isinstance(RUNTIME.pending, Plan):
            raise HeadError("No take waits.", "Generate one.")
        plan, chosen = RUNTIME.pending, duet_of(context.scene)
        recording = plan.recording
        if recording.own_strip and chosen.source == "FILE" and whole(chosen.audio) == recording.path:
            plan = replace(plan, recording=replace(recording, start=chosen.start_frame))
        return (yield from _apply(plan))


class DUET_OT_discard_result(_OnPending, bpy.types.Operator):
    """Throw the take that waits away"""

    bl_idname = "duet.discard_result"
    bl_label = "Discard"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Forget it."""
        RUNTIME.pending = None
        return {"FINISHED"}


def _apply(plan: Plan) -> Work:
    """Animate the head with the plan's take; one that cannot take it now may later."""
    RUNTIME.exclusive, take = True, plan.take
    scene: bpy.types.Scene | None = bpy.data.scenes.get(plan.scene)
    head = scene.objects.get(plan.head) if scene else None
    try:
        if scene is None or head is None or take is None:
            raise HeadError(
                f"'{plan.head}' was removed or renamed while Duet worked.", "Bring it back under that name."
            )
        steps = bake.apply_steps(
            scene,
            head,
            take,
            plan.recording,
            choice.performance(scene),
            duet_of(scene).existing == "LAYER",
            duet_of(scene).in_sync,
            duet_of(scene).clear_way,
            duet_of(scene).place == "LINE",
        )
        notes = yield from follow(steps, "Animating")
    except HeadError as error:
        RUNTIME.pending = plan
        raise HeadError(error.message, f"{error.remedy} The take waits: click Apply under Generate.") from error
    RUNTIME.pending = None
    return " ".join([f"'{head.name}' speaks '{plan.recording.path.name}': {take.frame_count} frames.", *notes])


def _ready_head(scene: bpy.types.Scene) -> bpy.types.Object:
    """The chosen head, where a take on it would be seen; raises HeadError."""
    head = choice.require_target_head(scene)
    states.require_here(scene, head)
    heads.require_current(head)
    timing.require_unstretched(scene)
    key = head.data.shape_keys
    obstacles.require_undriven(head, ownership.speaking(key))
    names = [*ownership.speaking(key), *emotions.shown_by(head)]
    obstacles.require_clear(head, names, duet_of(scene).clear_way)
    return head


def recording_of(scene: bpy.types.Scene) -> bake.Recording:
    """The recording that the sidebar chooses; raises AudioError."""
    chosen, fps = duet_of(scene), timing.scene_fps(scene)
    if chosen.source == "STRIP":
        path, begin, end, start = sound.strip_audio(scene, chosen.strip, fps)
        return bake.Recording(path, start, begin, end, own_strip=False, note=sound.unheard(scene, chosen.strip))
    if not chosen.audio:
        raise AudioError("No audio is chosen.", "Choose a recording.")
    path = whole(chosen.audio)
    begin = round(chosen.trim_start * fps) / fps  # whole frames, which a strip can be cut at
    if chosen.trim_end and chosen.trim_end <= begin:
        raise AudioError("The audio ends before it begins.", "Change Trim Start or End.")
    return bake.Recording(path, chosen.start_frame, begin, chosen.trim_end)


CLASSES = (DUET_OT_generate, DUET_OT_apply_result, DUET_OT_discard_result)
