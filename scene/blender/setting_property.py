"""Blender's properties for the settings of a performance, from the one table of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from ...inference.performance.settings import Setting

_UNITS: dict[str, dict[str, Any]] = {
    "": {"subtype": "FACTOR"},
    "ms": {"precision": 0, "step": 500},
    "s": {"precision": 2, "step": 10},
}
TIME = {"subtype": "TIME_ABSOLUTE", "unit": "TIME_ABSOLUTE"}  # of seconds along a recording


def property_for(setting: Setting, update: Callable[..., None] | None = None, **more: Any) -> Any:
    """A property of Blender's for a setting of the table."""
    more = {"name": setting.label, "description": setting.sentence, "default": setting.default, **more}
    more |= {"update": update} if update else {}
    if setting.choices:
        return bpy.props.EnumProperty(**more)
    if setting.parse:
        return bpy.props.StringProperty(**more)
    if setting.is_switch:
        return bpy.props.BoolProperty(**more | {"default": bool(setting.default)})
    if setting.whole:
        return bpy.props.IntProperty(min=int(setting.least), max=int(setting.most), **more)
    low, high = setting.usual or (setting.least, setting.most)
    limits: dict[str, Any] = {"min": setting.least, "max": setting.most, "soft_min": low, "soft_max": high}
    return bpy.props.FloatProperty(**limits, **_UNITS[setting.unit], **more)
