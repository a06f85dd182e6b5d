"""Corrective keys of a head: each is driven by the two keys that it follows, also where Duet is not installed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple

import bpy
import numpy as np

from ...inference.head.correctives import Corrective
from ..blender import drivers, shape_keys
from ..blender.drivers import Driven, Source

_STORE = "duet_correctives"  # custom property of the Key: JSON
_ROOM = 10.0  # of a slider, either way: products of keys that animators push far


def on(obj: bpy.types.Object) -> list[Corrective]:
    """Those that the head has; none on a head of a version before."""
    key = obj.data.shape_keys
    found = [Corrective(*each) for each in json.loads(key.get(_STORE, "[]"))]
    return [each for each in found if {each.name, each.first, each.second} <= set(key.key_blocks.keys())]


def connect(obj: bpy.types.Object, correctives: Iterable[Corrective]) -> None:
    """Let the head's keys of these names be correctives."""
    obj.data.shape_keys[_STORE] = json.dumps([astuple(each) for each in correctives])
    drive(obj)


def drive(obj: bpy.types.Object) -> None:
    """Let the head's correctives follow their keys, where they do not; a library override has its library's drivers."""
    key, own = obj.data.shape_keys, on(obj)
    if obj.data.override_library or not own:
        return
    room = np.full(len(own), _ROOM)
    shape_keys.widen_sliders(key, [each.name for each in own], -room, room)
    for each in own:
        named = zip("ab", (each.first,) if each.is_between else (each.first, each.second), strict=False)
        sources = tuple(Source(letter, key, shape_keys.value_path(name)) for letter, name in named)
        drivers.drive(key, Driven(shape_keys.value_path(each.name), each.expression, sources))
