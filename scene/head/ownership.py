"""Whose a shape key is: those that Duet has made on a mesh are recorded with it; all others are the animator's."""

from __future__ import annotations

import json
from collections.abc import Iterable

import bpy

from ...inference.head.canonical import ARKIT_NAMES

_MADE = "duet_made"  # custom property of the Key: the names of the keys that Duet has made, as JSON
_LEARNED = ("Speech ", "Expression ")  # how the names of learned keys begin


def record(key: bpy.types.Key, names: Iterable[str]) -> None:
    """Remember that Duet has made these keys, beside those that it has made before."""
    key[_MADE] = json.dumps(sorted(made(key) | set(names)))


def made(key: bpy.types.Key) -> set[str]:
    """The names of the keys that Duet has made and that are there.

    On a head of before they were recorded: the learned ones, and those with ARKit's names that come after the first
    of these, for Duet's keys are added behind the animator's.
    """
    present = [block.name for block in key.key_blocks]
    try:
        recorded = json.loads(str(key[_MADE]))
        return {str(name) for name in recorded} & set(present)
    except (KeyError, ValueError, TypeError):
        first = next((at for at, name in enumerate(present) if name.startswith(_LEARNED)), len(present))
        return {name for name in present[first:] if name.startswith(_LEARNED) or name in ARKIT_NAMES}


def speaking(key: bpy.types.Key) -> list[str]:
    """The names of the keys that speech is written to."""
    own = made(key)
    return [block.name for block in key.key_blocks if block.name.startswith("Speech ") and block.name in own]
