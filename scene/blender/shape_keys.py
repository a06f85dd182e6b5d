"""Shape keys in bulk: made from displacement bases, and slider ranges that never clip their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from .loose import Kind

_RNA_LIMIT = 10.0  # Blender allows no slider_min under -10 and no slider_max over 10


def add_shape_keys(obj: bpy.types.Object, names: Sequence[str], deltas: Floats) -> None:
    """Add one relative key a name to a mesh object; `deltas` (N, V, 3) in metres from the Basis.

    The Basis is made where the mesh has none.
    """
    if obj.data.shape_keys is None:
        obj.shape_key_add(name="Basis", from_mix=False)
    basis = rest_of(obj)
    for name, delta in zip(names, deltas, strict=True):
        block = obj.shape_key_add(name=name, from_mix=False)
        block.points.foreach_set("co", (basis + np.asarray(delta, np.float32)).ravel())
        block.value = 0.0  # from 5.2 on, a new key starts at 1


def rest_of(obj: bpy.types.Object) -> Floats:
    """(V, 3) of the Basis, or of the mesh where it has no keys, in the object's own units."""
    key = obj.data.shape_keys
    return places_of(key.reference_key.points if key else obj.data.vertices)


def places_of(points: Kind) -> Floats:
    """(V, 3) of a key's points, or of a mesh's vertices."""
    flat = np.empty(3 * len(points), np.float32)
    points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def deltas_of(obj: bpy.types.Object, names: Sequence[str]) -> Floats:
    """What keys add to the mesh at a value of 1: (N, V, 3) in the object's own units; nothing for keys it lacks."""
    blocks = obj.data.shape_keys.key_blocks
    result = np.zeros((len(names), len(obj.data.vertices), 3), np.float32)
    for row, name in zip(result, names, strict=True):
        if name in blocks:
            row[:] = places_of(blocks[name].points) - places_of(blocks[name].relative_key.points)
    return result


def mix(obj: bpy.types.Object, name: str, weights: Mapping[str, float]) -> None:
    """Let a key, made where it is missing, hold what others of the mesh's keys do together at these values."""
    blocks, basis = obj.data.shape_keys.key_blocks, rest_of(obj)
    moved = np.zeros_like(basis)
    for other, weight in weights.items():
        moved += np.float32(weight) * (places_of(blocks[other].points) - basis)
    if name in blocks:
        blocks[name].points.foreach_set("co", (basis + moved).ravel())
    else:
        add_shape_keys(obj, [name], moved[None])


def widen_sliders(
    key: bpy.types.Key, names: Sequence[str], low: NDArray[np.floating], high: NDArray[np.floating]
) -> None:
    """Make the sliders of the named keys reach from `low` to `high` (N,) at least; none becomes shorter.

    Blender silently clamps a key's value to its slider's range, and the range to [-10, 10].
    """
    for name, least, most in zip(names, low, high, strict=True):
        block = key.key_blocks[name]
        low_due, high_due = float(np.floor(least * 10) / 10), float(np.ceil(most * 10) / 10)
        if low_due < block.slider_min:
            block.slider_min = max(-_RNA_LIMIT, low_due)
        if high_due > block.slider_max:
            block.slider_max = min(_RNA_LIMIT, high_due)


def exceeds_sliders(weights: Floats) -> bool:
    """Whether weights lie beyond what any slider of a shape key can hold."""
    return bool(np.abs(weights).max(initial=0.0) > _RNA_LIMIT)


def value_path(name: str) -> str:
    """The data path of a key's value, seen from the Key data-block."""
    return f'key_blocks["{bpy.utils.escape_identifier(name)}"].value'
