"""The curves of a take, written from its weights and settings: speech, silence and emotions."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ...inference.head.library import emotion_names
from ...inference.performance.curves import smooth
from ...inference.performance.emotion_keys import Cue
from ...inference.performance.silence import kept_from_speech, with_surroundings
from ...inference.steps import Steps
from ...inference.take import EMOTIONS, Floats, Take
from ..blender import actions, compat, shape_keys
from ..blender.timing import frame_span, resample
from ..head import sliders
from . import settings, takes

PARTS = {"written_speech": "KEY", "written_emotion": "OBJECT", "written_silence": "OBJECT"}  # checksum -> its slot


def speech_values(stored: takes.StoredTake, group: bpy.types.PropertyGroup, fps: float) -> Floats:
    """The speech keys' values (S, Ks) at the scene's frames, as articulation, smoothing and offset shape them."""
    take = stored.take
    weights = np.float32(group.articulation) * take.speech_weights
    weights = smooth(weights, group.smoothing / 1000 * take.fps)
    return resample(weights, take.fps, fps, group.offset / 1000)


def write_speech(
    action: bpy.types.Action, stored: takes.StoredTake, key: bpy.types.Key, fps: float, values: Floats | None = None
) -> Steps[None]:
    """Write the speech curves of a take's action, one a step; `values` (S, Ks) where they are not the settings'."""
    group, names = action.duet, stored.take.speech_names
    values = speech_values(stored, group, fps) if values is None else values
    bag, frames = actions.ensure_bag(action, key), group.moved_to + np.arange(len(values))
    for column, name in enumerate(names):
        actions.write_curve(bag, shape_keys.value_path(name), frames, values[:, column])
        yield column / len(names)
    yield 1.0
    sign("written_speech", action, stored)
    group.stale, group.fps = False, fps


def write_silence(
    action: bpy.types.Action,
    stored: takes.StoredTake,
    obj: bpy.types.Object,
    fps: float,
    speech: Floats | None = None,
) -> None:
    """Key how far emotions may open the mouth: as the take's settings say, and 0 wherever its speech keys are not.

    `speech` (S, Ks) are their values at the scene's frames (None: the settings').
    """
    take, group = stored.take, action.duet
    speech = speech_values(stored, group, fps) if speech is None else speech
    silence = resample(take.silence[:, None], take.fps, fps, group.offset / 1000)[:, 0]
    silence, before = with_surroundings(kept_from_speech(silence, speech, fps), speech, fps)
    bag = actions.ensure_bag(action, obj)
    sliders.write_silence(bag, np.float32(group.open_in_silence) * silence, group.moved_to - before)
    sign("written_silence", action, stored)


def felt(take: Take, cues: Sequence[Cue]) -> tuple[str, ...]:
    """The emotions that have sliders with the take: EMOTIONS, and what else it feels by its curves or by cues."""
    own = [
        name
        for name, column in zip(take.emotions, take.emotion_curves.T, strict=True)
        if name in EMOTIONS or np.any(column)
    ]
    timed = [name for cue in cues for name, value in cue.emotions.items() if value]
    return tuple(name for name in dict.fromkeys([*own, *timed]) if name != EMOTIONS[0])


def write_emotion(
    action: bpy.types.Action, stored: takes.StoredTake, obj: bpy.types.Object, fps: float, curves: bool = False
) -> None:
    """Write the slider curves of a take's action, from its settings or (`curves`) from the take's own curves."""
    take, group = stored.take, action.duet
    bag = actions.ensure_bag(action, obj)
    actions.remove_curves(bag, [sliders.slider_path(name) for name in keyed(bag)])
    if curves:
        names = felt(take, ())
        own = take.emotion_curves[:, [take.emotions.index(name) for name in names]]
        sliders.write_curves(bag, names, resample(own, take.fps, fps), group.moved_to)
    else:
        cues = settings.cues_of(group)
        end = group.moved_to + frame_span(take.frame_count, take.fps, fps) - 1
        sliders.write_cues(bag, felt(take, cues), cues, group.moved_to, fps, end)
    sign("written_emotion", action, stored)


def keyed(bag: bpy.types.ActionChannelbag) -> list[str]:
    """The emotions whose sliders have curves there."""
    return [name for name in emotion_names() if bag.fcurves.find(sliders.slider_path(name)) is not None]


def paths_of(part: str, stored: takes.StoredTake, bag: bpy.types.ActionChannelbag) -> list[str]:
    """The paths of a part of a take's curves: those of its speech, of Silence, or of the sliders.

    Sliders are those of the take's emotions, and others of the library that are keyed in it.
    """
    if part == "written_speech":
        return [shape_keys.value_path(name) for name in stored.take.speech_names]
    if part == "written_silence":
        return [sliders.SILENCE_PATH]
    return [sliders.slider_path(name) for name in dict.fromkeys([*stored.take.emotions, *keyed(bag)])]


def is_edited(part: str, action: bpy.types.Action, stored: takes.StoredTake) -> bool:
    """Whether somebody has changed a part of a take's curves since it was written."""
    slot = actions.slot_for(action, PARTS[part])
    if slot is None:
        return False
    bag = compat.channelbag(action, slot)
    return actions.checksum(bag, paths_of(part, stored, bag)) != getattr(action.duet, part)


def sign(part: str, action: bpy.types.Action, stored: takes.StoredTake) -> None:
    """Note that a part of a take's curves is as it should be."""
    bag = compat.channelbag(action, actions.slot_for(action, PARTS[part]))
    setattr(action.duet, part, actions.checksum(bag, paths_of(part, stored, bag)))
