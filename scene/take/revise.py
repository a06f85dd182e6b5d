"""Takes changed without inference: other settings rewrite the curves of a take from its stored weights."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ...inference.arrays import Floats
from ...inference.errors import AudioError, DuetError, HeadError
from ...inference.head.library import with_emotions
from ...inference.head.recompose import knows
from ...inference.performance.curves import frame_span
from ...inference.performance.face import FaceCurves
from ...inference.steps import Steps, finish
from ...inference.take import EMOTIONS, Take
from ..blender import actions, layers, markers, paths, shape_keys
from ..blender.loose import duet_of
from ..blender.rollback import all_or_nothing
from ..blender.timing import require_unstretched, scene_fps
from ..checks import obstacles, verify
from ..head import emotions, feelings, followers, heads, sliders
from . import life, line_edits, lines, settings, sound, take_curves, takes, versions
from .due import Due, due_of
from .role import Role, role_of
from .take_curves import face_of, felt, keyed, rate_of, write_emotion, write_silence, write_speech

_AT_ONCE = 60_000  # keys that are written while a setting is dragged; more wait for Update Speech


def renew_speech(action: bpy.types.Action) -> None:
    """Rewrite the speech curves now where they are short and play, else mark the take as stale.

    What then hides them is said in the list of takes (`advice`): a slider that is dragged must not be refused.
    """
    if not settings.acting() or not takes.is_take(action):
        return
    stored, players = takes.read(action), _players(action)
    if _is_long(action) or not players:
        duet_of(action).stale = True
        return
    key, fps = players[0].data.shape_keys, rate_of(bpy.context.scene, action)
    _keep_if_edited("written_speech", action, stored)
    face = face_of(action, stored, fps)
    widen(key, stored.take.speech_names, face.speech)
    finish(write_speech(action, stored, key, face))
    _silence(action, stored, players[0], face)
    _touch(players)


def update_steps(scene: bpy.types.Scene, obj: bpy.types.Object, action: bpy.types.Action) -> Steps[list[str]]:
    """Bring a long take up to its settings, start frame included; return notes for the user.

    A copy is written and takes the take's place at the end, where it is seen; closed before, the steps leave all as
    it was. Raises HeadError.
    """
    require_unstretched(scene)
    stored, fps, key = takes.read(action), rate_of(scene, action), obj.data.shape_keys
    with all_or_nothing(scene, obj, followers.keys_of(obj)):
        made = action.copy()
        earlier = duet_of(made).moved_to
        moved = earlier != duet_of(made).start_frame
        if moved:
            yield from take_curves.move_steps(made, stored)
        face = face_of(made, stored, fps)
        yield from write_speech(made, stored, key, face)
        write_silence(made, stored, obj, face)
        yield 1.0
        edited = take_curves.is_edited("written_speech", action, stored)
        yield 1.0
        due = Due(stored.take.speech_names, duet_of(made).moved_to + np.arange(face.frames), face.speech)
        notes = switch(
            scene, obj, made, emotions.on(obj), due, duet_of(scene).existing == "LAYER", duet_of(scene).clear_way
        )
    notes += swap(action, made, edited)
    if moved:
        markers.move(scene, takes.owner(obj, made), duet_of(made).moved_to - earlier)
        notes += _heard(scene, obj, made, stored)
        renew_life(made)
    _touch([obj])
    return notes


def swap(old: bpy.types.Action, new: bpy.types.Action, edited: bool) -> list[str]:
    """Put `new` wherever `old` plays, under its name; keep `old` where its speech was edited by hand."""
    name = old.name
    old.user_remap(new)
    old.name = f"{name} (edited)" if edited else f"{name} (old)"
    new.name, new.use_fake_user = name, True
    if edited:
        old.use_fake_user, duet_of(old).line = True, ""
        return [f"Your edited curves are kept in the take '{old.name}'."]
    bpy.data.actions.remove(old)
    return []


def renew_emotions(action: bpy.types.Action) -> None:
    """Rewrite the slider curves from the take's settings."""
    players = _players(action)
    if not settings.acting() or not takes.is_take(action) or not players:
        return
    stored = takes.read(action)
    face = face_of(action, stored, rate_of(bpy.context.scene, action))
    try:
        names = _connect(players, action, stored.take, face.performance.felt)
    except DuetError as error:
        duet_of(action).note = str(error)
        return
    _keep_if_edited("written_emotion", action, stored)
    with sliders.resting(players, names):
        write_emotion(action, stored, players[0], face)
    _silence(action, stored, players[0], face)
    _touch(players)


