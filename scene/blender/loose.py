"""What no stub of Blender's can know: properties that are registered, and what data-blocks of several kinds share."""

from __future__ import annotations

from typing import Any, TypeAlias

import bpy

Animated: TypeAlias = Any  # a data-block that can be animated: an object, shape keys, a material
Kind: TypeAlias = Any  # one of several kinds that the stubs have a common class for: a light, a node, a strip
Group: TypeAlias = Any  # a property group whose fields are registered (scene/properties.py)


def duet_of(owner: bpy.types.Scene | bpy.types.Action) -> Group:
    """What is chosen in a scene, or a take's own settings in its action."""
    return owner.duet


def has(owner: Animated, name: str) -> bool:
    """Whether a data-block has this custom property."""
    return name in owner
