"""A take becomes animation on a head: all of it, or nothing."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ..inference.take import Take
from . import actions, compat, drivers, heads, shape_keys, sliders, sound, takes
from .rollback import all_or_nothing
from .timing import frame_span, resample, scene_fps


def apply_take(
    scene: bpy.types.Scene, obj: bpy.types.Object | None, take: Take, audio: Path, start: int, in_sync: bool = False
) -> list[str]:
    """Animate the head with the take from frame `start` on, at the scene's frame rate; return notes for the user.

    Speech becomes F-curves on the speech keys, emotions become keyed sliders that drive the expression keys, the
    sound goes to the sequencer (in place of the head's earlier one), and the scene's end moves where the take ends
    later. With `in_sync`, playback skips frames to stay with the sound. Raises HeadError or AudioError, and then,
    as for any other failure, leaves the scene as it was.
    """
    obj = heads.require_head(obj)
    heads.require_fits(obj, take)
    length = frame_span(take.frame_count, take.fps, scene_fps(scene))
    earlier_strips, earlier_action = sound.strips_of(scene, obj), actions.action_of(obj.data.shape_keys)
    with all_or_nothing(scene, obj):
        strip = sound.add_strip(scene, obj, audio, start, length)
        takes.store(obj, takes.StoredTake(take, str(audio), start))
        _play_new_action(obj, f"Duet {audio.stem}")
        _animate(obj, take, start, scene_fps(scene))
    sound.replace_strips(scene, earlier_strips, strip)
    scene.frame_end = max(scene.frame_end, start + length - 1)
    if in_sync:
        scene.sync_mode = "AUDIO_SYNC"
    return _retire(earlier_action)


def _play_new_action(obj: bpy.types.Object, name: str) -> None:
    """Give the head's keys a new action: empty, or a copy of Duet's earlier one, so that curves made by hand stay.

    The object plays the same action in a slot of its own, but keeps one that somebody else made.
    """
    key = obj.data.shape_keys
    earlier = actions.action_of(key)
    if earlier is not None and actions.made_by_duet(earlier):
        action = earlier.copy()
        action.name = name
    else:
        action = actions.new_action(name)
    actions.assign(key, action)
    own = actions.action_of(obj)
    actions.assign(obj, action if own in (None, earlier) else own)


def _animate(obj: bpy.types.Object, take: Take, start: int, fps: float) -> None:
    emotions = sliders.feelings(take.emotions, take.expression_weights)
    rows = [take.emotions.index(emotion) for emotion in emotions]
    weights, curves = take.expression_weights[rows], take.emotion_curves[:, rows]
    key, speech = obj.data.shape_keys, resample(take.speech_weights, take.fps, fps)
    reach = sliders.MAX_INTENSITY * np.abs(weights).sum(axis=0)
    shape_keys.widen_sliders(key, take.speech_names, speech.min(axis=0), speech.max(axis=0))
    shape_keys.widen_sliders(key, take.expression_names, -reach, reach)
    sliders.add_sliders(obj, emotions)

    bag = compat.channelbag(key.animation_data.action, key.animation_data.action_slot)
    frames = start + np.arange(len(speech))
    for name, values in zip(take.speech_names, speech.T, strict=True):
        actions.write_curve(bag, shape_keys.value_path(name), frames, values)
    sliders.key_sliders(obj, emotions, resample(curves, take.fps, fps), start)
    drivers.drive_expressions(obj, take.expression_names, emotions, weights)


def _retire(earlier: bpy.types.Action | None) -> list[str]:
    """Remove the earlier action where it was Duet's and nothing plays it; keep any other, and say so."""
    if earlier is None:
        return []
    if actions.made_by_duet(earlier):
        if not earlier.users:
            bpy.data.actions.remove(earlier)
        return []
    earlier.use_fake_user = True
    return [f"The earlier action '{earlier.name}' is kept (fake user)."]
