"""A character's ARKit shapes as they are written to: keys of its meshes, and the controls of keys that are driven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.errors import HeadError
from ...inference.head.arkit_names import Matches
from ...inference.steps import Steps
from ..blender import actions, compat, layers, shape_keys, states
from ..blender.driven import Control, control_of, drivers_of
from ..blender.loose import Animated
from ..blender.rollback import all_or_nothing
from ..checks import obstacles, verify
from ..head import followers, parts

_SHOWN = 4  # names in a note


@dataclass(frozen=True)
class Handle:
    """What moves together: the ARKit shapes that it makes, the keys, and for each key the control that drives it."""

    shapes: tuple[str, ...]
    keys: tuple[str, ...]
    controls: tuple[Control | None, ...]


@dataclass(frozen=True)
class Face:
    """A mesh with its handles, and the keys of matched shapes that no control can be written to."""

    obj: bpy.types.Object
    handles: tuple[Handle, ...]
    held: tuple[str, ...]

    @property
    def owners(self) -> list[Animated]:
        """The data-blocks that an action is assigned to: the mesh's keys and what drives them."""
        controls = [control for handle in self.handles for control in handle.controls]
        free = [self.obj.data.shape_keys] if not controls or any(each is None for each in controls) else []
        return list(dict.fromkeys([*free, *(control.owner for control in controls if control is not None)]))


def face_of(obj: bpy.types.Object, matches: Matches) -> Face:
    """The handles of the matched shapes; shapes that share a key or a control are one handle."""
    key = obj.data.shape_keys
    groups: dict[tuple[Any, ...], tuple[list[str], dict[str, Control | None]]] = {}
    held: list[str] = []
    for shape, keys in matches.items():
        found = drivers_of(key, keys)
        controls = {name: control_of(found[name]) if name in found else None for name in keys}
        stuck = [name for name in found if controls[name] is None]
        if stuck:
            held += stuck
            continue
        place = tuple(control.place if control else name for name, control in controls.items())
        shapes, together = groups.setdefault(place, ([], {}))
        others = [each for each in together.values() if each is not None]
        if others and any(c is not None and (c.scale, c.offset) != (others[0].scale, others[0].offset)
                          for c in controls.values()):  # fmt: skip
            held += keys
            continue
        shapes.append(shape)
        together |= controls
    handles = [Handle(tuple(shapes), tuple(each), tuple(each.values())) for shapes, each in groups.values()]
    return Face(obj, tuple(handles), tuple(dict.fromkeys(held)))


def say_held(face: Face) -> str:
    """Which keys stand in the way, for the user; empty where none does."""
    if not face.held:
        return ""
    sources = {}
    for name, curve in drivers_of(face.obj.data.shape_keys, face.held).items():
        ids = [each.targets[0].id for each in curve.driver.variables if each.targets[0].id is not None]
        sources[name] = f"'{name}'" + (f" by '{ids[0].name}'" if ids else "")
    shown = ", ".join(list(sources.values())[:_SHOWN]) + (", ..." if len(sources) > _SHOWN else "")
    return (
        f"{len(face.held)} keys of '{face.obj.name}' are driven in ways that cannot be written to, and stay: {shown}."
    )


def others_of(scene: bpy.types.Scene, obj: bpy.types.Object, matches_of: Any) -> tuple[list[Face], list[str]]:
    """The character's other meshes that have ARKit keys, and notes on meshes in the head that do not follow."""
    faces, still = [], []
    for other in parts.around(scene, obj):
        matches = matches_of(other)
        if followers.head_of(other) == obj:
            continue  # its keys follow the head's by drivers
        if not matches:
            if parts.is_inside(obj, other) and not states.rigs_of(other):
                still.append(f"'{other.name}'")
            continue
        try:
            states.require_writable(other, shared=True)
        except HeadError as error:
            still.append(f"'{other.name}' ({error.message.rstrip('.')})")
            continue
        faces.append(face_of(other, matches))
    if not still:
        return faces, []
    shown = ", ".join(still[:_SHOWN]) + (", ..." if len(still) > _SHOWN else "")
    return faces, [f"In the head, but without keys that follow: {shown}."]


