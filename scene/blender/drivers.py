"""Keys that Blender computes from sliders and other values, without a line of Python at run time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import bpy

from . import shape_keys
from .loose import Animated


@dataclass(frozen=True)
class Source:
    """A value that a driver reads: its letter in the expression, its data-block, and its path there."""

    letter: str
    datablock: Animated
    path: str


@dataclass(frozen=True)
class Driven:
    """A value of a Key that follows from others: `expression` of the sources' letters, or "" for their sum.

    An expression is one that Blender evaluates itself (a "simple expression"): it runs where scripts may not, and where
    Duet is not installed. Sources may be custom properties of the head, or other values of the same Key, as a
    corrective has them: Driven(value_path("Corrective"), "a*b", (Source("a", key, value_path("Jaw open")), ...)).
    """

    path: str
    expression: str
    sources: tuple[Source, ...]


def drive(key: bpy.types.Key, driven: Driven) -> None:
    """Let the value be driven so, in place of how it was; a driver that is right already stays untouched."""
    if is_driven(key, driven):
        return
    remove(key, {driven.path})
    curve = key.driver_add(driven.path)
    curve.keyframe_points.clear()  # from 5.2 on, there is a key at 0, which swallows the smallest values
    driver = curve.driver
    driver.type = "SCRIPTED" if driven.expression else "SUM"
    for source in driven.sources:
        variable = driver.variables.new()
        variable.name, variable.type = source.letter, "SINGLE_PROP"
        target = variable.targets[0]
        target.id_type = source.datablock.id_type
        target.id, target.data_path = source.datablock, source.path
    driver.expression = driven.expression


def is_driven(key: bpy.types.Key, driven: Driven) -> bool:
    """Whether the value has that driver."""
    curve = key.animation_data.drivers.find(driven.path) if key.animation_data else None
    if curve is None:
        return False
    driver = curve.driver
    text = driver.expression if driver.type == "SCRIPTED" else ""
    paths = {(variable.name, variable.targets[0].data_path) for variable in driver.variables}
    return text == driven.expression and paths == {(source.letter, source.path) for source in driven.sources}


def undrive(key: bpy.types.Key, names: Sequence[str]) -> None:
    """Remove the drivers of the named keys, where they exist."""
    remove(key, {shape_keys.value_path(name) for name in names})


def remove(key: bpy.types.Key, paths: set[str]) -> None:
    """Remove the drivers of these values of the Key, where they exist."""
    drivers: Iterable[bpy.types.FCurve] = key.animation_data.drivers if key.animation_data else []
    for curve in [curve for curve in drivers if curve.data_path in paths]:
        key.animation_data.drivers.remove(curve)
