"""A take as plain keys: no drivers, no sliders, and no more keys than a tolerance in millimetres asks for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.errors import HeadError
from ...inference.head.correctives import Corrective, values_of
from ...inference.performance.curves import thin, thinning_error
from ...inference.steps import Steps
from ...inference.take import MIX_LIMIT, within_limit
from ..blender import actions, compat, shape_keys
from ..blender.loose import duet_of
from ..blender.rollback import all_or_nothing
from ..blender.timing import require_unstretched
from ..head import correctives, emotions, feelings, followers, heads, sliders
from . import lines, revise, settings, take_curves, takes

_OF_LINES = ("line", "length", "fps", "moved_to", "start_frame", "cut_start", "cut_end", "cut")
_SILENT = 1e-6  # a curve below this never moves anything


@dataclass(frozen=True)
class Plain:
    """What came of it: the action, its keys, how many a key a frame would be, the bound of the error in mm, notes."""

    action: bpy.types.Action
    keys: int
    full: int
    error: float
    notes: list[str]


def bake_lines_steps(scene: bpy.types.Scene, obj: bpy.types.Object, tolerance: float) -> Steps[list[Plain]]:
    """Give all lines of the head plain keys; where one cannot have them, all are as before. Raises HeadError."""
    made: list[tuple[bpy.types.Action, Plain]] = []
    try:
        for take in [line.action for line in lines.on(obj) if takes.is_take(line.action)]:
            baked = yield from bake_steps(scene, obj, tolerance, take)
            made.append((take, baked))
    except BaseException:
        for take, baked in made:
            lines.renew(obj, take)
            bpy.data.actions.remove(baked.action)
        raise
    return [baked for _, baked in made]


def bake_steps(
    scene: bpy.types.Scene, obj: bpy.types.Object, tolerance: float, take: bpy.types.Action | None = None
) -> Steps[Plain]:
    """Give the head an action of plain keys that moves every vertex as the take does, within `tolerance` mm.

    The take is that which the sidebar shows, or the one that is given; it stays in the file, and playing it again
    brings sliders and drivers back. A line stays a line, and the drivers stay as long as one of the lines is a take.
    All or nothing, and seen: raises HeadError.
    """
    take = _require_take(obj, take or takes.active(obj))
    require_unstretched(scene)
    stored, key, line = takes.read(take), obj.data.shape_keys, lines.of(obj, take)
    known = take_curves.felt(stored.take, settings.performance_of(duet_of(take)).felt)
    emotions.connect(obj, feelings.of_take(take_curves.turned(take, stored.take), known))
    frames = duet_of(take).moved_to + np.arange(take_curves.frames_of(stored.take, take_curves.rate_of(scene, take)))
    own = [each for each in correctives.on(obj) if not each.is_of_life]
    names, values = yield from _values(obj, take, stored, frames, own)
    moving = np.abs(values).max(axis=0) > _SILENT
    reach = np.array([_reach(obj, name) for name in names])
    keys = yield from thin(values[:, moving], reach[moving], tolerance)
    with all_or_nothing(scene, obj, followers.keys_of(obj)):
        action = _plain_action(obj, take, stored)
        bag, shown = actions.ensure_bag(action, key), [str(name) for name in np.array(names)[moving]]
        for name, column, kept in zip(shown, values[:, moving].T, keys, strict=True):
            actions.write_curve(bag, shape_keys.value_path(name), frames[kept], column[kept])
            yield 1.0
        driven = {each.name for each in own} if line else set()
        due = revise.due_of(action, key, [name for name in shown if name not in driven])
        layer = duet_of(scene).existing == "LAYER"
        others = [each for each in lines.on(obj) if each != line and takes.is_take(each.action)]
        with nullcontext() if line and others else emotions.undriven(obj):
            notes = revise.switch(scene, obj, action, emotions.on(obj), due, layer, duet_of(scene).clear_way)
    error = thinning_error(values[:, moving], reach[moving], keys)
    return Plain(action, sum(map(len, keys)), values[:, moving].size, error, notes)


def _require_take(obj: bpy.types.Object, take: bpy.types.Action | None) -> bpy.types.Action:
    """The take, where the head can have it as plain keys; raises HeadError."""
    heads.require_head(obj)
    if take is None:
        raise HeadError(f"'{obj.name}' plays no take.", "Choose one in the list of takes.")
    if obj.data.override_library:
        raise HeadError(f"The drivers of '{obj.name}' come from a library.", "Make the head local to bake plain keys.")
    return take


def _values(
    obj: bpy.types.Object,
    take: bpy.types.Action,
    stored: takes.StoredTake,
    frames: NDArray[Any],
    own: Sequence[Corrective],
) -> Steps[tuple[list[str], Floats]]:
    """The keys that a take moves and their values (T, N): speech, what is felt, and the head's own correctives."""
    line, names = lines.of(obj, take), stored.take.speech_names
    speech = yield from _speech(take, stored, obj.data.shape_keys, frames)
    felt = yield from _felt(obj, take, frames, line is not None)
    values = np.column_stack([speech, *felt.values(), values_of(own, names, speech)])
    every = [*names, *felt, *(each.name for each in own)]
    return _on_blendshapes(obj, every, values) if line else (every, values)


