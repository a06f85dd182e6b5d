"""A bone rig for tests: an armature whose poses are faces, and how far its controls are from where they should be."""

import bpy
import numpy as np
from duet.inference.head.canonical import ARKIT_NAMES, load_head
from duet.inference.steps import finish
from duet.scene.blender import actions
from duet.scene.targets import playback, rig_heads, rig_poses
from mathutils import Quaternion, Vector

HEAD = load_head()
# 20 bones of a face, each with what poses it: its pose's name, a path of its own, and numbers at the pose.
POSED = {
    "jaw": ("jaw open", "rotation_euler", (0.35, 0.0, 0.0)),
    "jaw_side": ("jaw_left", "location", (0.01, 0.0, 0.0)),
    "lips": ("lips round", "scale", (0.6, 1.0, 1.2)),
    "funnel": ("mouth_funnel", "location", (0.0, -0.02, 0.0)),
    "press": ("lips press", "location", (0.0, 0.004, 0.0)),
    "shut": ("lips together", "location", (0.0, 0.0, 0.01)),
    "roll.D": ("lower lip in", "rotation_euler", (0.5, 0.0, 0.0)),
    "roll.U": ("upper lip in", "rotation_euler", (-0.5, 0.0, 0.0)),
    "down": ("lower lip down", "location", (0.0, 0.0, -0.01)),
    "up": ("upper lip up", "location", (0.0, 0.0, 0.01)),
    "smile.L": ("Smile.L", "location", (0.01, 0.0, 0.01)),
    "smile.R": ("Smile.R", "location", (-0.01, 0.0, 0.01)),
    "wide": ("lips wide", "scale", (1.3, 1.0, 1.0)),
    "chin": ("chin up", "location", (0.0, 0.0, 0.006)),
    "lid.L": ("blink left", "rotation_quaternion", tuple(Quaternion((1, 0, 0), 0.6))),
    "lid.R": ("blink right", "rotation_quaternion", tuple(Quaternion((1, 0, 0), 0.6))),
    "brow.L": ("brow_outer_up_L", "rotation_axis_angle", (0.4, 0.0, 0.0, 1.0)),
    "brow.R": ("brow_outer_up_R", "rotation_axis_angle", (-0.4, 0.0, 0.0, 1.0)),
    "brows": ("brow_inner_up", '["raise"]', (0.8,)),
    "tongue": ("tongueOut", "location", (0.0, -0.03, 0.0)),
}
MODES = {"rotation_quaternion": "QUATERNION", "rotation_axis_angle": "AXIS_ANGLE"}


def posed_rig(scene):
    """An armature of a neck, a hand and 20 face bones, and one action with a marked frame for each of their poses."""
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for number, name in enumerate(("neck", "hand", *POSED)):
        bone = rig.data.edit_bones.new(name)
        bone.head = (-0.01 * number if name.endswith(".R") else 0.01 * number, 0, 1.0)
        bone.tail = Vector(bone.head) + Vector((0, 0, 0.1) if name == "neck" else (0, -0.02, 0))
        bone.parent = rig.data.edit_bones.get("neck") if name in POSED else None
    bpy.ops.object.mode_set(mode="OBJECT")
    library = bpy.data.actions.new("Face Poses")
    slot = library.slots.new(id_type="OBJECT", name="Rig")
    bag = actions.ensure_bag(library, rig)
    assert actions.bags_in(library, slot) == [bag]
    for frame, (bone, (pose, kind, values)) in enumerate(POSED.items(), start=1):
        control = rig.pose.bones[bone]
        control.rotation_mode = MODES.get(kind, "XYZ")
        if kind.startswith("["):
            control["raise"] = 0.0
        path = f'pose.bones["{bone}"]{kind if kind.startswith("[") else f".{kind}"}'
        rest = rig_poses._rest(rig, path)
        for index, value in enumerate(values):  # at rest in all frames but its own
            keys = np.array([frame - 1, frame, frame + 1])
            actions.write_curve(bag, path, keys, np.array([rest[index], value, rest[index]]), index=index)
        library.pose_markers.new(pose).frame = frame
    library.use_fake_user = True
    return rig


def of_shapes(weights, turns=None):
    """A playback of ARKit's shapes by name -> (T,) values, on the Duet head."""
    count, values = len(next(iter(weights.values()))), np.stack([*weights.values()], axis=1).astype(np.float32)
    basis = np.stack([HEAD.arkit[ARKIT_NAMES.index(name)] for name in weights])
    still = np.broadcast_to(np.eye(3, dtype=np.float32), (count, 3, 3))
    frames = 1 + np.arange(count)
    return playback.Playback(
        "Line",
        24.0,
        frames,
        tuple(weights),
        values,
        basis,
        HEAD.vertices,
        HEAD.arkit,
        {"neck": still if turns is None else turns},
    )


def apply(scene, rig, weights, turns=None):
    return finish(rig_heads.apply_steps(scene, iter_of(of_shapes(weights, turns)), rig))


def iter_of(value):
    yield 0.0
    return value


def at(rig, frame):
    """Each control at a frame, as Blender evaluates it: its own transform (4, 4) and its property."""
    bpy.context.scene.frame_set(frame)
    bones = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    return {bone.name: (np.array(bone.matrix_basis), bone.get("raise", 0.0)) for bone in bones}


def apart(first, second):
    """How far the controls of two states are from each other, by bone."""
    return {
        name: max(float(np.abs(first[name][0] - second[name][0]).max()), abs(first[name][1] - second[name][1]))
        for name in first
    }
