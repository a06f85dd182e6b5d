"""Emotion sliders: plain custom properties of the head object, keyed in its action."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ..inference.take import Floats
from . import actions, compat

MAX_INTENSITY = 1.5
_TOLERANCE = 5e-4  # of a slider: under 0.01 mm of face


def slider_name(emotion: str) -> str:
    """The custom property of an emotion: 'happy' is 'Happy'."""
    return emotion.capitalize()


def slider_path(emotion: str) -> str:
    """The data path of an emotion's slider, seen from the head object."""
    return f'["{bpy.utils.escape_identifier(slider_name(emotion))}"]'


def add_sliders(obj: bpy.types.Object, emotions: Sequence[str]) -> None:
    """Give the object a slider for each emotion it has none for: 0 to 1, up to 1.5 where typed."""
    for emotion in emotions:
        name = slider_name(emotion)
        if name not in obj:
            obj[name] = 0.0
        obj.id_properties_ui(name).update(
            min=0.0,
            max=MAX_INTENSITY,
            soft_min=0.0,
            soft_max=1.0,
            default=0.0,
            description=f"How {emotion} the face is: 0 is not at all, 1 is strong but natural. Key it like any value",
        )


def sliders_of(obj: bpy.types.Object, emotions: Sequence[str]) -> list[str]:
    """Those of the emotions that the object has a slider for."""
    return [emotion for emotion in emotions if slider_name(emotion) in obj]


def feelings(emotions: Sequence[str], expression_weights: Floats) -> list[str]:
    """The emotions that move the face at all: all but 'neutral', which is no slider."""
    return [emotion for emotion, row in zip(emotions, expression_weights, strict=True) if np.any(row)]


def key_sliders(obj: bpy.types.Object, emotions: Sequence[str], curves: Floats, start: float) -> None:
    """Key the sliders with `curves` (T, E), one row a frame from `start` on; an emotion that stays 0 gets no keys.

    A steady emotion gets two keys, at the start and the end, so that keys set between them fade in and out.
    """
    bag = compat.channelbag(obj.animation_data.action, obj.animation_data.action_slot)
    actions.remove_curves(bag, [slider_path(emotion) for emotion in emotions])
    for emotion, values in zip(emotions, curves.T, strict=True):
        obj[slider_name(emotion)] = float(values[0])
        if not np.any(values):
            continue
        at = actions.needed_keys(values, _TOLERANCE)
        steady = len(at) <= 2 and values[0] == values[-1]
        actions.write_curve(bag, slider_path(emotion), start + at, values[at], "BEZIER" if steady else "LINEAR")