def _speech(
    take: bpy.types.Action, stored: takes.StoredTake, key: bpy.types.Key, frames: NDArray[Any]
) -> Steps[Floats]:
    paths = [shape_keys.value_path(name) for name in stored.take.speech_names]
    return (yield from actions.sample_steps(actions.ensure_bag(take, key), paths, frames))


def _on_blendshapes(obj: bpy.types.Object, names: list[str], values: Floats) -> tuple[list[str], Floats]:
    """Values (T, N) of keys of emotions as those of the blendshapes that they are mixed from, which nothing drives."""
    found = dict(zip(names, values.T, strict=True))
    for emotion in feelings.stored_on(obj).values():
        for key, weights in emotion.mixes.items():
            value = found.pop(key, None)
            for name, weight in weights.items() if value is not None and value.any() else ():
                found[name] = found.get(name, 0.0) + weight * value
    return list(found), np.column_stack(list(found.values()))


def _felt(obj: bpy.types.Object, take: bpy.types.Action, frames: NDArray[Any], keyed: bool) -> Steps[dict[str, Floats]]:
    """The values (T,) of the emotions' keys, from sliders and silence over time as Blender's drivers read them.

    With `keyed`, of those alone that are keyed: others go on to act by themselves.
    """
    on_head = list(feelings.stored_on(obj).values())
    names = [*(sliders.slider_name(emotion.name) for emotion in on_head), sliders.SILENCE, *sliders.PART_PATHS]
    paths = [*(sliders.slider_path(each.name) for each in on_head), sliders.SILENCE_PATH, *sliders.PART_PATHS.values()]
    bag = actions.ensure_bag(take, obj)
    values = yield from actions.sample_steps(bag, paths, frames)
    for column, (name, path) in enumerate(zip(names, paths, strict=True)):
        if bag.fcurves.find(path) is None and (name in sliders.PART_PATHS or not keyed):
            rest = 1.0 if name in sliders.PART_PATHS else 0.0
            values[:, column] = rest if keyed else float(obj.get(name, rest))
    count = len(on_head)
    mix = within_limit(values[:, :count], float(obj.get(sliders.LIMIT, MIX_LIMIT)))
    return emotions.values_of(on_head, mix, values[:, count], values[:, count + 1 :])


def _reach(obj: bpy.types.Object, name: str) -> float:
    """How far the key moves its farthest vertex at 1, in millimetres of the scene."""
    moved = shape_keys.places_of(obj.data.shape_keys.key_blocks[name].points) - shape_keys.rest_of(obj)
    scale = max(abs(s) for s in obj.matrix_world.to_scale()[:])
    return float(1000 * scale * np.linalg.norm(moved, axis=1).max(initial=0.0))


def _plain_action(obj: bpy.types.Object, take: bpy.types.Action, stored: takes.StoredTake) -> bpy.types.Action:
    """A copy of the take's action that is the animator's alone: other curves stay, the take's weights do not."""
    action = take.copy()
    action.name, action.use_fake_user = f"{take.name}{lines.PLAIN}", True
    takes.forget(action)
    if lines.of(obj, take):
        with settings.paused():
            for name in _OF_LINES:
                setattr(duet_of(action), name, getattr(duet_of(take), name))
    for part, kind in take_curves.PARTS.items():
        slot = actions.slot_for(action, kind)
        if slot is not None:
            bag = compat.channelbag(action, slot)
            actions.remove_curves(bag, take_curves.paths_of(part, stored, bag))
    return action
