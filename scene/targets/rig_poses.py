"""The poses of an armature: found in actions, known by name or as chosen by hand, read as the controls they move."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...inference.arrays import Doubles
from ...inference.errors import RequestError
from ...inference.head import pose_names
from ...inference.head.pose_mix import axis_angles, mixed_numbers, mixed_turns
from ...inference.head.pose_names import Recipe
from ..blender import actions

ENOUGH = 3  # poses of the face that make an armature speak
_CORRECTIONS = "duet_poses"  # custom property of the object: faces of poses as chosen by hand, as JSON
_LEAST = 1e-6  # of a control: a pose that moves it less leaves it
_TOLD = 8  # curves of an action that are looked at to tell whose it is
_FRAME = re.compile(r"(?P<action>.+) @ (?P<frame>-?[0-9]+)")
_RESTS: dict[str, tuple[float, ...]] = {
    "location": (0.0, 0.0, 0.0),
    "scale": (1.0, 1.0, 1.0),
    "rotation_euler": (0.0, 0.0, 0.0),
    "rotation_quaternion": (1.0, 0.0, 0.0, 0.0),
    "rotation_axis_angle": (0.0, 0.0, 1.0, 0.0),
}
_ROTATIONS = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}


@dataclass(frozen=True, eq=False)
class Pose:
    """A frame of an action: called as its marker, or as the action."""

    called: str
    action: bpy.types.Action
    slot: bpy.types.ActionSlot
    frame: float


@dataclass(frozen=True, eq=False)
class Control:
    """A property of a bone or the armature that poses move: at rest (n,) and in P poses (P, n)."""

    path: str
    rest: Doubles
    poses: Doubles

    @property
    def _kind(self) -> str:
        return self.path.rpartition(".")[2]

    def mixed(self, weights: Doubles) -> Iterator[tuple[int, Doubles]]:
        """(index, values (T,)) of each number that the poses, by weights (T, P), move."""
        if self._kind == "rotation_quaternion":
            values = mixed_turns(self.rest, self.poses, weights)
        elif self._kind == "rotation_axis_angle":
            turns = (_quaternion(self.rest), np.stack([_quaternion(pose) for pose in self.poses]))
            values = axis_angles(mixed_turns(*turns, weights))
        else:
            values = mixed_numbers(self.rest, self.poses, weights)
        return ((index, values[:, index]) for index in self.moved)

    @property
    def moved(self) -> list[int]:
        """Indices of the numbers that are written: of a rotation that is not Euler angles all, else what moves."""
        off = np.abs(self.poses - self.rest).max(axis=0, initial=0.0) > _LEAST
        whole = self._kind in _ROTATIONS.values() and off.any()
        return [*range(len(self.rest))] if whole else np.flatnonzero(off).tolist()


def _quaternion(axis_angle: Doubles) -> Doubles:
    angle, axis = axis_angle[0], axis_angle[1:]
    length = float(np.linalg.norm(axis)) or 1.0
    return np.array([np.cos(angle / 2), *(np.sin(angle / 2) * axis / length)])


def corrections_of(rig: bpy.types.Object) -> dict[str, str]:
    """The faces chosen by hand: pose -> recipe as text, or "" for none."""
    try:
        found = json.loads(str(rig.get(_CORRECTIONS, "{}")))
    except ValueError:
        return {}
    return {str(name): str(face) for name, face in found.items() if _is_face(face)} if isinstance(found, dict) else {}


def _is_face(text: object) -> bool:
    try:
        return text == "" or bool(pose_names.parse(str(text)))
    except RequestError:
        return False


def correct(rig: bpy.types.Object, name: str, face: str | None) -> None:
    """Keep with the armature which face a pose is ("": none; None: as its name says)."""
    table = corrections_of(rig)
    table.pop(name, None)
    if face is not None:
        table[name] = face
    rig[_CORRECTIONS] = json.dumps(table, sort_keys=True, ensure_ascii=False)


def poses_of(rig: bpy.types.Object) -> dict[str, Pose]:
    """The poses that the file has for an armature, by the names that the table shows.

    Each marker of an action is one; an action without markers is one at its last key, where it is a single frame, an
    asset, or has the name of a face; "ACTION @ FRAME" was added by hand. No action that Duet has made.
    """
    chosen, found = corrections_of(rig), dict[str, Pose]()
    for action in bpy.data.actions:
        slot = None if actions.made_by_duet(action) else _slot_of(action, rig)
        if slot is None:
            continue
        for marker in action.pose_markers:
            found.setdefault(f"{action.name}: {marker.name}", Pose(marker.name, action, slot, float(marker.frame)))
        first, last = action.curve_frame_range[:]
        single = first == last or action.asset_data is not None or action.name in chosen
        if not len(action.pose_markers) and (single or _says_something(action.name)):
            found.setdefault(action.name, Pose(action.name, action, slot, float(last)))
    for name in chosen:
        hit = _FRAME.fullmatch(name)
        action = bpy.data.actions.get(hit["action"]) if hit else None
        slot = _slot_of(action, rig) if action else None
        if hit and action and slot:
            found.setdefault(name, Pose(name, action, slot, float(hit["frame"])))
    return found


def _says_something(name: str) -> bool:
    return bool(pose_names.recognise(name)) or pose_names.is_rest(name)


def _slot_of(action: bpy.types.Action, rig: bpy.types.Object) -> bpy.types.ActionSlot | None:
    """The slot that poses the armature, that of its own name first; None where none does."""
    slots = [slot for slot in action.slots if slot.target_id_type in ("OBJECT", "UNSPECIFIED")]
    for slot in sorted(slots, key=lambda each: each.name_display != rig.name):
        curves = [curve for bag in actions.bags_in(action, slot) for curve in list(bag.fcurves)[:_TOLD]]
        bones = [split for curve in curves if (split := curve.data_path.split('"'))[0] == "pose.bones["]
        if any(each[1] in rig.pose.bones for each in bones):
            return slot
    return None


def faces_of(rig: bpy.types.Object | None) -> dict[str, Recipe]:
    """The poses that are faces: those chosen by hand, and those whose names say so."""
    if rig is None or rig.type != "ARMATURE":
        return {}
    chosen, found = corrections_of(rig), dict[str, Recipe]()
    for name, pose in poses_of(rig).items():
        recipe = pose_names.parse(chosen[name]) if chosen.get(name) else pose_names.recognise(pose.called)
        if recipe and chosen.get(name) != "":
            found[name] = recipe
    return found


def spoken_by(rig: bpy.types.Object) -> dict[str, Recipe]:
    """Those that it speaks with: none that others make up together."""
    faces = faces_of(rig)
    return {name: faces[name] for name in pose_names.independent(faces, [*corrections_of(rig)])}


def is_rig(obj: bpy.types.Object | None) -> bool:
    """Whether an object is an armature with enough poses of the face to speak with."""
    return len(faces_of(obj)) >= ENOUGH


def rest_of(poses: Mapping[str, Pose], spoken: Iterable[str]) -> Pose | None:
    """The pose that is called rest or neutral, in the action of the others where there is one; else None."""
    own = {poses[name].action for name in spoken}
    rests = [pose for pose in poses.values() if pose_names.is_rest(pose.called)]
    return min(rests, key=lambda pose: pose.action not in own, default=None)


def controls_of(
    rig: bpy.types.Object, poses: Sequence[Pose], rest: Pose | None = None
) -> tuple[list[Control], list[str]]:
    """What the poses move against rest, and the data paths of what else they key, which is left out."""
    keyed = [_curves(pose) for pose in poses]
    base = _curves(rest) if rest else {}
    found, left = [], []
    for path in dict.fromkeys(path for curves in keyed for path in curves):
        still = _rest(rig, path)
        if still is None:
            left.append(path)
            continue
        still = _at(base.get(path, {}), rest.frame if rest else 0.0, still)
        values = [_at(curves.get(path, {}), pose.frame, still) for pose, curves in zip(poses, keyed, strict=True)]
        control = Control(path, still, np.stack(values))
        if control.moved:
            found.append(control)
    return found, left


def _curves(pose: Pose) -> dict[str, dict[int, bpy.types.FCurve]]:
    found: dict[str, dict[int, bpy.types.FCurve]] = {}
    for bag in actions.bags_in(pose.action, pose.slot):
        for curve in bag.fcurves:
            if not curve.mute:
                found.setdefault(curve.data_path, {})[curve.array_index] = curve
    return found


def _at(curves: Mapping[int, bpy.types.FCurve], frame: float, rest: Doubles) -> Doubles:
    """A property at a frame: its curves, and rest where it has none."""
    values = rest.copy()
    for index, curve in curves.items():
        if index < len(values):
            values[index] = curve.evaluate(frame)
    return values


def _rest(rig: bpy.types.Object, path: str) -> Doubles | None:
    """A property at rest (n,): none of a bone's transforms that its rotation mode passes over, nor of constraints."""
    custom = path.endswith('"]')
    place, _, name = path.rpartition('["') if custom else path.rpartition(".")
    try:
        owner: Any = rig.path_resolve(place) if place else rig
        value: Any = rig.path_resolve(path)
    except ValueError:
        return None  # a bone or property that is gone
    if not isinstance(owner, (bpy.types.PoseBone, bpy.types.Object)) or isinstance(value, str):
        return None
    if custom:
        default = owner.id_properties_ui(name[:-2]).as_dict().get("default", 0.0)
    elif isinstance(owner, bpy.types.Object):
        return None  # where the character stands is no face
    elif name.startswith("rotation_"):
        own = _ROTATIONS.get(owner.rotation_mode, "rotation_euler")
        default = _RESTS[name] if name == own else None
    else:
        known: Any = owner.bl_rna.properties.get(name)
        default = _RESTS.get(name) or (known.default_array if getattr(known, "array_length", 0) else known.default)
    return None if default is None else np.atleast_1d(np.array(default, np.float64))
