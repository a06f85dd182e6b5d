"""What the sidebar's choices come to: the head, its performance, its recording and the times of that."""

from __future__ import annotations

import bpy

from ..inference.errors import HeadError
from ..inference.take import GenerateRequest
from .blender import paths, timing
from .blender.loose import Group, duet_of
from .head import heads
from .take import lines, takes
from .targets import makes, target_settings


def target_head(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The Duet head to animate: the chosen one if it is in the scene, else the scene's only one, else None.

    None where a head of another make is chosen.
    """
    chosen = duet_of(scene).head
    if chosen is not None and _is_in(scene, chosen):
        return None if makes.is_other_head(chosen) else chosen
    found = heads.heads_of(scene)
    return found[0] if len(found) == 1 else None


def action_on_target(scene: bpy.types.Scene) -> bpy.types.Action | None:
    """The action that a head of another make plays for Duet, where that is what the sidebar is about; else None."""
    target = target_settings.target_of(scene) if target_head(scene) is None else None
    return makes.playing(target) if target is not None else None


def require_target_head(scene: bpy.types.Scene) -> bpy.types.Object:
    """The head to animate; raises HeadError where there is none, saying where in the file one is."""
    head, other = target_head(scene), makes.chosen(scene)
    if other is not None:
        raise HeadError(f"'{other.name}' is no Duet head: it has no takes.", "Use Generate on Target.")
    if head is None:
        found = heads.heads_of(scene)
        if found:
            shown = ", ".join(f"'{obj.name}'" for obj in found[:4])
            raise HeadError(f"The scene has {len(found)} Duet heads: {shown}.", "Choose one under Head.")
        heads.require_none_elsewhere(scene)
    return heads.require_head(head)


def _is_in(scene: bpy.types.Scene, obj: bpy.types.Object) -> bool:
    """Whether the object itself, and not another of its name, is in the scene."""
    found: bpy.types.Object | None = scene.objects.get(obj.name)
    return found == obj or (found is not None and any(each == obj for each in scene.objects))


def performance(scene: bpy.types.Scene) -> Group:
    """The settings that the sidebar shows: those of the take that the head plays, else those for the next take."""
    action = takes.active(target_head(scene))
    return duet_of(action) if action else duet_of(scene)


def _beginning(scene: bpy.types.Scene) -> int:
    """The frame of second 0 of what the sidebar shows."""
    action = takes.active(target_head(scene))
    return int(duet_of(action).moved_to if action else duet_of(scene).start_frame)


def seconds_at(scene: bpy.types.Scene, frame: float) -> float:
    """The second of the recording at a frame of the scene."""
    return (frame - _beginning(scene)) / timing.scene_fps(scene)


def frame_at(scene: bpy.types.Scene, seconds: float) -> int:
    """The whole frame of the scene at a second of the recording."""
    return round(timing.seconds_to_frame(seconds, timing.scene_fps(scene), _beginning(scene)))


def request_of(scene: bpy.types.Scene, label: str) -> GenerateRequest:
    """What the choices ask of the worker, at the scene's frame rate; raises RequestError."""
    return GenerateRequest(fps=timing.scene_fps(scene), style=performance(scene).style, audio=label)


def show_recording(scene: bpy.types.Scene) -> None:
    """Let the choices under Audio be those of the take that the sidebar shows."""
    action, chosen = takes.active(target_head(scene)), duet_of(scene)
    if action is None or not duet_of(action).own_strip:
        return
    group = duet_of(action)
    if not _speaks(group, chosen):
        chosen.audio = group.audio
    chosen.source, chosen.start_frame = "FILE", group.start_frame
    chosen.trim_start, chosen.trim_end = group.trim_start, group.trim_end


def follow_head(scene: bpy.types.Scene) -> None:
    """The same where another head was chosen, unless a recording is chosen that nobody speaks yet."""
    chosen = duet_of(scene)
    spoken = any(takes.is_take(action) and _speaks(duet_of(action), chosen) for action in bpy.data.actions)
    if spoken or not chosen.audio:
        show_recording(scene)


def follow_recording(scene: bpy.types.Scene) -> None:
    """Let the start under Audio be that of the take that is shown, unless another recording is chosen there."""
    action, chosen = takes.active(target_head(scene)), duet_of(scene)
    if action is not None and chosen.source == "FILE" and _speaks(duet_of(action), chosen):
        chosen.start_frame = duet_of(action).start_frame


def follow_place(scene: bpy.types.Scene) -> None:
    """Let the start under Audio be one at which the next line has room to begin, or that of the take that is shown."""
    head, chosen = target_head(scene), duet_of(scene)
    if chosen.place != "LINE":
        follow_recording(scene)
    elif head is not None and chosen.source == "FILE":
        spans = lines.spans(head)
        if any(first <= chosen.start_frame <= last for first, last in spans):
            pause = round(lines.PAUSE * timing.scene_fps(scene))
            chosen.start_frame = max(last for _, last in spans) + 1 + pause


def _speaks(take: Group, chosen: Group) -> bool:
    return bool(chosen.audio) and paths.whole(chosen.audio) == paths.whole(take.audio)
