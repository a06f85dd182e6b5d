"""The head's armature: root, neck, jaw and eyes, named as in the FLAME add-on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...inference.arrays import Floats
from ..blender.loose import Kind

if TYPE_CHECKING:
    from ...inference.head.canonical import Head

_PARENTS = {"neck": "root", "jaw": "neck", "left_eye": "neck", "right_eye": "neck"}
# Tails relative to the heads, metres: the jaw and the eyes look forward (-y), root and neck point up.
_TAILS = {
    "root": (0.0, 0.0, 0.01),  # ends within the chest, which leans back above it
    "neck": (0.0, 0.0, 0.1),
    "jaw": (0.0, -0.04, -0.02),  # ends behind the mouth, so that an open mouth does not show it
    "left_eye": (0.0, -0.012, 0.0),
    "right_eye": (0.0, -0.012, 0.0),
}


def add_rig(
    obj: bpy.types.Object, head: Head, collection: bpy.types.Collection, view_layer: bpy.types.ViewLayer
) -> bpy.types.Object:
    """Make the armature, parent the mesh to it and bind it by vertex groups; return the armature object."""
    rig = bpy.data.objects.new("Duet Rig", bpy.data.armatures.new("Duet Rig"))
    rig.data.display_type = "STICK"
    collection.objects.link(rig)
    view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")  # the only way to bones
    for name, joint in zip(head.bones, head.joints, strict=True):
        bone = rig.data.edit_bones.new(name)
        bone.head, bone.tail = joint, joint + np.array(_TAILS[name], np.float32)
        bone.parent = rig.data.edit_bones.get(_PARENTS.get(name, ""))
    bpy.ops.object.mode_set(mode="OBJECT")
    obj.parent = rig
    bind(obj, rig, head.bones, head.skin_weights)
    return rig


def bind(obj: bpy.types.Object, rig: bpy.types.Object, bones: tuple[str, ...], weights: Floats) -> None:
    """Let the bones move the mesh, by `weights` (V, B)."""
    for bone, column in zip(bones, weights.T, strict=True):
        group = obj.vertex_groups.get(bone) or obj.vertex_groups.new(name=bone)
        for weight in np.unique(column[column > 0]):  # one call a weight, not one a vertex
            group.add(np.flatnonzero(column == weight).tolist(), float(weight), "REPLACE")
    modifier: Kind = obj.modifiers.new("Armature", "ARMATURE")
    modifier.object = rig