def _connect(
    players: Sequence[bpy.types.Object], action: bpy.types.Action, take: Take, timed: Sequence[str]
) -> list[str]:
    """Give the heads what the take and a performance feel; return all emotions of theirs. Raises DuetError."""
    names, is_own = felt(take, timed), knows(take.expression_names)  # else the head's may be those of its version
    for obj in players:
        known = feelings.stored_on(obj)
        missing = tuple(name for name in names if name not in EMOTIONS and (name not in known or is_own))
        full = take_curves.turned(action, with_emotions(take, missing))
        emotions.connect(obj, feelings.of_take(full, names))
    return list(dict.fromkeys([*names, *(name for obj in players for name in emotions.on(obj))]))


def _silence(
    action: bpy.types.Action,
    stored: takes.StoredTake,
    obj: bpy.types.Object,
    face: FaceCurves,
) -> None:
    """Write the silence of a take anew; a copy of one that somebody has edited is kept."""
    _keep_if_edited("written_silence", action, stored)
    write_silence(action, stored, obj, face)


def renew_life(action: bpy.types.Action) -> None:
    """Make the life of the heads that play the take anew."""
    if settings.acting() and takes.is_take(action):
        face = face_of(action, takes.read(action), rate_of(bpy.context.scene, action))
        players = _players(action)
        for obj in players:
            give_life(obj, action, face)
        _touch(players)


def give_life(obj: bpy.types.Object, action: bpy.types.Action, face: FaceCurves) -> None:
    """Let the head live by a take: alone, or in the take's line."""
    line = lines.of(obj, action)
    life.add(obj, action.name, face, duet_of(action).moved_to, line.id if line else "")
    if line:
        lines.mute(line, line.is_muted)
        lines.arrange(obj)


def move(action: bpy.types.Action) -> None:
    """Move the take, its life and its sound to its start frame; keys set by hand in it move along.

    A long take is marked as stale instead: `update_steps` moves it.
    """
    if not settings.acting() or duet_of(action).start_frame == duet_of(action).moved_to:
        return
    if _settled(action) or not takes.is_take(action):
        return
    if _is_long(action):
        duet_of(action).stale = True
        return
    stored, earlier = takes.read(action), duet_of(action).moved_to
    finish(take_curves.move_steps(action, stored))
    for obj in _players(action):
        markers.move(bpy.context.scene, takes.owner(obj, action), duet_of(action).moved_to - earlier)
        for note in _heard(bpy.context.scene, obj, action, stored):
            duet_of(action).note = note
    renew_life(action)


def trim(action: bpy.types.Action) -> None:
    """Trim the action's line as its settings say."""
    if settings.acting():
        _settled(action)


def _settled(action: bpy.types.Action) -> bool:
    """Whether the action is a line, which is then where its settings say, or they say why not and are as before."""
    scene = bpy.context.scene
    found = [line for obj in bpy.data.objects if (line := lines.of(obj, action))]
    for line in found:
        duet_of(action).note = ""
        try:
            line_edits.settle(scene, line, duet_of(scene).overlaps == "FADE")
        except HeadError as error:
            duet_of(action).note = str(error)
    _touch([line.obj for line in found])
    return bool(found)


def _is_long(action: bpy.types.Action) -> bool:
    return takes.read(action).take.speech_weights.size > _AT_ONCE


def play(scene: bpy.types.Scene, obj: bpy.types.Object, action: bpy.types.Action) -> list[str]:
    """Let the head play this take, with its sound and life, in place of another; return notes for the user.

    On a head with lines: a line is only chosen; another take takes the chosen line's place. All or nothing, as a new
    take is; raises HeadError.
    """
    if lines.of(obj, action):
        lines.choose(obj, action)
        return []
    if not takes.is_take(action) or takes.active(obj) == action:
        return []
    heads.require_head(obj)
    stored = takes.read(action)
    take, face = stored.take, face_of(action, stored, rate_of(scene, action))
    heads.require_fits(obj, take)
    obstacles.require_undriven(obj, take.speech_names)
    begin = duet_of(action).moved_to
    role = role_of(scene, obj, action.name, (begin, begin + face.frames - 1), instead=duet_of(action).line)
    with all_or_nothing(scene, obj, followers.keys_of(obj)):
        action.use_fake_user = True
        bag = actions.ensure_bag(action, obj)
        timed = keyed(bag)
        if bag.fcurves.find(sliders.SILENCE_PATH) is None:  # of a version before
            write_silence(action, stored, obj, face)
        widen(obj.data.shape_keys, take.speech_names, take.speech_weights * max(1.0, duet_of(action).articulation))
        due = due_of(action, obj.data.shape_keys, take.speech_names)
        names = (*emotions.on(obj), *felt(take, timed))
        notes = switch(
            scene, obj, action, names, due, duet_of(scene).existing == "LAYER", duet_of(scene).clear_way, role
        )
        versions.rest_others(obj, (*take.speech_names, *take.expression_names))
        life.add(obj, action.name, face, begin, role.line_of(action))
        _connect([obj], action, take, timed)
    role.end(scene, obj, action)
    markers.remove(scene, takes.owner(obj, action))
    notes += _heard(scene, obj, action, stored)
    _touch([obj])
    return notes


