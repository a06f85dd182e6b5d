"""Emotion sliders: plain custom properties of the head object, keyed in its action."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.errors import HeadError
from ...inference.head.library import label
from ...inference.performance.curves import needed_keys
from ...inference.performance.performance import SETTINGS
from ...inference.take import MAX_INTENSITY
from ..blender import actions
from ..blender.loose import has

LIMIT = "Mix Limit"  # custom property: what all emotions together may add up to
LIMIT_PATH = f'["{LIMIT}"]'
SILENCE = "Silence"  # custom property: how far emotions may open the mouth
SILENCE_PATH = f'["{SILENCE}"]'
UPPER, MOUTH = "Upper Face", "Mouth"  # custom properties: how far emotions move each of the two parts of the face
PART_PATHS = {name: f'["{name}"]' for name in (UPPER, MOUTH)}
_AT_ONE = (SILENCE, UPPER, MOUTH)  # where nothing moves them
Range = tuple[float, float]
_TOLERANCE = 5e-4  # of a slider: under 0.01 mm of face


def slider_name(emotion: str) -> str:
    """The custom property of an emotion: 'happy' is 'Happy'."""
    return label(emotion)


def slider_path(emotion: str) -> str:
    """The data path of an emotion's slider, seen from the head object."""
    return _path(slider_name(emotion))


def _path(name: str) -> str:
    return f'["{bpy.utils.escape_identifier(name)}"]'


def add_sliders(obj: bpy.types.Object, emotions: Sequence[str]) -> None:
    """Give the object a slider for each emotion it has none for: 0 to 1, up to 1.5 where typed.

    And Upper Face, Mouth, Silence and Mix Limit, where it has none. Raises HeadError, before it adds any, where a
    property of such a name is there and of another type.
    """
    for name in (*map(slider_name, emotions), *_AT_ONE, LIMIT):
        if has(obj, name) and not isinstance(obj[name], float):
            message = f"'{obj.name}' has a custom property '{name}' that is no Float."
            raise HeadError(message, "Rename it, or change its type, so that Duet can have a slider of that name.")
    for name in map(slider_name, emotions):
        text = f"How much {name} is in the face: 0 is none, 1 is strong but natural. Key it like any value"
        _add(obj, name, 0.0, (0.0, MAX_INTENSITY), (0.0, 1.0), text)
    for name, part in ((UPPER, "the face above the mouth"), (MOUTH, "the mouth")):
        _add(obj, name, 1.0, (0.0, 1.0), (0.0, 1.0), f"How far emotions move {part}: 0 leaves it to your own keys")
    text = "How far emotions may drop the jaw and part the lips: takes key it, 0 wherever the head speaks"
    _add(obj, SILENCE, 1.0, (0.0, 1.0), (0.0, 1.0), text)
    limit = SETTINGS["mix_limit"]
    bounds = (limit.least, limit.most)
    _add(obj, LIMIT, limit.default, bounds, limit.usual or bounds, limit.sentence)


def _add(obj: bpy.types.Object, name: str, default: float, bounds: Range, usual: Range, description: str) -> None:
    """Give the object the property where it has none; its bounds, usual range and help in any case."""
    if not has(obj, name):
        obj[name] = default
    (low, high), (soft_low, soft_high) = bounds, usual
    ui = obj.id_properties_ui(name)
    ui.update(min=low, max=high, soft_min=soft_low, soft_max=soft_high, default=default, description=description)


def remove_slider(obj: bpy.types.Object, emotion: str) -> None:
    """Take the emotion's slider from the object."""
    obj.pop(slider_name(emotion), None)


def sliders_of(obj: bpy.types.Object, emotions: Sequence[str]) -> list[str]:
    """Those of the emotions that the object has a slider for."""
    return [emotion for emotion in emotions if has(obj, slider_name(emotion))]


def _animated(obj: bpy.types.Object, emotions: Sequence[str]) -> set[str]:
    """The names of those sliders, and of what is at 1 without, that have a curve in the action or on NLA tracks."""
    paths = actions.keyed_paths(obj)
    names = [*map(slider_name, emotions), *_AT_ONE]
    return {name for name in names if has(obj, name) and _path(name) in paths}


@contextmanager
def resting(objects: Sequence[bpy.types.Object], emotions: Sequence[str]) -> Iterator[None]:
    """Put to rest the sliders, and what is at 1 without, that a curve moved before the block, and none does after it.

    The last frame's value would stay in them. A value that was set by hand, without a key, is kept.
    """
    before = [_animated(obj, emotions) for obj in objects]
    yield
    for obj, moved in zip(objects, before, strict=True):
        _put_to_rest(obj, moved - _animated(obj, emotions))


def rest(obj: bpy.types.Object, emotions: Sequence[str]) -> None:
    """Put to rest every slider, and what is at 1 without, that no curve moves."""
    _put_to_rest(obj, {*map(slider_name, sliders_of(obj, emotions)), *_AT_ONE} - _animated(obj, emotions))


def _put_to_rest(obj: bpy.types.Object, names: set[str]) -> None:
    for name in names:
        obj[name] = 1.0 if name in _AT_ONE else 0.0


def write_silence(bag: bpy.types.ActionChannelbag, values: Floats, start: float) -> None:
    """Key Silence with `values` (T,), one a frame from `start` on; where they are 0, the curve is exactly 0."""
    zero = np.concatenate([[False], values == 0, [False]])
    edges = np.flatnonzero(zero[1:-1] & ~(zero[:-2] & zero[2:]))
    at = np.union1d(needed_keys(values, _TOLERANCE), edges)
    actions.write_curve(bag, SILENCE_PATH, start + at, values[at])


def write_parts(bag: bpy.types.ActionChannelbag, upper: float, mouth: float, span: tuple[float, float]) -> None:
    """Key how far emotions move the two parts of the face, from the first frame to the last; at 1 there is no key."""
    actions.remove_curves(bag, PART_PATHS.values())
    for path, value in zip(PART_PATHS.values(), (upper, mouth), strict=True):
        if value != 1.0:
            actions.write_curve(bag, path, np.array(span), np.array([value, value], np.float32))


def write_keys(
    bag: bpy.types.ActionChannelbag,
    emotions: Sequence[str],
    keys: tuple[NDArray[Any], Floats],
    start: float,
    last: float,
) -> None:
    """Key the sliders with eased keys, frames (K,) from `start` on and values (K, E), held to the frame `last`."""
    frames, values = keys
    if frames[-1] < last:
        frames, values = np.append(frames, last), np.vstack([values, values[-1:]])
    for emotion, column in zip(emotions, values.T, strict=True):
        if np.any(column):
            actions.write_eased_curve(bag, slider_path(emotion), *_few(start + frames, column))


def _few(frames: NDArray[Any], values: Floats) -> tuple[NDArray[Any], Floats]:
    """Without keys that have the same value before and after."""
    same = np.zeros(len(values), bool)
    same[1:-1] = (values[1:-1] == values[:-2]) & (values[1:-1] == values[2:])
    return frames[~same], values[~same]
