"""The curves of a take, written from its weights and settings: speech, silence and emotions."""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from ...inference.arrays import Floats
from ...inference.head.library import emotion_names
from ...inference.performance.curves import frame_span
from ...inference.performance.face import FaceCurves
from ...inference.performance.mirror import mirrored
from ...inference.performance.silence import with_surroundings
from ...inference.steps import Steps
from ...inference.take import EMOTIONS, Take
from ..blender import actions, compat, shape_keys
from ..blender.loose import duet_of
from ..blender.timing import scene_fps
from ..head import heads, sliders
from . import settings, takes

PARTS = {"written_speech": "KEY", "written_emotion": "OBJECT", "written_silence": "OBJECT"}  # checksum -> its slot


def face_of(action: bpy.types.Action, stored: takes.StoredTake, fps: float, speech: Floats | None = None) -> FaceCurves:
    """A take at the scene's frames as its settings perform it; `speech` (S, Ks) where it is not the settings'."""
    return FaceCurves(stored.take, settings.performance_of(duet_of(action)), fps, stored.pauses, speech)


def rate_of(scene: bpy.types.Scene, action: bpy.types.Action) -> float:
    """The frames a second for which a take is written from this scene.

    They are the scene's, but for a head that another scene plays at the rate for which its take is written: a setting
    changed here would take the face off its sound there.
    """
    written = float(duet_of(action).fps)
    return written if heads.scene_at_rate(scene, duet_of(action).head, written) is not None else scene_fps(scene)


def frames_of(take: Take, fps: float) -> int:
    """How many frames a take has at a frame rate."""
    return frame_span(take.frame_count, take.fps, fps)


def write_speech(
    action: bpy.types.Action, stored: takes.StoredTake, key: bpy.types.Key, face: FaceCurves
) -> Steps[None]:
    """Write the speech curves of a take's action, one a step."""
    group, names = duet_of(action), stored.take.speech_names
    bag, frames = actions.ensure_bag(action, key), group.moved_to + np.arange(face.frames)
    for column, name in enumerate(names):
        actions.write_curve(bag, shape_keys.value_path(name), frames, face.speech[:, column])
        yield column / len(names)
    yield 1.0
    sign("written_speech", action, stored)
    group.stale, group.fps, group.length = False, face.fps, face.frames


def write_silence(action: bpy.types.Action, stored: takes.StoredTake, obj: bpy.types.Object, face: FaceCurves) -> None:
    """Key how far emotions may open the mouth: as the take's settings say, and 0 wherever its speech keys are not."""
    silence, before = with_surroundings(face.quiet, face.speech, face.fps)
    amount = np.float32(face.performance.opened)
    sliders.write_silence(actions.ensure_bag(action, obj), amount * silence, duet_of(action).moved_to - before)
    sign("written_silence", action, stored)


def turned(action: bpy.types.Action, take: Take) -> Take:
    """The take as its settings turn it: mirrored, or as it is; raises WeightsError."""
    return mirrored(take) if duet_of(action).mirror else take


def felt(take: Take, timed: Iterable[str] = ()) -> tuple[str, ...]:
    """The emotions that have sliders with the take: EMOTIONS, what its own curves have, and what a performance adds."""
    own = [
        name
        for name, column in zip(take.emotions, take.emotion_curves.T, strict=True)
        if name in EMOTIONS or np.any(column)
    ]
    return tuple(name for name in dict.fromkeys([*own, *timed]) if name != EMOTIONS[0])


def write_emotion(action: bpy.types.Action, stored: takes.StoredTake, obj: bpy.types.Object, face: FaceCurves) -> None:
    """Write the slider curves of a take's action, and how far they move the parts of the face."""
    bag, begin, own = _without_sliders(action, obj), duet_of(action).moved_to, face.performance
    names = felt(stored.take, own.felt)
    sliders.write_keys(bag, names, face.emotion_keys(names), begin, face.frames - 1)
    sliders.write_parts(bag, own.upper_face, own.lips, (begin, begin + face.frames - 1))
    sign("written_emotion", action, stored)


def move_steps(action: bpy.types.Action, stored: takes.StoredTake | None) -> Steps[None]:
    """Move all keys of a take, or of a line that is none, to its start frame, a curve a step."""
    group = duet_of(action)
    whole = [part for part in PARTS if stored and not is_edited(part, action, stored)]
    curves = actions.curves_of(action)
    for row, curve in enumerate(curves):
        actions.move_keys(curve, group.start_frame - group.moved_to)
        yield row / len(curves)
    group.moved_to = group.start_frame
    for part in whole:
        if stored and actions.slot_for(action, PARTS[part]) is not None:
            sign(part, action, stored)


def _without_sliders(action: bpy.types.Action, obj: bpy.types.Object) -> bpy.types.ActionChannelbag:
    bag = actions.ensure_bag(action, obj)
    actions.remove_curves(bag, [sliders.slider_path(name) for name in keyed(bag)])
    return bag


def keyed(bag: bpy.types.ActionChannelbag) -> list[str]:
    """The emotions whose sliders have curves there."""
    return [name for name in emotion_names() if bag.fcurves.find(sliders.slider_path(name)) is not None]


def paths_of(part: str, stored: takes.StoredTake, bag: bpy.types.ActionChannelbag) -> list[str]:
    """The paths of a part of a take's curves: those of its speech, of Silence, or of the sliders.

    Sliders are those of the take's emotions, and others of the library that are keyed in it; with them go the parts of
    the face that are keyed.
    """
    if part == "written_speech":
        return [shape_keys.value_path(name) for name in stored.take.speech_names]
    if part == "written_silence":
        return [sliders.SILENCE_PATH]
    parts = [path for path in sliders.PART_PATHS.values() if bag.fcurves.find(path) is not None]
    return [*(sliders.slider_path(name) for name in dict.fromkeys([*stored.take.emotions, *keyed(bag)])), *parts]


def is_edited(part: str, action: bpy.types.Action, stored: takes.StoredTake) -> bool:
    """Whether somebody has changed a part of a take's curves since it was written."""
    slot = actions.slot_for(action, PARTS[part])
    if slot is None:
        return False
    bag = compat.channelbag(action, slot)
    return actions.checksum(bag, paths_of(part, stored, bag)) != getattr(duet_of(action), part)


def sign(part: str, action: bpy.types.Action, stored: takes.StoredTake) -> None:
    """Note that a part of a take's curves is as it should be."""
    bag = compat.channelbag(action, actions.slot_for(action, PARTS[part]))
    setattr(duet_of(action), part, actions.checksum(bag, paths_of(part, stored, bag)))