def switch(
    scene: bpy.types.Scene,
    obj: bpy.types.Object,
    action: bpy.types.Action,
    names: Sequence[str],
    due: Due,
    layer: bool,
    lift: bool,
    role: Role = Role(),  # noqa: B008 - it is frozen
) -> list[str]:
    """Let the head play an action of Duet's and nothing that it played before, but for what is layered; return notes.

    On a head with lines, it takes the place of a line, or is one more, as its role says.

    `names` are the emotions whose sliders rest where nothing moves them any more. With `lift`, what would hide the
    face is taken out of the way; HeadError where that may not be, or where what is due is not what shows then.
    """
    key = obj.data.shape_keys
    notes = obstacles.clear(obj, [*due.names, *emotions.shown_by(obj)], lift)
    with sliders.resting([obj], names), layers.resting_keys(key):
        notes += layers.make_way(scene, [obj], [key, obj], layer)
        widen(key, due.names, due.values)
        role.begin(scene, obj, action)
    shown = lines.alone(obj, action, due.frames)
    verify.require_shown(scene, obj, due.names, due.frames[shown], due.values[shown])
    unseen = obstacles.hidden(obj, bpy.context.view_layer)
    return [*notes, unseen] if unseen else notes


def clear(scene: bpy.types.Scene, obj: bpy.types.Object, action: bpy.types.Action) -> list[str]:
    """Let the head play nothing: no curves, no life, no sound of Duet's; only sliders set by hand are kept."""
    stored = takes.read(action)
    with sliders.resting([obj], emotions.on(obj)):
        for datablock in (obj.data.shape_keys, obj):
            if actions.action_of(datablock) == action:
                datablock.animation_data.action = None
    for name in stored.take.speech_names:
        if name in obj.data.shape_keys.key_blocks:
            obj.data.shape_keys.key_blocks[name].value = 0.0
    life.remove(obj)
    sound.replace_strips(scene, sound.strips_of(scene, obj), None)
    markers.remove(scene, takes.owner(obj, action))
    _touch([obj])
    return []


def widen(key: bpy.types.Key, names: Sequence[str], values: Floats) -> None:
    """Let the sliders of speech keys reach all values (T, N)."""
    shape_keys.widen_sliders(key, names, values.min(axis=0, initial=0.0), values.max(axis=0, initial=0.0))


def show_sound(
    scene: bpy.types.Scene, obj: bpy.types.Object, action: bpy.types.Action, stored: takes.StoredTake
) -> None:
    """Have the take's sound, and no other of this head's, in the sequencer; raises AudioError."""
    group, fps = duet_of(action), scene_fps(scene)
    earlier = sound.strips_of(scene, obj)
    if not group.own_strip:
        sound.replace_strips(scene, earlier, None)
        return
    length = frame_span(stored.take.frame_count, stored.take.fps, fps)
    path = paths.whole(group.audio)
    strip = sound.add_strip(scene, obj, path, group.moved_to, length, round(group.trim_start * fps))
    sound.replace_strips(scene, earlier, strip)


def _heard(
    scene: bpy.types.Scene, obj: bpy.types.Object, action: bpy.types.Action, stored: takes.StoredTake
) -> list[str]:
    """Show the take's sound; a note where its file cannot be read, for the face plays on without it."""
    line = lines.of(obj, action)
    if line:
        return line_edits.hear(scene, line)
    try:
        show_sound(scene, obj, action, stored)
    except AudioError as error:
        return [str(error)]
    return []


def _players(action: bpy.types.Action) -> list[bpy.types.Object]:
    return [obj for obj in bpy.data.objects if takes.sole(obj) == action or lines.of(obj, action)]


def _keep_if_edited(part: str, action: bpy.types.Action, stored: takes.StoredTake) -> None:
    """Keep a copy of a take of which somebody has edited a part, before that is written anew."""
    if getattr(duet_of(action), part) and take_curves.is_edited(part, action, stored):
        copy = action.copy()
        copy.name, copy.use_fake_user, duet_of(copy).line = f"{action.name} (edited)", True, ""
        duet_of(action).note = f"Your edited curves are kept in the take '{copy.name}'."


def _touch(players: list[bpy.types.Object]) -> None:
    """Have Blender show the new curves now, not at the next frame."""
    for obj in players:
        for datablock in (obj, obj.data.shape_keys):
            datablock.update_tag()
            if datablock.animation_data and datablock.animation_data.action:
                datablock.animation_data.action.update_tag()
