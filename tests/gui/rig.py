"""In the real application: a character whose face is 20 bones speaks a recording, by its poses; undone, saved, played
where Duet is not enabled.

make gui SCRIPT=tests/gui/rig.py

rig.png, beside the last picture, is docs/pictures/manual_rig.png.
"""

import blender_gui as g
import bpy
import numpy as np
from helpers import FIRST, TITLE, look, module, open_panel, picture, rest, runtime, to_the_end, wait_for
from mathutils import Vector
from rig_checks import bones, undone_and_kept

SHOWN = 31  # the frame of the picture
# Each bone stands at one of the 68 landmarks and takes along what is within so many metres.
BONES = {
    "jaw": (8, 0.035),
    "chin": (57, 0.012),
    **{f"lip_up{side}": (number, 0.007) for side, number in (("", 51), (".L", 52), (".R", 50))},
    **{f"lip_down{side}": (number, 0.007) for side, number in (("", 57), (".L", 56), (".R", 58))},
    "corner.L": (54, 0.008),
    "corner.R": (48, 0.008),
    "lid.L": (44, 0.006),
    "lid.R": (38, 0.006),
    "lid_out.L": (43, 0.006),
    "lid_out.R": (37, 0.006),
    "brow.L": (24, 0.011),
    "brow.R": (19, 0.011),
    "brow_in.L": (22, 0.009),
    "brow_in.R": (21, 0.009),
    "nose.L": (35, 0.007),
    "nose.R": (31, 0.007),
}
POSES = {
    "jaw open": "jawOpen",
    "lips round": "mouthPucker",
    "lips funnel": "mouthFunnel",
    "lips together": "mouthClose",
    "lower lip in": "mouthRollLower",
    "upper lip in": "mouthRollUpper",
    "chin up": "mouthShrugLower",
    "blink left": "eyeBlinkLeft",
    "blink right": "eyeBlinkRight",
    "brow inner up": "browInnerUp",
    **{f"{pose}.{side[0]}": f"{shape}{side}" for side in ("Left", "Right") for pose, shape in {
        "smile": "mouthSmile", "frown": "mouthFrown", "lips wide": "mouthStretch", "lower lip down": "mouthLowerDown",
        "upper lip up": "mouthUpperUp", "brow up": "browOuterUp", "brow down": "browDown", "sneer": "noseSneer",
    }.items()},
}  # fmt: skip


def puppet():
    """A head without shape keys, bent by 20 bones and a neck; return its armature."""
    head = module("inference.head.canonical").load_head()
    places = head.vertices[head.landmarks]
    mesh = bpy.data.meshes.new("Puppet")
    mesh.from_pydata(head.vertices.tolist(), [], [polygon.tolist() for polygon in head.polygons])
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    obj = bpy.data.objects.new("Puppet", mesh)
    rig = bpy.data.objects.new("Puppet Rig", bpy.data.armatures.new("Puppet Rig"))
    for each in (obj, rig):
        bpy.context.scene.collection.objects.link(each)
    rig.show_in_front, obj.parent = True, rig
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for name, head_at, tail in (("neck", (0, 0.02, 0.05), (0, 0, 0.1)), *((n, places[at], (0, -0.012, 0))
                                                                         for n, (at, _) in BONES.items())):  # fmt: skip
        bone = rig.data.edit_bones.new(name)
        bone.head, bone.tail = head_at, Vector(head_at) + Vector(tail)
        bone.parent = rig.data.edit_bones.get("neck") if name != "neck" else None
    bpy.ops.object.mode_set(mode="OBJECT")
    obj.modifiers.new("Armature", "ARMATURE").object = rig
    skin(obj, head, places)
    return rig


def skin(obj, head, places):
    """Give each vertex to the bones around it; what the jaw opens below the lips belongs to no bone above them."""
    drop = np.linalg.norm(head.pose({"jawOpen": 1.0}) - head.vertices, axis=1)
    low = np.clip(drop / drop.max(), 0, 1)
    weights = {}
    for name, (at, reach) in BONES.items():
        weights[name] = np.exp(-(np.linalg.norm(head.vertices - places[at], axis=1) ** 2) / (2 * reach**2))
        weights[name] *= low if name in ("jaw", "chin") or "down" in name else (1 - low) if "up" in name else 1
    weights["jaw"] = np.maximum(weights["jaw"], 1.2 * low * (low > 0.3))
    total = np.maximum(sum(weights.values()), 1.0)
    weights = {name: np.round(each / total, 2) for name, each in weights.items()}
    weights["neck"] = np.round(1 - sum(weights.values()), 2)
    for name, each in weights.items():
        group = obj.vertex_groups.new(name=name)
        for weight in np.unique(each[each > 0]):
            group.add(np.flatnonzero(each == weight).tolist(), float(weight), "REPLACE")


def library(rig):
    """One action with a marked frame for each pose: every bone goes where the Duet head's skin goes."""
    head, actions = module("inference.head.canonical").load_head(), module("scene.blender.actions")
    action = bpy.data.actions.new("Face Poses")
    action.use_fake_user = True
    bag = actions.ensure_bag(action, rig)
    moves = np.stack([head.arkit[head.arkit_names.index(shape)][head.landmarks] for shape in POSES.values()])
    frames = np.arange(len(POSES) + 2)
    for name, (at, _) in BONES.items():
        bone = rig.pose.bones[name]
        own = moves[:, at] @ np.array(bone.bone.matrix_local.to_3x3())
        for index in range(3):
            values = np.concatenate([[0], own[:, index], [0]])
            actions.write_curve(bag, bone.path_from_id("location"), frames, values, index=index)
    for frame, pose in enumerate(POSES, start=1):
        action.pose_markers.new(pose).frame = frame


def open_poses():
    """Open Other Heads, and Poses in it."""
    yield from open_panel("Other Heads")
    x, y = yield from g.find("duet.rig_apply")
    yield from g.click((x - 60, y + TITLE))
    yield from rest()


def main():
    scene = bpy.context.scene
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    rig = puppet()
    library(rig)
    scene.duet_target.obj = rig
    scene.duet.audio = str(FIRST)
    scene.duet.emotion, scene.duet.intensity = "happy", 0.4
    look((0, 0, 0.16), 0.75)
    yield from g.open_sidebar("Duet")
    yield from rest()
    still = bones(rig, SHOWN)
    bpy.ops.ed.undo_push(message="A puppet")
    yield from open_poses()
    yield from g.click("duet.target_generate")
    playback = module("scene.targets.playback")
    yield from wait_for(lambda: playback.residual_of(rig) and not runtime().busy, "the rig's keys")
    print("residual:", playback.residual_of(rig), flush=True)
    spoken = bones(rig, SHOWN)
    assert np.abs(spoken - still).max() > 1e-3
    yield from rest()
    yield from to_the_end()
    yield from picture("rig")

    yield from undone_and_kept("Puppet Rig", SHOWN, still, spoken)
