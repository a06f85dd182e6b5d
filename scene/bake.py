"""A take becomes animation on a head: all of it, or nothing.

Speech becomes F-curves on the speech keys, emotions become keyed sliders that drive the expression keys, the sound goes
to the sequencer (in place of the head's earlier one), and the scene's end moves where the take ends later. Whatever
fails, and steps that are closed before their end, leave the scene as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import numpy as np

from ..inference.arrays import Floats
from ..inference.errors import HeadError
from ..inference.head.library import with_emotions
from ..inference.performance.face import FaceCurves
from ..inference.performance.performance import SETTINGS, Performance
from ..inference.performance.spelling import text_beside
from ..inference.steps import Steps
from ..inference.take import Take
from . import binding, properties
from .blender import actions, markers, shape_keys, states
from .blender.loose import Group, duet_of, has
from .blender.rollback import all_or_nothing
from .blender.timing import outside, require_unstretched, scene_fps
from .checks import obstacles
from .head import emotions, feelings, followers, heads, parts, sliders
from .take import life, lines, mark_rows, revise, scrubbing, settings, sound, take_curves, takes, versions
from .take.role import Role, role_of


@dataclass(frozen=True)
class Recording:
    """The file, the part of it in seconds (end 0: its end), the scene frame of its beginning, where it is loud.

    With `own_strip` Duet puts the sound into the sequencer; else it is there already. `note` is for the user.
    """

    path: Path
    start: int
    begin: float = 0.0
    end: float = 0.0
    own_strip: bool = True
    loudness: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    note: str = ""


def apply_steps(
    scene: bpy.types.Scene,
    obj: bpy.types.Object | None,
    take: Take,
    recording: Recording,
    chosen: Group | Performance,
    layer: bool = True,
    in_sync: bool = False,
    lift: bool = True,
    beside: bool = False,
) -> Steps[list[str]]:
    """Animate the head with a new take, performed as `chosen` says, in steps of some milliseconds; return notes.

    `layer` keeps an action of the animator's playing under the speech; with `in_sync`, playback skips frames to stay
    with the sound; `lift` takes out of the way what would hide the face (`obstacles`), else that is an error;
    `beside` makes the take one more line, else it replaces what plays. Raises HeadError or AudioError.
    """
    obj = _require_ready(scene, obj, take)
    own = settings.performance_of(chosen) if isinstance(chosen, bpy.types.PropertyGroup) else chosen
    felt = take_curves.felt(take, own.felt)
    stored = takes.StoredTake(with_emotions(take, felt), str(recording.path), recording.start, recording.loudness)
    fps, earlier = scene_fps(scene), sound.strips_of(scene, obj)
    last = recording.start + take_curves.frames_of(take, fps) - 1
    role = role_of(scene, obj, f"Duet {recording.path.stem}", (recording.start, last), beside)
    with all_or_nothing(scene, obj, followers.keys_of(obj)):
        action = _new_take(obj, stored, recording, chosen, beside)
        face = take_curves.face_of(action, stored, fps)
        yield from _write_steps(action, stored, obj, face)
        strip = _strip(scene, obj, recording, face)
        notes = play(scene, obj, action, stored, face, felt, layer, lift, role)
        yield 1.0
        mark_rows.fill_quietly(action)
        life.add(obj, action.name, face, recording.start, role.line_of(action))
        give_emotions(obj, action, stored.take, felt)  # the last of what may fail, for keys that are made stay
        if own.mix_limit != SETTINGS["mix_limit"].default:  # else the head's own stays
            obj[sliders.LIMIT] = own.mix_limit
    _settle(scene, obj, action, role, earlier, strip)
    scene.frame_end = max(scene.frame_end, last)
    scene.sync_mode = "AUDIO_SYNC" if in_sync else scene.sync_mode
    return [*notes, *_said(scene, obj, recording)]


def require_room(
    scene: bpy.types.Scene, obj: bpy.types.Object, recording: Recording, seconds: float, beside: bool
) -> None:
    """Raise HeadError where a take of so many seconds would speak at once with a line: before the engine works."""
    last = recording.start + int(seconds * scene_fps(scene)) - 1
    role_of(scene, obj, f"Duet {recording.path.stem}", (recording.start, last), beside)


def _require_ready(scene: bpy.types.Scene, obj: bpy.types.Object | None, take: Take) -> bpy.types.Object:
    """The head, which can take a take here and now; raises HeadError."""
    obj = heads.require_head(obj)
    heads.require_fits(obj, take)
    states.require_here(scene, obj)
    require_unstretched(scene)
    obstacles.require_undriven(obj, take.speech_names)
    properties.register()
    return obj


def _write_steps(
    action: bpy.types.Action, stored: takes.StoredTake, obj: bpy.types.Object, face: FaceCurves
) -> Steps[None]:
    """Give a take's action its curves and its weights; raises HeadError."""
    if shape_keys.exceeds_sliders(face.speech):
        raise HeadError(f"So much articulation is more than '{obj.name}' can hold.", "Turn Articulation down.")
    yield from take_curves.write_speech(action, stored, obj.data.shape_keys, face)
    take_curves.write_silence(action, stored, obj, face)
    take_curves.write_emotion(action, stored, obj, face)
    takes.store(action, (yield from takes.packed(stored)))
    yield 1.0


