"""FLAME heads in the scene: those of FLAME's Blender add-on, and bare meshes given keys and bones from a model.

The add-on names keys `Shape1..`, `Exp1..` and `Pose1..` and bones root, neck, jaw, left_eye and right_eye; every bone
rests in FLAME's own axes, so that its rotation is FLAME's. Heads made here are built the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.errors import HeadError
from ...inference.flame.model import JOINTS, PARENTS, TO_BLENDER, FlameModel
from ...inference.numeric import Similarity, fit_similarity
from ..blender import shape_keys, states
from ..head.rig import bind
from .playback import ALIKE, NUMBERED

KINDS = ("Shape", "Exp", "Pose")
_EYES_APART = 0.063  # metres between a person's eyes
_TAIL = 0.01  # metres, of a bone
_REMEDY = "Choose the mesh of a FLAME head, or give it keys and bones from its model file."


@dataclass(frozen=True, eq=False)
class FlameHead:
    """A FLAME head: its mesh and armature, its keys' names, and itself as a model."""

    obj: bpy.types.Object
    rig: bpy.types.Object
    keys: dict[str, list[str]]  # kind -> names in order
    model: FlameModel  # in FLAME's axes and metres of a human head; its joints stand where the bones are
    axes: Floats  # (3, 3) from FLAME's axes to the object's
    scale: float  # units of the object a metre


def numbered_keys(obj: bpy.types.Object) -> dict[str, list[str]]:
    """The names of a mesh's FLAME keys in order, by kind; a gap in the numbers ends them."""
    found: dict[str, dict[int, str]] = {kind: {} for kind in KINDS}
    for block in obj.data.shape_keys.key_blocks if obj.data.shape_keys else ():
        hit = NUMBERED.fullmatch(block.name)
        if hit:
            found[hit[1]].setdefault(int(hit[2]), block.name)
    return {kind: [names[n] for n in range(1, len(names) + 1) if n in names] for kind, names in found.items()}


def rig_of(obj: bpy.types.Object) -> bpy.types.Object | None:
    """The armature with FLAME's bones that bends a mesh, or None."""
    for rig in (*states.bending(obj), obj.parent):
        if rig is not None and rig.type == "ARMATURE" and set(JOINTS[1:]) <= set(rig.data.bones.keys()):
            return rig
    return None


def is_flame_head(obj: bpy.types.Object | None) -> bool:
    """Whether a mesh has FLAME's expression keys and bones."""
    return obj is not None and obj.type == "MESH" and bool(numbered_keys(obj)["Exp"]) and rig_of(obj) is not None


def flame_head(obj: bpy.types.Object | None) -> FlameHead:
    """A FLAME head, read from its own keys, vertex groups and bones: no model file is needed. Raises HeadError."""
    if obj is None or not is_flame_head(obj):
        name = obj.name if obj else "Nothing"
        raise HeadError(f"'{name}' is no FLAME head: it needs keys Exp1.. and bones {', '.join(JOINTS[1:])}.", _REMEDY)
    rig, keys = rig_of(obj), numbered_keys(obj)
    bones = _rest_joints(obj, rig)
    axes, scale = _axes(bones)
    to_flame = axes.T / scale
    vertices = shape_keys.rest_of(obj)
    dirs = shape_keys.deltas_of(obj, keys["Shape"] + keys["Exp"]) @ to_flame.T
    pose = np.zeros((36, *vertices.shape), np.float32)
    pose[: len(keys["Pose"])] = (shape_keys.deltas_of(obj, keys["Pose"][:36]) @ to_flame.T)[:36]
    model = FlameModel(
        v_template=(vertices @ to_flame.T).astype(np.float32),
        faces=np.zeros((0, 3), np.int32),
        shapedirs=np.moveaxis(dirs, 0, 2).astype(np.float32),
        posedirs=np.moveaxis(pose, 0, 2).astype(np.float32),
        regressor=np.zeros((len(JOINTS), len(vertices)), np.float32),
        weights=_group_weights(obj),
        parents=PARENTS,
        identity_count=len(keys["Shape"]),
        rest_joints=(bones @ to_flame.T).astype(np.float32),
    )
    return FlameHead(obj, rig, keys, model, axes, scale)


