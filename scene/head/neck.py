"""The neck of an armature, Duet's or the character's own: which bone it is, and a head's turns in that bone's axes."""

from __future__ import annotations

import re
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ...inference.arrays import Doubles, Floats
from ...inference.head.arkit_names import words

_NAMES = {"neck": 0, "首": 0, "head": 1, "頭": 1}  # a bone so called, the sooner the better
# Bones with such a word are a rig's workings, or ends of others.
_NOT = frozenset(
    ("def", "org", "mch", "vis", "tweak", "twist", "end", "nub", "top", "tip", "ik", "pole", "target", "parent", "ref")
)
_SIDES = {"左": "left ", "右": "right "}
_LEAST = 1e-6  # of a length: none
_HOLDING = frozenset(("COPY_ROTATION", "COPY_TRANSFORMS", "ARMATURE", "CHILD_OF"))
_MOSTLY = 0.5  # of a constraint's influence
_ROTATIONS = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}


def bone_of(rig: bpy.types.Object) -> bpy.types.PoseBone | None:
    """The bone that turns the head: as chosen (`duet_neck`), else the one that is called neck, else head, or None.

    Where a neck's bone does not carry the head's, as in Rigify, whose head keeps upright, it is the head's.
    """
    if rig.pose is None:
        return None
    bones = rig.pose.bones
    chosen = bones.get(rig.duet_neck) if hasattr(rig, "duet_neck") else None
    if chosen is not None:
        return chosen
    ranked = sorted(((rank, bone) for bone in bones if (rank := _rank(bone)) is not None), key=lambda each: each[0])
    first = {kind: next((bone for rank, bone in ranked if rank[0] == kind), None) for kind in set(_NAMES.values())}
    own, head = first[_NAMES["neck"]], first[_NAMES["head"]]
    return own if own is not None and (head is None or _carries(own, head)) else head or own


def _carries(own: bpy.types.PoseBone, head: bpy.types.PoseBone) -> bool:
    """Whether a head turns with the neck: it hangs on it, and no constraint between them keeps it as it is."""
    above = [head, *head.parent_recursive]
    if own not in above:
        return False
    between = above[: above.index(own)]
    held = [each for bone in between for each in bone.constraints if each.type in _HOLDING and not each.mute]
    return not any(each.influence > _MOSTLY for each in held)


def _rank(bone: bpy.types.PoseBone) -> tuple[int, bool, int, str] | None:
    said = _words(bone.name)
    kinds = [kind for name, kind in _NAMES.items() if name in said]
    if not kinds or _NOT & set(said) or {"left", "right"} & set(said):
        return None
    return min(kinds), len(bone.constraints) > 0, len(said), bone.name


def _words(name: str) -> tuple[str, ...]:
    for sign, side in _SIDES.items():
        name = name.replace(sign, side)
    return (*words(name), *re.findall(r"[^\x00-\x7f]+", name))


def axes_of(rig: bpy.types.Object, bone: bpy.types.PoseBone) -> Doubles:
    """(3, 3) the character's axes in the armature's: columns to its left, its back and up along the neck.

    Left is where bones called left are from their like on the right; without such bones it is the armature's x.
    """
    left = _left_of(rig)
    up = np.array(bone.bone.matrix_local.to_3x3())[:, 1]
    up = up - (up @ left) * left
    if np.linalg.norm(up) < 0.1:  # a bone that lies across
        up = np.array([0.0, 0.0, 1.0]) - left[2] * left
    up = up / np.linalg.norm(up)
    return np.column_stack([left, np.cross(up, left), up])


def _left_of(rig: bpy.types.Object) -> Doubles:
    sides: dict[str, dict[tuple[str, ...], Doubles]] = {"left": {}, "right": {}}
    for bone in rig.data.bones:
        said = _words(bone.name)
        for side in sides.keys() & set(said):
            sides[side][tuple(word for word in said if word != side)] = np.array(bone.head_local)
    apart = [sides["left"][name] - sides["right"][name] for name in sides["left"].keys() & sides["right"].keys()]
    total = np.sum(apart, axis=0) if apart else np.zeros(3)
    length = float(np.linalg.norm(total))
    return np.asarray(total / length) if length > _LEAST else np.array([1.0, 0.0, 0.0])


def turned(rig: bpy.types.Object, bone: bpy.types.PoseBone, turns: Floats) -> tuple[str, Doubles]:
    """Data path and values (T, 3 or 4), in the bone's rotation mode, of turns (T, 3, 3) in the character's axes."""
    to_bone = np.array(bone.bone.matrix_local.to_3x3()).T @ axes_of(rig, bone)
    mode: Any = bone.rotation_mode
    kind, before = _ROTATIONS.get(mode, "rotation_euler"), None
    values: list[tuple[float, ...]] = []
    for turn in np.asarray(turns, np.float64):
        matrix = Matrix((to_bone @ turn @ to_bone.T).tolist())
        if kind == "rotation_euler":
            before = matrix.to_euler(mode, before) if before else matrix.to_euler(mode)
            values.append(before[:])
        else:
            quaternion = matrix.to_quaternion()
            axis, angle = quaternion.to_axis_angle()
            values.append(quaternion[:] if kind == "rotation_quaternion" else (angle, *axis[:]))
    return bone.path_from_id(kind), np.array(values, np.float64).reshape(len(values), -1)


def register() -> None:
    """Let every armature say which bone is its neck."""
    if not hasattr(bpy.types.Object, "duet_neck"):
        bpy.types.Object.duet_neck = bpy.props.StringProperty(  # type: ignore[attr-defined]
            name="Neck", description="The bone that turns when the head moves; empty: the one called neck, or head"
        )


def unregister() -> None:
    """Take that away."""
    del bpy.types.Object.duet_neck  # type: ignore[attr-defined]
