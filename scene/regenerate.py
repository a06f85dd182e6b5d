"""A take's recording animated again, all of it or a part: its action gets new weights and curves."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np

from ..inference.errors import CancelledError, HeadError
from ..inference.head.library import with_emotions
from ..inference.performance.curves import frame_span, splice
from ..inference.performance.face import FaceCurves
from ..inference.performance.silence import kept_from_speech
from ..inference.steps import Steps
from ..inference.take import Take
from . import bake
from .blender import actions, shape_keys
from .blender.loose import duet_of
from .blender.rollback import all_or_nothing
from .blender.timing import require_unstretched
from .head import emotions, followers, heads
from .take import mark_rows, revise, take_curves, takes

_SAME = 1e-4  # of a speech weight: under 0.01 mm


def require_range(scene: bpy.types.Scene, action: bpy.types.Action, first: int, last: int) -> None:
    """Raise HeadError where the frames from `first` to `last` hold nothing of the take."""
    if first > last:
        raise HeadError("The range ends before it begins.", "Change First or Last.")
    take, begin = takes.read(action).take, duet_of(action).moved_to
    end = begin + frame_span(take.frame_count, take.fps, take_curves.rate_of(scene, action)) - 1
    if last < begin or first > end:
        message = f"'{action.name}' plays from frame {begin} to {end}, not from {first} to {last}."
        raise HeadError(message, "Change First or Last.")


def apply_steps(
    scene: bpy.types.Scene,
    obj: bpy.types.Object,
    action: bpy.types.Action,
    take: Take,
    frames: tuple[int, int] | None = None,
    border: int = 0,
) -> Steps[list[str]]:
    """Give a take new weights: all of them, or (`frames`, the first and last of the scene) a part, blended in.

    Curves outside that part and its borders stay as they are, also where they were edited. All or nothing, and seen:
    raises HeadError, and CancelledError where a part comes out as it is.
    """
    heads.require_head(obj)
    require_unstretched(scene)
    heads.require_fits(obj, take)
    old, fps = takes.read(action), take_curves.rate_of(scene, action)
    stored = replace(old, take=with_emotions(take, old.take.emotions))
    face = take_curves.face_of(action, stored, fps)
    if frames is not None:
        stored, face = yield from _part_steps(obj, action, stored, face, frames, border)
    with all_or_nothing(scene, obj, followers.keys_of(obj)):
        made = action.copy()
        yield from take_curves.write_speech(made, stored, obj.data.shape_keys, face)
        take_curves.write_silence(made, stored, obj, face)
        takes.store(made, (yield from takes.packed(stored)))
        edited = take_curves.is_edited("written_speech", action, old)
        yield 1.0
        layer, lift = duet_of(scene).existing == "LAYER", duet_of(scene).clear_way
        notes = bake.play(scene, obj, made, stored, face, emotions.on(obj), layer, lift)
        bake.give_emotions(obj, made, stored.take, emotions.on(obj))
    notes += revise.swap(action, made, edited)
    mark_rows.fill_quietly(made)
    revise.renew_life(made)
    return notes


def _part_steps(
    obj: bpy.types.Object,
    action: bpy.types.Action,
    stored: takes.StoredTake,
    face: FaceCurves,
    frames: tuple[int, int],
    border: int,
) -> Steps[tuple[takes.StoredTake, FaceCurves]]:
    """The new take and its face in the frames from the first to the last; elsewhere what the take's curves are now."""
    old, new, begin = takes.read(action).take, stored.take, duet_of(action).moved_to
    if old.speech_weights.shape != new.speech_weights.shape or old.speech_names != new.speech_names:
        raise HeadError(f"'{action.name}' was made by another version or length.", "Generate all of it again.")
    first, last = (frame - begin for frame in frames)
    scale = new.fps / face.fps
    stored = replace(stored, take=_spliced(old, new, round(first * scale), round(last * scale), round(border * scale)))
    names = [shape_keys.value_path(name) for name in new.speech_names]
    bag = actions.ensure_bag(action, obj.data.shape_keys)
    now = yield from actions.sample_steps(bag, names, begin + np.arange(face.frames))
    again = splice(now, face.speech, first, last, border)
    if np.abs(again - now).max() < _SAME:
        message = f"Nothing changes: frames {frames[0]} to {frames[1]} of '{action.name}' come out as they are."
        raise CancelledError(message, "Choose another Style first, or another range.")
    return stored, take_curves.face_of(action, stored, face.fps, again)


def _spliced(old: Take, new: Take, first: int, last: int, border: int) -> Take:
    """The old take with a part from the new one."""
    weights = splice(old.speech_weights, new.speech_weights, first, last, border)
    silence = splice(old.silence[:, None], new.silence[:, None], first, last, border)[:, 0]
    return replace(old, speech_weights=weights, silence=kept_from_speech(silence, weights, old.fps))