def write_steps(
    scene: bpy.types.Scene,
    faces: Sequence[Face],
    action: bpy.types.Action,
    frames: NDArray[Any],
    shapes: Mapping[str, Floats],
    layer: bool = True,
    lift: bool = True,
) -> Steps[list[str]]:
    """Key ARKit shapes (name -> values (T,)) on a character's meshes, the first being its head, a key a step.

    Returns notes. What played before is layered under the action or set aside. All of it, or nothing: raises HeadError
    where something stands in the way, and where afterwards a mesh does not show what was written.
    """
    head, owners = faces[0], list(dict.fromkeys(owner for face in faces for owner in face.owners))
    for owner in owners:
        states.require_playable(owner, head.obj.name)
    others = [*owners, *(face.obj.data.shape_keys for face in faces[1:])]
    with all_or_nothing(scene, head.obj, others):
        notes: list[str] = []
        for face in faces:
            notes += obstacles.clear(face.obj, _keys(face, shapes), lift, face.owners)
        notes += layers.make_way(scene, [face.obj for face in faces], owners, layer)
        bags = {owner: _play(owner, action) for owner in owners}
        for face in faces:
            yield from _face_steps(bags, face, frames, shapes)
        for face in faces:
            yield 1.0
            names, values = _due(face, shapes)
            verify.require_shown(scene, face.obj, names, frames, values)
    notes += [unseen for face in faces if (unseen := obstacles.hidden(face.obj, bpy.context.view_layer))]
    if len(faces) > 1:
        shown = ", ".join(f"'{face.obj.name}'" for face in faces[1 : 1 + _SHOWN])
        notes.append(f"With it follow {len(faces) - 1} other meshes: {shown}" + ("." if len(faces) <= 5 else ", ..."))
    return [*notes, *(said for said in map(say_held, faces) if said)]


def _play(owner: Animated, action: bpy.types.Action) -> bpy.types.ActionChannelbag:
    """Let a data-block play the action: all keys in one slot, each control's owner in its own."""
    if isinstance(owner, bpy.types.Key):
        actions.assign(owner, action)
    else:
        actions.assign(owner, action, action.slots.new(id_type=owner.id_type, name=owner.name))
    return compat.channelbag(action, owner.animation_data.action_slot)


def _keys(face: Face, shapes: Mapping[str, Floats]) -> list[str]:
    return [key for handle in face.handles if _values(handle, shapes) is not None for key in handle.keys]


def _values(handle: Handle, shapes: Mapping[str, Floats]) -> Floats | None:
    """The values (T,) of a handle: those of the first of its shapes that has any."""
    return next((shapes[shape] for shape in handle.shapes if shape in shapes), None)


def _due(face: Face, shapes: Mapping[str, Floats]) -> tuple[list[str], Floats]:
    """Names of all keys that are written, and the values (T, N) that they are to have."""
    columns = [(key, _values(handle, shapes)) for handle in face.handles for key in handle.keys]
    known = {key: values for key, values in columns if values is not None}
    stacked = np.stack(list(known.values()), axis=1) if known else np.zeros((0, 0))
    return list(known), np.asarray(stacked, np.float32)


def _face_steps(
    bags: Mapping[Animated, bpy.types.ActionChannelbag],
    face: Face,
    frames: NDArray[Any],
    shapes: Mapping[str, Floats],
) -> Steps[None]:
    key = face.obj.data.shape_keys
    names, values = _due(face, shapes)
    if names:
        shape_keys.widen_sliders(key, names, values.min(axis=0), values.max(axis=0))
    for row, handle in enumerate(face.handles):
        yield row / len(face.handles)
        due = _values(handle, shapes)
        for name, control in zip(handle.keys, handle.controls, strict=True):
            if due is None:
                continue
            if control is None:
                actions.write_curve(bags[key], shape_keys.value_path(name), frames, due)
            else:
                moved = (due - control.offset) / control.scale
                actions.write_curve(bags[control.owner], control.path, frames, moved, index=max(control.index, 0))
