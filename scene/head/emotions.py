"""Emotions on a head: for each a slider, a key that it drives, one for the mouth alone, and one for silence alone.

With x, y, ... the sliders, t their sum, z the head's Mix Limit and u its Upper Face, the key of x is x * g, where g is
u * z / max(z, t); the key that moves the mouth alone is x * m, where m is the same with the head's Mouth less u; the
key that opens the mouth is x * h, where h is the same with the head's silence, which a take keys. t, g, m and h are
driven values of the Key. Two more follow the key of x and each blink, so that lids shut (correctives.py). So a slider
costs five small drivers, and a key that is at 0 costs the face nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import bpy
import numpy as np

from ...inference.arrays import Floats
from ...inference.errors import HeadError
from ...inference.head.blendshapes import load_blendshapes
from ...inference.head.library import label
from ...inference.take import EMOTIONS
from ..blender import drivers, shape_keys
from ..blender.drivers import Driven, Source
from ..blender.loose import has
from . import correctives, followers, ownership, sliders
from .feelings import Emotion, of_blendshapes, store, stored_on

# Custom properties of the Key: what all sliders add up to, and what each is multiplied by, also in silence.
_MIX, _SHARE, _SILENT_SHARE, _MOUTH_SHARE = "duet_mix", "duet_share", "duet_silent_share", "duet_mouth_share"
_PATHS = {name: f'["{name}"]' for name in (_MIX, _SHARE, _SILENT_SHARE, _MOUTH_SHARE)}


def on(obj: bpy.types.Object) -> list[str]:
    """The emotions that the head has sliders for, also a head of a version before."""
    return list(stored_on(obj)) or sliders.sliders_of(obj, EMOTIONS)


def connect(obj: bpy.types.Object, emotions: Sequence[Emotion]) -> None:
    """Give the head these emotions beside those that it has: sliders, keys and drivers.

    Its correctives follow their keys as well. Sliders that are there keep their values; what is right already stays
    untouched, as it must on a library override. Raises HeadError where a library override lacks one, and where the head
    lacks the blendshapes.
    """
    correctives.drive(obj)
    before = stored_on(obj)
    if not any(emotion.opening for emotion in emotions):  # a take of a version before knows of none
        emotions = [replace(e, opening=before[e.name].opening) if e.name in before else e for e in emotions]
    emotions = [_as_known(before.get(each.name), each, bool(obj.data.override_library)) for each in emotions]
    after = before | {emotion.name: emotion for emotion in emotions}
    if after == before and _is_whole(obj, after.values()):
        return
    if obj.data.override_library:
        if not before and {emotion.name for emotion in emotions} <= set(on(obj)):
            return  # of a version before, with drivers of its own
        message = f"'{obj.name}' has the emotions of another version of Duet in its library, or fewer of them."
        raise HeadError(message, "Add them to the head in the library's file, or make the head local.")
    _require_blendshapes(obj, emotions)
    _require_free(obj, [emotion for emotion in emotions if emotion.name not in before])
    sliders.add_sliders(obj, list(after))
    if not before:
        _release(obj, {name for emotion in emotions for name in emotion.expression})
    blocks = obj.data.shape_keys.key_blocks
    for name, emotion in after.items():
        if emotion != before.get(name) or not {*keys_of([emotion]), *lids_of(obj, [emotion])} <= set(blocks.keys()):
            _shape(obj, emotion)
    ownership.record(obj.data.shape_keys, (*keys_of(after.values()), *lids_of(obj, after.values())))
    _drive(obj, list(after.values()))
    store(obj, after.values())
    followers.share_emotions(obj)


def _as_known(before: Emotion | None, emotion: Emotion, is_fixed: bool) -> Emotion:
    """The emotion with the part of the mouth that the head knows of it, where it is the same or `is_fixed`."""
    same = before is not None and bool(before.mouth) and before.expression == emotion.expression
    return replace(emotion, mouth=before.mouth) if before is not None and (same or is_fixed) else emotion


def add(obj: bpy.types.Object, name: str) -> None:
    """Give the head one more emotion of the library, as it came with this version of Duet; raises HeadError."""
    names = (name,) if stored_on(obj) else (*EMOTIONS, name)
    connect(obj, of_blendshapes(load_blendshapes(), names))


def remove(obj: bpy.types.Object, name: str) -> None:
    """Take an emotion's slider and keys from the head; keys on the timeline stay, and count again if it comes back.

    Raises HeadError where the head has no such emotion, or has it from a library.
    """
    left = stored_on(obj)
    if name not in left:
        raise HeadError(f"'{obj.name}' has no slider {label(name)}.", "Add it from the library.")
    if obj.data.override_library:
        raise HeadError(f"'{obj.name}' has its emotions from a library.", "Remove it in the library's file.")
    gone = left.pop(name)
    key, names = obj.data.shape_keys, (*gone.mixes, *lids_of(obj, [gone]))
    drivers.undrive(key, names)
    for block in [key.key_blocks.get(each) for each in names]:
        if block is not None:
            obj.shape_key_remove(block)
    ownership.record(key, ())
    sliders.remove_slider(obj, name)
    _drive(obj, list(left.values()))
    store(obj, left.values())
    followers.share_emotions(obj)


def shape_again(obj: bpy.types.Object) -> None:
    """Make the keys of all emotions anew from the head's blendshapes, which have changed."""
    for emotion in stored_on(obj).values():
        _shape(obj, emotion)
    followers.share_emotions(obj)


