"""Shape keys that a control rig drives: which control moves a key, where that is simple enough to be written to."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from . import shape_keys
from .loose import Animated

_EXACT = 1e-5  # of a key's value: within it, a driver is a straight line
_SAMPLES = np.linspace(0.0, 1.0, 5)
_INDEXED = re.compile(r"(?P<path>.+)(?:\[(?P<number>\d+)\]|\.(?P<axis>[xyzw]))")
_OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "min": min,
    "max": max,
    "clamp": lambda value, low=0.0, high=1.0: min(max(value, low), high),
}


@dataclass(frozen=True)
class Control:
    """A property that alone moves a key: the key's value is `offset + scale * property`, from 0 to 1 at least."""

    owner: Animated
    path: str
    index: int  # in an array; -1 where the property is one number
    scale: float
    offset: float

    @property
    def place(self) -> tuple[Animated, str, int]:
        """What it is, apart from how far it moves the key."""
        return self.owner, self.path, self.index

    def __str__(self) -> str:
        return f"'{self.owner.name}' {self.path}"


def drivers_of(key: bpy.types.Key, names: Sequence[str]) -> dict[str, bpy.types.FCurve]:
    """The named keys that a driver holds, with the driver: no F-curve of theirs plays."""
    held = {curve.data_path: curve for curve in (key.animation_data.drivers if key.animation_data else ())}
    paths = {name: shape_keys.value_path(name) for name in names}
    return {name: held[path] for name, path in paths.items() if path in held and not held[path].mute}


def control_of(curve: bpy.types.FCurve) -> Control | None:
    """The control behind a driver: one property of editable data, of which the key is a straight line; else None."""
    driver = curve.driver
    if len(driver.variables) != 1 or not _is_straight(curve):
        return None
    variable = driver.variables[0]
    target = variable.targets[0]
    if variable.type == "SINGLE_PROP" and target.id is not None and target.data_path:
        place = _place(target.id, target.data_path)
    elif variable.type == "TRANSFORMS" and target.id is not None and target.bone_target:
        place = _bone_place(target)
    else:
        return None
    line = _line(driver.expression, variable.name) if driver.type == "SCRIPTED" else (1.0, 0.0)
    if place is None or line is None or not _is_free(*place):
        return None
    return Control(*place, *line)


def _is_straight(curve: bpy.types.FCurve) -> bool:
    """Whether the driver's own curve passes the value on as it is."""
    if not len(curve.keyframe_points) and not len(curve.modifiers):
        return True
    return all(abs(curve.evaluate(value) - value) < _EXACT for value in _SAMPLES)


def _place(owner: Animated, path: str) -> tuple[Animated, str, int] | None:
    index, hit = -1, _INDEXED.fullmatch(path)
    if hit:
        path = hit["path"]
        index = int(hit["number"]) if hit["number"] else "xyzw".index(hit["axis"])
    try:
        value = owner.path_resolve(path)
        value = value if index < 0 else value[index]
    except (ValueError, TypeError, IndexError, KeyError):
        return None
    return (owner, path, index) if isinstance(value, float) else None


def _bone_place(target: bpy.types.DriverTarget) -> tuple[Animated, str, int] | None:
    """A pose bone's own location, where the driver reads it in the bone's local space."""
    owner: Animated = target.id
    bone = owner.pose.bones.get(target.bone_target) if owner.type == "ARMATURE" else None
    if bone is None or bone.constraints or target.transform_space != "LOCAL_SPACE":
        return None
    if not target.transform_type.startswith("LOC_"):
        return None
    return owner, bone.path_from_id("location"), "XYZ".index(target.transform_type[-1])


def _is_free(owner: Animated, path: str, index: int) -> bool:
    """Whether the property can be keyed: its owner is not linked, and nothing drives it in turn."""
    drivers = owner.animation_data.drivers if owner.animation_data else ()
    held = any(curve.data_path == path and curve.array_index == max(index, 0) for curve in drivers)
    return not held and (owner.library is None or owner.override_library is not None)


def _line(expression: str, variable: str) -> tuple[float, float] | None:
    """Scale and offset of an expression that is a straight line while its value goes from 0 to 1; else None."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
        offset = _value(tree, variable, 0.0)
        scale = _value(tree, variable, 1e-3) / 1e-3 - offset / 1e-3
        if not np.isfinite(scale) or abs(scale) < _EXACT:
            return None
        wanted = [(_value(tree, variable, (value - offset) / scale), value) for value in _SAMPLES]
    except (SyntaxError, ValueError, TypeError, ZeroDivisionError):
        return None
    return (scale, offset) if all(abs(found - due) < 1e-3 for found, due in wanted) else None


def _value(node: ast.expr, variable: str, value: float) -> float:
    """An arithmetic expression of one variable; raises ValueError for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id == variable:
        return value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        inner = _value(node.operand, variable, value)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left, variable, value), _value(node.right, variable, value))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
        return float(_FUNCTIONS[node.func.id](*(_value(each, variable, value) for each in node.args)))
    raise ValueError(f"'{ast.dump(node)}' is no simple arithmetic")