def add_head(
    model: FlameModel, name: str, collection: bpy.types.Collection, view_layer: bpy.types.ViewLayer
) -> bpy.types.Object:
    """Add a model's mesh with its keys and armature to a visible collection; return the mesh object."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata((model.v_template @ TO_BLENDER.T).tolist(), [], model.faces.tolist())
    mesh.shade_smooth()
    obj = bpy.data.objects.new(name, mesh)
    collection.objects.link(obj)
    equip(obj, model, collection, view_layer)
    return obj


def equip(
    obj: bpy.types.Object, model: FlameModel, collection: bpy.types.Collection, view_layer: bpy.types.ViewLayer
) -> bpy.types.Object:
    """Give a bare FLAME mesh the model's keys, bones and skin weights; return the armature. Raises HeadError.

    The mesh may be turned, moved and scaled against the model, and may be another person's.
    """
    count, due = len(obj.data.vertices), len(model.v_template)
    if count != due:
        raise HeadError(f"'{obj.name}' has {count} vertices, the model {due}.", "Choose the model of this mesh.")
    if any(numbered_keys(obj).values()):
        raise HeadError(f"'{obj.name}' has FLAME's keys already.", "Apply the take to it as it is.")
    vertices = shape_keys.rest_of(obj)
    place = fit_similarity(model.v_template, vertices)
    if place.misses(model.v_template, vertices) > ALIKE:
        raise HeadError(f"'{obj.name}' does not look like the model: its vertices may be in another order.", _REMEDY)
    parts = (model.identity_dirs, model.expression_dirs, np.moveaxis(model.posedirs, 2, 0))
    for kind, dirs in zip(KINDS, parts, strict=True):
        names = [f"{kind}{number}" for number in range(1, len(dirs) + 1)]
        shape_keys.add_shape_keys(obj, names, place.scale * dirs @ place.rotation.T)
        shape_keys.widen_sliders(obj.data.shape_keys, names, np.full(len(names), -5), np.full(len(names), 5))
    joints = model.regressor @ vertices
    return _add_rig(obj, joints, place, model.weights, (collection, view_layer))


def _add_rig(
    obj: bpy.types.Object,
    joints: Floats,
    place: Similarity,
    weights: Floats,
    where: tuple[bpy.types.Collection, bpy.types.ViewLayer],
) -> bpy.types.Object:
    """An armature at the mesh's place, its bones resting in FLAME's axes, and the mesh bound to it."""
    collection, view_layer = where
    rig = bpy.data.objects.new(f"{obj.name} Rig", bpy.data.armatures.new(f"{obj.name} Rig"))
    collection.objects.link(rig)
    rig.parent, rig.matrix_world = obj.parent, obj.matrix_world.copy()
    view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")  # the only way to bones
    up, front = (Vector(place.rotation[:, axis].tolist()) for axis in (1, 2))
    for number, (name, joint) in enumerate(zip(JOINTS, joints, strict=True)):
        bone = rig.data.edit_bones.new(name)
        bone.head, bone.tail = joint, Vector(joint) + up * _TAIL * place.scale
        bone.align_roll(front)
        bone.parent = rig.data.edit_bones[JOINTS[PARENTS[number]]] if number else None
    bpy.ops.object.mode_set(mode="OBJECT")
    obj.parent, obj.matrix_parent_inverse, obj.matrix_basis = rig, Matrix(), Matrix()
    bind(obj, rig, JOINTS, weights)
    view_layer.objects.active = obj
    return rig


def _rest_joints(obj: bpy.types.Object, rig: bpy.types.Object) -> Floats:
    """Heads of FLAME's bones (5, 3) in the mesh's own space; where there is no root bone, the neck's."""
    place = obj.matrix_world.inverted() @ rig.matrix_world
    bones = [rig.data.bones.get(name) or rig.data.bones["neck"] for name in JOINTS]
    return np.array([place @ bone.head_local for bone in bones], np.float32)


def _axes(joints: Floats) -> tuple[Floats, float]:
    """From FLAME's axes to the object's: those of Blender or FLAME's own, whichever has the eyes above the neck.

    And how many units of the object a metre is: 1 unless its eyes are far from as wide apart as a person's.
    """
    _, neck, _, left, right = joints
    up = (left + right) / 2 - neck
    apart = float(np.linalg.norm(left - right))
    if apart < 1e-9:
        raise HeadError("The eye bones of the FLAME head are at one place.", "Update its joint locations.")
    scale = apart / _EYES_APART
    axes = (TO_BLENDER if up[2] > up[1] else np.eye(3)).astype(np.float32)
    return axes, 1.0 if 0.5 < scale < 2.0 else scale


def _group_weights(obj: bpy.types.Object) -> Floats:
    """Skin weights (V, 5) of FLAME's bones; rows sum to 1, for a vertex of no group follows the root."""
    weights = np.zeros((len(obj.data.vertices), len(JOINTS)), np.float32)
    column: dict[int, int] = {
        group.index: JOINTS.index(group.name) for group in obj.vertex_groups if group.name in JOINTS
    }
    for vertex in obj.data.vertices:
        for element in vertex.groups:
            if element.group in column:
                weights[vertex.index, column[element.group]] = element.weight
    total = weights.sum(axis=1, keepdims=True)
    weights[total[:, 0] == 0, 0] = 1
    result: NDArray[Any] = weights / np.where(total == 0, 1, total)
    return result
