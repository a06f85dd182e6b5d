"""Meshes that follow a bound head: teeth, tongue, eyes, lashes, each with shape keys that the head's keys drive.

So they follow whatever moves the head: takes, sliders, life, keys by hand; and also where Duet is not installed.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from ..blender import actions, drivers, shape_keys
from ..blender.drivers import Driven, Source
from . import correctives, feelings, ownership

_FELT = ("Emotion ", "Silent ", "Mouth ")  # how the names of emotions' keys begin
_HEAD = "duet_follows"  # custom property of a part: the head that it follows


def of(head: bpy.types.Object) -> list[bpy.types.Object]:
    """The meshes that follow a head."""
    return [obj for obj in bpy.data.objects if head_of(obj) == head]


def keys_of(head: bpy.types.Object) -> list[bpy.types.Key]:
    """The Keys of the meshes that follow a head and have some."""
    return [obj.data.shape_keys for obj in _with_keys(head)]


def _with_keys(head: bpy.types.Object) -> list[bpy.types.Object]:
    return [obj for obj in of(head) if obj.data.shape_keys is not None]


def head_of(obj: bpy.types.Object) -> bpy.types.Object | None:
    """The head that a mesh follows, or None."""
    found = obj.get(_HEAD)
    return found if isinstance(found, bpy.types.Object) else None


def attach(head: bpy.types.Object, obj: bpy.types.Object, spelt: dict[str, tuple[str, ...]]) -> None:
    """Let a mesh's keys follow the head's keys of the same name, and those of `spelt` that make the same ARKit shape.

    Keys of the mesh's own are driven too where nothing moves them yet. One without keys is noted as following: it is of
    the head, and nothing of the face moves it, as upper teeth.
    """
    obj[_HEAD] = head
    key, source = obj.data.shape_keys, head.data.shape_keys
    if key is None:
        return
    made, held = ownership.made(key), actions.held_paths(key)
    for block in key.key_blocks[1:]:
        if block.name not in made and shape_keys.value_path(block.name) in held:
            continue
        own = (block.name, *spelt.get(block.name, ()))
        names = [name for name in dict.fromkeys(own) if name in source.key_blocks]
        if names:
            _drive(key, block.name, source, names)


def share_emotions(head: bpy.types.Object) -> None:
    """Give all that follow a head its emotions, made of the expression keys that they have."""
    felt = feelings.stored_on(head).values()
    for obj in _with_keys(head):
        key, kept = obj.data.shape_keys, set[str]()
        for emotion in felt:
            lids = correctives.of_lids(head.data.shape_keys, emotion)
            for name, weights in (emotion.mixes | {own.name: mix for own, mix in lids.items()}).items():
                known = {each: weight for each, weight in weights.items() if each in key.key_blocks}
                if known and name in head.data.shape_keys.key_blocks:
                    shape_keys.mix(obj, name, known)
                    _drive(key, name, head.data.shape_keys, [name])
                    kept.add(name)
        gone = {name for name in ownership.made(key) if name.startswith(_FELT)} - kept
        drivers.undrive(key, sorted(gone))
        for name in gone:
            obj.shape_key_remove(key.key_blocks[name])
        ownership.record(key, kept)


def mute(head: bpy.types.Object, names: Iterable[str], muted: bool) -> None:
    """Mute or unmute the keys of these names on all that follow a head, for the head's own are."""
    for obj in _with_keys(head):
        for name in set(names) & ownership.made(obj.data.shape_keys):
            obj.data.shape_keys.key_blocks[name].mute = muted


def _drive(key: bpy.types.Key, name: str, source: bpy.types.Key, names: list[str]) -> None:
    """Let a key be the sum of keys of another mesh, whose sliders may go beyond 0 to 1."""
    reach = [source.key_blocks[each] for each in names]
    low, high = sum(min(0.0, each.slider_min) for each in reach), sum(max(1.0, each.slider_max) for each in reach)
    block = key.key_blocks[name]
    block.slider_min, block.slider_max = max(-10.0, low), min(10.0, high)
    sources = tuple(Source(f"v{i}", source, shape_keys.value_path(each)) for i, each in enumerate(names))
    drivers.drive(key, Driven(shape_keys.value_path(name), "", sources))