@contextmanager
def undriven(obj: bpy.types.Object) -> Iterator[None]:
    """From the block on no slider drives anything, and nothing follows from speech keys: such keys are at 0.

    Where it raises, they do again. What follows a blink goes on to.
    """
    key, felt = obj.data.shape_keys, list(stored_on(obj).values())
    names = [*keys_of(felt), *(each.name for each in correctives.on(obj) if not each.is_of_life)]
    drivers.undrive(key, names)
    drivers.remove(key, set(_PATHS.values()))
    for name in names:
        key.key_blocks[name].value = 0.0
    try:
        yield
    except BaseException:
        _drive(obj, felt)
        correctives.drive(obj)
        raise


def values_of(emotions: Iterable[Emotion], mix: Floats, silence: Floats, parts: Floats) -> dict[str, Floats]:
    """The values (T,) of the keys of E emotions, of their sliders (T, E) within the limit and the silence (T,).

    `parts` (T, 2) are Upper Face and Mouth.
    """
    (upper, mouth), values = parts.T, dict[str, Floats]()
    for emotion, column in zip(emotions, mix.T, strict=True):
        shares = (upper, silence, mouth - upper)
        made = zip(emotion.mixes.items(), shares, strict=True)
        values |= {key: column * share for (key, weights), share in made if weights}
    return values


def keys_of(emotions: Iterable[Emotion]) -> list[str]:
    """The shape keys that emotions have."""
    return [name for emotion in emotions for name, weights in emotion.mixes.items() if weights]


def lids_of(obj: bpy.types.Object, emotions: Iterable[Emotion]) -> list[str]:
    """The shape keys that let the head blink while it feels these emotions."""
    return [own.name for each in emotions for own in correctives.of_lids(obj.data.shape_keys, each)]


def shown_by(obj: bpy.types.Object) -> list[str]:
    """The shape keys without which the head's feelings are not seen: a Silent one may be muted to keep a mouth shut."""
    return [emotion.key for emotion in stored_on(obj).values() if emotion.expression]


def _require_blendshapes(obj: bpy.types.Object, emotions: Iterable[Emotion]) -> None:
    blocks = obj.data.shape_keys.key_blocks
    for emotion in emotions:
        missing = [name for name in (*emotion.expression, *emotion.opening) if name not in blocks]
        if missing:
            message = f"'{obj.name}' lacks the blendshapes of {label(emotion.name)} ('{missing[0]}')."
            raise HeadError(message, "It is of another version of Duet: add a new head, or bind it again.")


