"""Rigs of other makes by their own names: MMD's Japanese bones and morphs, and Auto-Rig Pro's controls.

Made here as those tools name and hang them: neither comes with Blender.
"""

import bpy
import numpy as np
import pytest
from duet.inference.head import pose_names
from duet.scene.blender import actions
from duet.scene.head import neck
from duet.scene.targets import rig_poses
from duet.tests.rig_fakes import apply, at
from mathutils import Vector

pytestmark = pytest.mark.blender

# bone -> (the bone that it hangs on, where); and {pose: {bone: (property, numbers)}} with the face that each is.
MMD_BONES = {
    "センター": ("", (0, 0, 0.8)),
    "上半身": ("センター", (0, 0, 1.0)),
    "首": ("上半身", (0, 0, 1.4)),
    "頭": ("首", (0, 0, 1.5)),
    "下あご": ("頭", (0, -0.05, 1.52)),
    "口角左": ("頭", (0.02, -0.09, 1.53)),
    "口角右": ("頭", (-0.02, -0.09, 1.53)),
    "左まぶた": ("頭", (0.03, -0.09, 1.6)),
    "右まぶた": ("頭", (-0.03, -0.09, 1.6)),
    "左眉": ("頭", (0.03, -0.09, 1.63)),
    "右眉": ("頭", (-0.03, -0.09, 1.63)),
}
MMD_POSES = {
    "あ": {"下あご": ("rotation_quaternion", (0.97, 0.24, 0, 0))},
    "い": {"口角左": ("location", (0.01, 0, 0)), "口角右": ("location", (-0.01, 0, 0))},
    "う": {"口角左": ("location", (-0.01, 0, 0)), "口角右": ("location", (0.01, 0, 0))},
    "お": {"下あご": ("rotation_quaternion", (0.99, 0.14, 0, 0)), "口角左": ("location", (-0.006, 0, 0))},
    "まばたき": {"左まぶた": ("location", (0, -0.01, 0)), "右まぶた": ("location", (0, -0.01, 0))},
    "ウィンク": {"左まぶた": ("location", (0, -0.01, 0))},
    "にやり": {"口角左": ("location", (0.005, 0.01, 0)), "口角右": ("location", (-0.005, 0.01, 0))},
    "困る": {"左眉": ("location", (0, 0.01, 0)), "右眉": ("location", (0, 0.01, 0))},
    "髪揺れ": {"頭": ("location", (0, 0.01, 0))},
}
MMD_FACES = {
    "あ": "jawOpen=0.6",
    "い": "jawOpen=0.1 + mouthStretch*=0.6",
    "う": "mouthPucker=0.9 + mouthFunnel=0.45",
    "お": "jawOpen=0.3 + mouthFunnel=0.6 + mouthPucker=0.2",
    "まばたき": "eyeBlink*",
    "ウィンク": "eyeBlinkLeft",
    "にやり": "mouthSmile*",
    "困る": "browInnerUp",
}
PRO_BONES = {
    "root.x": ("", (0, 0, 0.9)),
    "c_neck.x": ("root.x", (0, 0, 1.4)),
    "c_head.x": ("c_neck.x", (0, 0, 1.5)),
    "neck.x": ("root.x", (0, 0, 1.4)),
    "head.x": ("neck.x", (0, 0, 1.5)),
    "c_jawbone.x": ("c_head.x", (0, -0.05, 1.52)),
    "c_lips_smile.l": ("c_head.x", (0.02, -0.09, 1.53)),
    "c_lips_smile.r": ("c_head.x", (-0.02, -0.09, 1.53)),
    "c_lips_top.x": ("c_head.x", (0, -0.1, 1.54)),
    "c_lips_bot.x": ("c_jawbone.x", (0, -0.1, 1.52)),
    "c_eyelid_top.l": ("c_head.x", (0.03, -0.09, 1.6)),
    "c_eyelid_top.r": ("c_head.x", (-0.03, -0.09, 1.6)),
}
PRO_POSES = {
    "jaw_open": {"c_jawbone.x": ("rotation_euler", (0.4, 0, 0))},
    "lips_smile.l": {"c_lips_smile.l": ("location", (0.01, 0, 0.01))},
    "lips_smile.r": {"c_lips_smile.r": ("location", (-0.01, 0, 0.01))},
    "lips_round": {"c_lips_smile.l": ("location", (-0.01, 0, 0)), "c_lips_smile.r": ("location", (0.01, 0, 0))},
    "lip_bottom_in": {"c_lips_bot.x": ("rotation_euler", (0.5, 0, 0))},
    "blink.l": {"c_eyelid_top.l": ("location", (0, 0, -0.01))},
    "blink.r": {"c_eyelid_top.r": ("location", (0, 0, -0.01))},
}
PRO_FACES = {
    "jaw_open": "jawOpen",
    "lips_smile.l": "mouthSmileLeft",
    "lips_smile.r": "mouthSmileRight",
    "lips_round": "mouthPucker",
    "lip_bottom_in": "mouthRollLower",
    "blink.l": "eyeBlinkLeft",
    "blink.r": "eyeBlinkRight",
}
MAKES = {
    "MMD": (MMD_BONES, MMD_POSES, MMD_FACES, "首", ("髪揺れ", "cheekPuff"), ("あ", "下あご")),
    "Auto-Rig Pro": (
        PRO_BONES,
        PRO_POSES,
        PRO_FACES,
        "c_neck.x",
        ("lip_bottom_in", "mouthRollLower"),
        ("jaw_open", "c_jawbone.x"),
    ),
}


