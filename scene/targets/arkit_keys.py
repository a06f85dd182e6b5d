"""ARKit's 52 shapes among an object's own shape keys: exactly named on a Duet head, however spelt on any other."""

from __future__ import annotations

import bpy

from ...inference.head.arkit_names import Matches, match_keys
from ...inference.head.canonical import ARKIT_NAMES
from ..head import heads
from . import arkit_heads


def find(obj: bpy.types.Object) -> Matches:
    """ARKit's name -> the shape keys that make it together, for those that the object has."""
    if obj.type != "MESH" or obj.data.shape_keys is None:
        return {}
    names = [block.name for block in obj.data.shape_keys.key_blocks[1:]]
    if heads.is_head(obj):
        return {name: (name,) for name in ARKIT_NAMES if name in names}
    return match_keys(names, arkit_heads.corrections_of(obj))