def _require_free(obj: bpy.types.Object, emotions: Iterable[Emotion]) -> None:
    """Raise HeadError where the animator has keys of the names that the emotions' keys are to have."""
    key = obj.data.shape_keys
    own = [name for name in keys_of(emotions) if name in key.key_blocks and name not in ownership.made(key)]
    if own:
        message = f"'{obj.name}' has a shape key '{own[0]}' of its own."
        raise HeadError(message, "Rename it, so that Duet can add one of that name.")


def _release(obj: bpy.types.Object, names: set[str]) -> None:
    """Free expression keys of the drivers that they had in a version before."""
    key = obj.data.shape_keys
    for name in names:
        if key.animation_data and key.animation_data.drivers.find(shape_keys.value_path(name)) is not None:
            drivers.undrive(key, [name])
            key.key_blocks[name].value = 0.0


def _shape(obj: bpy.types.Object, emotion: Emotion) -> None:
    """Make the emotion's keys from the head's own blendshapes; one that would hold nothing goes."""
    for name, weights in emotion.mixes.items():
        block = obj.data.shape_keys.key_blocks.get(name)
        if weights:
            shape_keys.mix(obj, name, weights)
        elif block is not None:
            drivers.undrive(obj.data.shape_keys, [name])
            obj.shape_key_remove(block)
    for own, weights in correctives.of_lids(obj.data.shape_keys, emotion).items():
        shape_keys.mix(obj, own.name, weights)


def _drive(obj: bpy.types.Object, emotions: list[Emotion]) -> None:
    key = obj.data.shape_keys
    for name in _PATHS:
        if not has(key, name):
            key[name] = 0.0
    names = [*keys_of(emotions), *lids_of(obj, emotions)]
    room = np.full(len(names), sliders.MAX_INTENSITY)
    below = [-sliders.MAX_INTENSITY * (name in {emotion.mouth_key for emotion in emotions}) for name in names]
    shape_keys.widen_sliders(key, names, np.array(below), room)
    for driven in _driven(obj, emotions):
        drivers.drive(key, driven)


def _driven(obj: bpy.types.Object, emotions: Iterable[Emotion]) -> list[Driven]:
    """The drivers of the head: what all sliders have in common, and each emotion's keys."""
    key, emotions = obj.data.shape_keys, list(emotions)
    each = tuple(Source(f"v{i}", obj, sliders.slider_path(emotion.name)) for i, emotion in enumerate(emotions))
    limit, silence = Source("z", obj, sliders.LIMIT_PATH), Source("s", obj, sliders.SILENCE_PATH)
    mix, share, silent, mouth = (
        Source(letter, key, path) for letter, path in zip("tghm", _PATHS.values(), strict=True)
    )
    upper, lips = (Source(letter, obj, path) for letter, path in zip("up", sliders.PART_PATHS.values(), strict=True))
    result = [Driven(mix.path, "", each)]
    if has(obj, sliders.UPPER):
        result += [
            Driven(share.path, "u*z/max(z,t)", (upper, limit, mix)),
            Driven(silent.path, "s*z/max(z,t)", (silence, limit, mix)),
            Driven(mouth.path, "(p-u)*z/max(z,t)", (lips, upper, limit, mix)),
        ]
    else:  # a library override of a version before
        result += [Driven(share.path, "z/max(z,t)", (limit, mix)), Driven(silent.path, "s*g", (silence, share))]
    for emotion in emotions:
        own = Source("x", obj, sliders.slider_path(emotion.name))
        if emotion.expression:
            result.append(Driven(shape_keys.value_path(emotion.key), "x*g", (own, share)))
        if emotion.opening:
            result.append(Driven(shape_keys.value_path(emotion.silent_key), "x*h", (own, silent)))
        if emotion.mouth:
            result.append(Driven(shape_keys.value_path(emotion.mouth_key), "x*m", (own, mouth)))
        result += [correctives.shutting(key, each) for each in correctives.of_lids(key, emotion)]
    return result


def _is_whole(obj: bpy.types.Object, emotions: Iterable[Emotion]) -> bool:
    key, emotions = obj.data.shape_keys, list(emotions)
    has_sliders = len(sliders.sliders_of(obj, [emotion.name for emotion in emotions])) == len(emotions)
    return has_sliders and all(drivers.is_driven(key, driven) for driven in _driven(obj, emotions))