def play(
    scene: bpy.types.Scene,
    obj: bpy.types.Object,
    action: bpy.types.Action,
    stored: takes.StoredTake,
    face: FaceCurves,
    felt: Sequence[str],
    layer: bool,
    lift: bool,
    role: Role = Role(),  # noqa: B008 - it is frozen
) -> list[str]:
    """Let the head play what is written of a take, as `revise.switch` does; `felt` are the emotions it brings."""
    take = stored.take
    due = revise.Due(take.speech_names, duet_of(action).moved_to + np.arange(face.frames), face.speech)
    notes = revise.switch(scene, obj, action, (*emotions.on(obj), *felt), due, layer, lift, role)
    versions.rest_others(obj, (*take.speech_names, *take.expression_names))
    return notes


def give_emotions(obj: bpy.types.Object, action: bpy.types.Action, take: Take, felt: Sequence[str]) -> None:
    """Give the head those emotions of a take; raises HeadError."""
    emotions.connect(obj, feelings.of_take(take_curves.turned(action, take), felt))


def _strip(
    scene: bpy.types.Scene, obj: bpy.types.Object, recording: Recording, face: FaceCurves
) -> bpy.types.Strip | None:
    """The recording in the sequencer, where it is Duet's to put it there."""
    if not recording.own_strip:
        return None
    return sound.add_strip(scene, obj, recording.path, recording.start, face.frames, round(recording.begin * face.fps))


def _settle(
    scene: bpy.types.Scene,
    obj: bpy.types.Object,
    action: bpy.types.Action,
    role: Role,
    earlier: list[bpy.types.Strip],
    strip: bpy.types.Strip | None,
) -> None:
    """Do, after all else, what cannot be put back: what the take replaces goes, with its sound and markers."""
    if role.is_line:
        if strip:
            sound.give_to_line(strip, duet_of(action).line)
        role.end(scene, obj, action)
    else:
        sound.replace_strips(scene, earlier, strip)
    scrubbing.follow(scene)
    markers.remove(scene, takes.owner(obj, action))


def _said(scene: bpy.types.Scene, obj: bpy.types.Object, recording: Recording) -> Iterator[str]:
    """What the user should know of a head that has just got a take."""
    left = parts.left_behind(scene, obj) if has(obj.data.shape_keys, binding.BOUND) else []
    if left:
        yield f"In the head, but following nothing: {', '.join(map(repr, left[:6]))}. Bind the head again with them."
    yield from (text for text in (outside(scene, recording.start), recording.note) if text)


def _new_take(
    obj: bpy.types.Object,
    stored: takes.StoredTake,
    recording: Recording,
    chosen: Group | Performance,
    beside: bool,
) -> bpy.types.Action:
    """An action for the take: empty, or a copy of the take whose place it takes, so that its hand-made curves stay."""
    earlier = None if beside else takes.active(obj)
    action = earlier.copy() if earlier else actions.new_action("Duet")
    action.name, action.use_fake_user = f"Duet {recording.path.stem}", True
    group = duet_of(action)
    with settings.paused():
        if isinstance(chosen, Performance):
            settings.choose(group, chosen)
        else:
            settings.copy(chosen, group)
            if not _is_of(chosen, stored.audio, recording):  # what is said, and its marks, are another recording's
                group.text = group.marks = ""
            if not (earlier or _is_own_seed(chosen)):
                group.seed = lines.free_seed(obj)
        group.text = group.text or text_beside(recording.path)
        group.head, group.audio, group.note = heads.ensure_id(obj), stored.audio, ""
        group.trim_start, group.trim_end = recording.begin, recording.end
        group.own_strip, group.start_frame = recording.own_strip, recording.start
        group.moved_to, group.line, group.cut_start, group.cut_end = recording.start, "", 0, 0
    return action


def _is_of(chosen: Group, audio: str, recording: Recording) -> bool:
    """Whether settings are of the next take, or of one that speaks the same part of the same recording."""
    if not isinstance(chosen.id_data, bpy.types.Action):
        return True
    return (chosen.audio, chosen.trim_start, chosen.trim_end) == (audio, recording.begin, recording.end)


def _is_own_seed(chosen: Group) -> bool:
    """Whether the animator has chosen the seed of the next take."""
    return isinstance(chosen.id_data, bpy.types.Scene) and chosen.is_property_set("seed")
