"""Drivers that turn emotion sliders into expression keys, without a line of Python at run time."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

import bpy

from ..inference.take import Floats
from . import shape_keys, sliders

_LENGTH = 255  # Blender cuts an expression after that
_DIGITS = 5  # of a weight that a slider of 1 gives: 1e-5 of a blendshape is far less than 0.01 mm


def drive_expressions(obj: bpy.types.Object, names: Sequence[str], emotions: Sequence[str], weights: Floats) -> None:
    """Drive expression key k of the head by sum over e of `weights[e, k]` (E, Ke) times the slider of emotion e.

    The expressions are sums of products, which Blender evaluates itself ("simple expressions"): they run where
    scripts may not, and where Duet is not installed. A key that no emotion moves gets no driver.
    """
    key = obj.data.shape_keys
    undrive(key, names)
    for name, column in zip(names, weights.T, strict=True):
        terms = [(e, round(float(w), _DIGITS)) for e, w in enumerate(column) if round(float(w), _DIGITS)]
        if not terms:
            key.key_blocks[name].value = 0.0
            continue
        driver = key.key_blocks[name].driver_add("value").driver
        driver.type = "SCRIPTED"
        for e, _ in terms:
            _add_variable(driver, ascii_lowercase[e], obj, sliders.slider_path(emotions[e]))
        driver.expression = expression([(ascii_lowercase[e], weight) for e, weight in terms])


def undrive(key: bpy.types.Key, names: Sequence[str]) -> None:
    """Remove the drivers of the named keys, where they exist."""
    paths = {shape_keys.value_path(name) for name in names}
    drivers = key.animation_data.drivers if key.animation_data else []
    for curve in [curve for curve in drivers if curve.data_path in paths]:
        key.animation_data.drivers.remove(curve)


def expression(terms: Sequence[tuple[str, float]]) -> str:
    """A sum of products, as `0.5*b-0.12*d`; raises ValueError where it is too long for Blender."""
    text = "".join(f"{weight:+.{_DIGITS}f}".rstrip("0").rstrip(".") + f"*{name}" for name, weight in terms)
    text = text.removeprefix("+")
    if len(text) > _LENGTH:
        raise ValueError(f"The driver '{text[:40]}...' of {len(terms)} emotions is too long.")
    return text


def _add_variable(driver: bpy.types.Driver, name: str, obj: bpy.types.Object, path: str) -> None:
    variable = driver.variables.new()
    variable.name, variable.type = name, "SINGLE_PROP"
    variable.targets[0].id = obj
    variable.targets[0].data_path = path
