"""Drivers that turn emotion sliders into expression keys, without a line of Python at run time."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

import bpy
import numpy as np

from ..inference.errors import HeadError
from ..inference.take import Floats
from . import shape_keys, sliders

_LENGTH = 255  # Blender cuts an expression after that
_LIMIT = "z"  # the variable of the mix limit
_DIGITS = 5  # of a weight that a slider of 1 gives: 1e-5 of a blendshape is far less than 0.01 mm


def connect(obj: bpy.types.Object, names: Sequence[str], emotions: Sequence[str], weights: Floats) -> list[str]:
    """Give the head sliders for the emotions that move it, driving its expression keys; return those emotions.

    `weights` (E, Ke), one row for each of `emotions`, one column for each of the keys `names`. Sliders that are there
    keep their values; drivers that are right already stay untouched, as they must on a library override.
    """
    felt = sliders.feelings(emotions, weights)
    rows = weights[[list(emotions).index(emotion) for emotion in felt]]
    if _is_connected(obj, names, felt, rows):
        return felt
    if obj.data.override_library:
        message = f"'{obj.name}' has the emotions of another version of Duet in its library."
        raise HeadError(message, "Generate a take in the library's file once, or make the head local.")
    reach = sliders.MAX_INTENSITY * np.abs(rows).sum(axis=0)
    shape_keys.widen_sliders(obj.data.shape_keys, names, -reach, reach)
    sliders.add_sliders(obj, felt)
    drive_expressions(obj, names, felt, rows)
    return felt


def drive_expressions(obj: bpy.types.Object, names: Sequence[str], emotions: Sequence[str], weights: Floats) -> None:
    """Drive expression key k of the head by sum over e of `weights[e, k]` (E, Ke) times the slider of emotion e.

    Where the sliders add up to more than the head's Mix Limit, the mix is scaled down to it. The expressions are what
    Blender evaluates itself ("simple expressions"): they run where scripts may not, and where Duet is not installed.
    A key that no emotion moves gets no driver.
    """
    key = obj.data.shape_keys
    undrive(key, names)
    for name, text in zip(names, _expressions(weights), strict=True):
        if not text:
            key.key_blocks[name].value = 0.0
            continue
        driver = key.key_blocks[name].driver_add("value").driver
        driver.type = "SCRIPTED"
        for e, emotion in enumerate(emotions):
            _add_variable(driver, ascii_lowercase[e], obj, sliders.slider_path(emotion))
        _add_variable(driver, _LIMIT, obj, sliders.LIMIT_PATH)
        driver.expression = text


def _expressions(weights: Floats) -> list[str]:
    """The expression of each key, empty where no emotion moves it."""
    letters = ascii_lowercase[: len(weights)]
    rounded = np.round(weights.T.astype(float), _DIGITS)
    terms = [[(letters[e], float(column[e])) for e in np.flatnonzero(column)] for column in rounded]
    return [expression(each, letters) if each else "" for each in terms]


def _is_connected(obj: bpy.types.Object, names: Sequence[str], emotions: Sequence[str], weights: Floats) -> bool:
    key = obj.data.shape_keys
    have = (
        {curve.data_path: curve.driver.expression for curve in key.animation_data.drivers} if key.animation_data else {}
    )
    due = zip(names, _expressions(weights), strict=True)
    right = all(have.get(shape_keys.value_path(name), "") == text for name, text in due)
    return right and len(sliders.sliders_of(obj, emotions)) == len(emotions)


def undrive(key: bpy.types.Key, names: Sequence[str]) -> None:
    """Remove the drivers of the named keys, where they exist."""
    paths = {shape_keys.value_path(name) for name in names}
    drivers = key.animation_data.drivers if key.animation_data else []
    for curve in [curve for curve in drivers if curve.data_path in paths]:
        key.animation_data.drivers.remove(curve)


def expression(terms: Sequence[tuple[str, float]], letters: str) -> str:
    """A sum of products within the limit, as `(0.5*b-0.12*d)*m/max(m,a+b+c+d)`: `letters` are all sliders.

    Raises ValueError where it is too long for Blender.
    """
    text = "".join(f"{weight:+.{_DIGITS}f}".rstrip("0").rstrip(".") + f"*{name}" for name, weight in terms)
    text = f"({text.removeprefix('+')})*{_LIMIT}/max({_LIMIT},{'+'.join(letters)})"
    if len(text) > _LENGTH:
        raise ValueError(f"The driver '{text[:40]}...' of {len(terms)} emotions is too long.")
    return text


def _add_variable(driver: bpy.types.Driver, name: str, obj: bpy.types.Object, path: str) -> None:
    variable = driver.variables.new()
    variable.name, variable.type = name, "SINGLE_PROP"
    variable.targets[0].id = obj
    variable.targets[0].data_path = path
