"""A head that has had the blendshapes of more than one version of Duet: each take moves those it was made for.

Binding gives an earlier version's head this version's blendshapes, beside those it has. Earlier takes keep theirs,
under other names where two versions use the same one; the sliders drive those of the take that plays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import bpy

from ...inference.head.canonical import ARKIT_NAMES
from ...inference.steps import finish
from ..blender import actions, compat, drivers, shape_keys
from ..blender.loose import has
from ..head import emotions, feelings, heads, ownership
from . import take_curves, takes

if TYPE_CHECKING:
    from ...inference.head.blendshapes import Blendshapes

_EARLIER = "duet_earlier"  # of the Key: names of blendshapes of earlier versions, one a line
_LONGEST = 48  # bytes of a name that are kept before a suffix


def has_earlier(obj: bpy.types.Object) -> bool:
    """Whether the head has blendshapes of an earlier version beside this version's."""
    return has(obj.data.shape_keys, _EARLIER)


def make_room(obj: bpy.types.Object, names: Sequence[str]) -> None:
    """Rename the head's blendshapes, of an earlier version, that have one of `names`; its takes move them as before."""
    key = obj.data.shape_keys
    own = [name for name in _learned(key) if name in key.key_blocks]
    renamed = {name: _free(key, name) for name in own if name in names}
    for action in takes.takes_of(obj):
        _rename_in(action, renamed)
    for name, other in renamed.items():
        key.key_blocks[name].name = other  # with the curves and drivers that play
    ownership.record(key, renamed.values())
    key[_EARLIER] = "\n".join([*_lines(key, _EARLIER), *(renamed.get(name, name) for name in own)])


def settle(obj: bpy.types.Object, blendshapes: Blendshapes) -> None:
    """Let the sliders be of the take that plays, of whatever version; where none does, of this one."""
    heads.add_feelings(obj, blendshapes)
    stored = takes.load(obj)
    if stored is None:
        rest_others(obj, (*blendshapes.speech_names, *blendshapes.expression_names))
    else:
        rest_others(obj, (*stored.take.speech_names, *stored.take.expression_names))
        shown = take_curves.turned(takes.active(obj), stored.take)
        emotions.connect(obj, feelings.of_take(shown, stored.take.emotions))


def rest_others(obj: bpy.types.Object, names: Sequence[str]) -> None:
    """Let go of the blendshapes of all versions but those of these names, which the take that plays moves.

    Nothing drives them, its action, a copy of an earlier take's, has no curves of theirs, and they rest.
    """
    key = obj.data.shape_keys
    if not has_earlier(obj) or obj.data.override_library:
        return
    others = [name for name in (*_lines(key, _EARLIER), *_lines(key, heads.NAMES)) if name not in names]
    others = [name for name in others if name in key.key_blocks]
    drivers.undrive(key, others)
    action = takes.active(obj)
    if action is not None:
        actions.remove_curves(actions.ensure_bag(action, key), [shape_keys.value_path(name) for name in others])
    for name in others:
        key.key_blocks[name].value = 0.0


def _free(key: bpy.types.Key, name: str) -> str:
    """A name for the earlier key of this name, of the 63 bytes that Blender allows."""
    short = name.encode()[:_LONGEST].decode(errors="ignore")
    return next(free for n in count(1) if (free := f"{short} (earlier {n})") not in key.key_blocks)


def _lines(key: bpy.types.Key, name: str) -> list[str]:
    return str(key.get(name, "")).splitlines()


def _learned(key: bpy.types.Key) -> list[str]:
    """Names of the blendshapes of the version that the head is of."""
    earlier = _lines(key, _EARLIER)
    known = _lines(key, heads.NAMES) or sorted(ownership.made(key) - set(ARKIT_NAMES))
    return [name for name in known if name not in earlier]


def _rename_in(action: bpy.types.Action, renamed: dict[str, str]) -> None:
    """Have a take move keys under their new names."""
    stored = takes.read(action)
    speech, expression = (
        tuple(renamed.get(name, name) for name in names)
        for names in (stored.take.speech_names, stored.take.expression_names)
    )
    take = replace(stored.take, speech_names=speech, expression_names=expression)
    takes.store(action, finish(takes.packed(replace(stored, take=take))))
    paths = {shape_keys.value_path(name): shape_keys.value_path(other) for name, other in renamed.items()}
    for slot in action.slots:
        for curve in compat.channelbag(action, slot).fcurves:
            curve.data_path = paths.get(curve.data_path, curve.data_path)
