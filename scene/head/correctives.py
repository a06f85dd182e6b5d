"""Corrective keys of a head: each is driven by the two keys that it follows, also where Duet is not installed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple

import bpy
import numpy as np

from ...inference.arrays import Floats
from ...inference.head.correctives import SHUTTING, Corrective, LidCorrective
from ..blender import drivers, shape_keys
from ..blender.drivers import Driven, Source
from .feelings import Emotion

_STORE, _LIDS = "duet_correctives", "duet_lid_correctives"  # custom properties of the Key: JSON
_LEAST = 1e-3  # of a lid corrective at its most: what is less is not mixed in
_ROOM = 10.0  # of a slider, either way: products of keys that animators push far


def on(obj: bpy.types.Object) -> list[Corrective]:
    """Those that the head has; none on a head of a version before."""
    key = obj.data.shape_keys
    found = [Corrective(*each) for each in json.loads(key.get(_STORE, "[]"))]
    return [each for each in found if {each.name, each.first, each.second} <= set(key.key_blocks.keys())]


def connect(obj: bpy.types.Object, correctives: Iterable[Corrective | LidCorrective]) -> None:
    """Let the head's keys of these names be correctives; those of lids are what emotions' own are mixed of."""
    key, every = obj.data.shape_keys, list(correctives)
    lids = [(each.name, each.blink, dict(each.weights)) for each in every if isinstance(each, LidCorrective)]
    key[_STORE] = json.dumps([astuple(each) for each in every if isinstance(each, Corrective)])
    key[_LIDS] = json.dumps(lids)
    drive(obj)


def of_lids(key: bpy.types.Key, emotion: Emotion) -> dict[Corrective, dict[str, float]]:
    """What lets a head blink while it feels an emotion, each as a mix of keys that the mesh has.

    A key's name, the emotion's and the blink's; none on a head of a version before.
    """
    found: dict[Corrective, dict[str, float]] = {}
    for name, blink, weights in json.loads(key.get(_LIDS, "[]")):
        amount = sum(weights.get(each, 0.0) * weight for each, weight in emotion.expression.items())
        if abs(amount) > _LEAST and {name, blink} <= set(key.key_blocks.keys()):
            own = Corrective(f"{emotion.key}, corrective {blink}", emotion.key, blink)
            found.setdefault(own, {})[name] = amount
    return found


def spread(key: bpy.types.Key, emotions: Iterable[Emotion], values: dict[str, Floats]) -> dict[str, Floats]:
    """What values (T,) of keys amount to, of those that let lids shut, by the names of the keys they are mixed of."""
    sums: dict[str, Floats] = {}
    for emotion in emotions:
        for own, weights in of_lids(key, emotion).items():
            if own.name in values:
                for name, weight in weights.items():
                    sums[name] = sums.get(name, np.float32(0)) + np.float32(weight) * values[own.name]
    return sums


def shutting(key: bpy.types.Key, own: Corrective) -> Driven:
    """The driver of a key that lets the lids of an emotion shut."""
    sources = zip("ab", (own.first, own.second), strict=True)
    read = tuple(Source(letter, key, shape_keys.value_path(name)) for letter, name in sources)
    return Driven(shape_keys.value_path(own.name), SHUTTING, read)


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