def made(scene, name, bones, poses):
    """The armature, and an action for each of its poses."""
    rig = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, (above, place) in bones.items():
        own = rig.data.edit_bones.new(bone)
        own.head, own.tail = place, Vector(place) + Vector((0, 0, 0.05))
        own.parent = rig.data.edit_bones.get(above)
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in ("neck.x", "head.x"):  # Auto-Rig Pro's deforming bones follow its controls
        if bone in rig.pose.bones:
            holds = rig.pose.bones[bone].constraints.new("COPY_TRANSFORMS")
            holds.target, holds.subtarget = rig, f"c_{bone}"
    for pose, controls in poses.items():
        action = bpy.data.actions.new(pose)
        action.use_fake_user = True
        bag = actions.ensure_bag(action, rig)
        for bone, (kind, values) in controls.items():
            rig.pose.bones[bone].rotation_mode = "XYZ" if kind == "rotation_euler" else "QUATERNION"
            for index, value in enumerate(values):
                path = rig.pose.bones[bone].path_from_id(kind)
                actions.write_curve(bag, path, np.array([1]), np.array([value]), index=index)
    return rig


@pytest.mark.parametrize("make", MAKES)
def test_a_rig_of_another_make_is_known_by_its_names_corrected_saved_and_keyed(scene, make, tmp_path):
    bones, poses, known, turns, (asked, shape), (opens, jaw) = MAKES[make]
    rig = made(scene, make, bones, poses)
    faces = {name: pose_names.written(face) for name, face in rig_poses.faces_of(rig).items()}
    assert faces == {name: face for name, face in known.items() if name in faces}
    unknown = poses.keys() - faces.keys()
    assert unknown <= {asked}
    assert neck.bone_of(rig).name == turns
    scene.duet_target.obj = rig
    assert bpy.ops.duet.rig_pose(pose=asked, how="MIX", mix=shape) == {"FINISHED"}
    path = str(tmp_path / "character.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    scene, rig = bpy.context.scene, bpy.data.objects[make]
    assert rig_poses.faces_of(rig)[asked] == {shape: 1.0}
    amount = rig_poses.faces_of(rig)[opens]["jawOpen"]
    left = np.broadcast_to(np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], np.float32), (12, 3, 3))
    apply(scene, rig, {"jawOpen": np.linspace(0, amount, 12)}, left)
    rest, opened = at(rig, 1), at(rig, 12)
    moved = {bone for bone in bones if np.abs(opened[bone][0] - rest[bone][0]).max() > 1e-4}
    assert moved == {jaw}
    actions.assign(rig, bpy.data.actions[opens])
    due = at(rig, 1)[jaw][0]
    assert np.abs(opened[jaw][0] - due).max() < 0.02, "as strong as the pose, where nothing else is like it"
    assert np.abs(rest[turns][0] - np.eye(4)).max() > 0.5, "the neck turns"
