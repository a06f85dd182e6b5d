"""Lines changed: moved, trimmed, muted, removed, and made of takes. The others stay as they are."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...inference.errors import AudioError, HeadError
from ...inference.steps import finish
from ..blender import compat, layers, markers, paths, states
from ..blender.loose import duet_of
from ..blender.timing import scene_fps
from ..head import emotions, heads, sliders
from . import life, lines, listening, settings, sound, take_curves, takes
from .lines import Line


def settle(scene: bpy.types.Scene, line: Line, fade: bool) -> None:
    """Bring keys, strips, life and sound of a line to the start frame and the cut that its settings say.

    Raises HeadError where it would speak at once with another line (`fade`: within it), or nothing of it would be left:
    then nothing changes, and the settings go back to what they were.
    """
    group, action = duet_of(line.action), line.action
    shift = group.start_frame - group.moved_to
    try:
        states.require_writable(line.obj)
        if group.cut_start + group.cut_end >= group.length:
            raise HeadError(f"Nothing would be left of the line '{action.name}'.", "Trim less.")
        if not line.is_muted:
            lines.require_room(action.name, (line.first + shift, line.last + shift), line.others, fade)
    except HeadError:
        with settings.paused():
            group.start_frame, (group.cut_start, group.cut_end) = group.moved_to, tuple(group.cut)
        raise
    own_cut = tuple(group.cut) != (group.cut_start, group.cut_end)
    if shift:
        stored = takes.read(action) if takes.is_take(action) else None
        finish(take_curves.move_steps(action, stored))
        life.move(line.obj, line.id, shift)
        markers.move(scene, takes.owner(line.obj, action), shift)
    group.cut = group.cut_start, group.cut_end
    lines.arrange(line.obj, line)
    for other in [each for each in bpy.data.objects if each != line.obj and lines.of(each, action)]:
        lines.arrange(other)  # a copy of the head has the same lines
    if shift and not group.own_strip:
        group.note = "Its sound is a strip of your own: move that too."
    for strip in _sounds(line):
        if shift:
            compat.move_strip(strip, round(compat.strip_content_start(strip)) + shift)
        if own_cut:
            compat.set_strip_range(strip, line.first, line.last + 1)
    scene.frame_end = max(scene.frame_end, line.last)
    listening.refresh(scene)


def move(scene: bpy.types.Scene, line: Line, first: int, fade: bool) -> None:
    """Let a line begin to play at this frame; raises HeadError as `settle` does."""
    with settings.paused():
        duet_of(line.action).start_frame = first - duet_of(line.action).cut_start
    settle(scene, line, fade)


def trim(scene: bpy.types.Scene, line: Line, first: int, last: int, fade: bool) -> None:
    """Let a line play these frames of the scene alone, as far as it has them; raises HeadError as `settle` does."""
    group = duet_of(line.action)
    with settings.paused():
        group.cut_start = max(0, first - group.moved_to)
        group.cut_end = max(0, group.moved_to + group.length - 1 - last)
    settle(scene, line, fade)


def mute(scene: bpy.types.Scene, line: Line, is_mute: bool, fade: bool) -> None:
    """Mute or unmute a line, face, life and sound; raises HeadError where it would speak at once with another."""
    states.require_writable(line.obj)
    if not is_mute:
        lines.require_room(line.action.name, (line.first, line.last), line.others, fade)
    lines.mute(line, is_mute)
    for strip in _sounds(line):
        strip.mute = is_mute
    lines.arrange(line.obj)
    listening.refresh(scene)


def remove(scene: bpy.types.Scene, line: Line) -> None:
    """Take a line, with its life and its sound, off the head; its take stays in the list of takes."""
    states.require_writable(line.obj)
    obj, own = line.obj, line.id
    owner = takes.owner(obj, line.action)
    with sliders.resting([obj], emotions.on(obj)), layers.resting_keys(obj.data.shape_keys):
        lines.take_away(line)
    for each in bpy.data.scenes:
        strips = sound.strips_of(each, obj, own)
        if strips:
            sound.replace_strips(each, strips, None)
    markers.remove(scene, owner)
    lines.arrange(obj)
    left = lines.on(obj)
    if left:
        lines.choose(obj, left[0].action)
    listening.refresh(scene)


def _sounds(line: Line) -> list[bpy.types.Strip]:
    """Its sound strips, also those in other scenes that play the head."""
    return [strip for scene in bpy.data.scenes for strip in sound.strips_of(scene, line.obj, line.id)]


def keep(scene: bpy.types.Scene, obj: bpy.types.Object) -> Line:
    """Make the take that the head plays alone a line, at its place, with its sound and life; raises HeadError."""
    heads.require_head(obj)
    action = takes.sole(obj)
    if action is None:
        raise HeadError(f"'{obj.name}' plays no take that is not a line.", "Choose one in the list of takes.")
    owner = takes.owner(obj, action)
    line = place(scene, obj, action)
    markers.give(scene, owner, takes.owner(obj, action))
    adopt(scene, line)
    return line


def place(scene: bpy.types.Scene, obj: bpy.types.Object, action: bpy.types.Action) -> Line:
    """Make a take's action a line, whole; its sound and life are not yet the line's."""
    group = duet_of(action)
    with settings.paused():
        group.cut_start = group.cut_end = 0
    group.cut = 0, 0
    measure(scene, action)
    return lines.place(obj, action)


def measure(scene: bpy.types.Scene, action: bpy.types.Action) -> None:
    """Have a take know how many frames it has, also one of a version before."""
    group = duet_of(action)
    if not group.length:
        group.fps = group.fps or scene_fps(scene)
        group.length = take_curves.frames_of(takes.read(action).take, group.fps)


def adopt(scene: bpy.types.Scene, line: Line) -> None:
    """Let sound and life of the take that was alone be those of the line."""
    for strip in sound.strips_of(scene, line.obj):
        sound.give_to_line(strip, line.id)
    life.give_to_line(line.obj, line.id)
    lines.arrange(line.obj)
    listening.refresh(scene)


def hear(scene: bpy.types.Scene, line: Line) -> list[str]:
    """Have the line's sound in the sequencer, where its take puts it there; a note where its file cannot be read."""
    group, earlier = duet_of(line.action), sound.strips_of(scene, line.obj, line.id)
    strip = None
    if group.own_strip:
        skip = round(group.trim_start * scene_fps(scene)) + group.cut_start
        path, length = paths.whole(group.audio), line.last - line.first + 1
        try:
            strip = sound.add_strip(scene, line.obj, Path(path), line.first, length, skip, line.id)
        except AudioError as error:
            return [str(error)]
    sound.replace_strips(scene, earlier, strip)
    return []
