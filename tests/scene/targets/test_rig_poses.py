"""Poses of a bone rig as faces: found by name, corrected by hand, marked in one action or an action each."""

import bpy
import numpy as np
import pytest
from duet.scene.blender import actions
from duet.scene.targets import rig_poses
from duet.tests.rig_fakes import apply, at

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


def test_faces_are_corrected_by_hand_and_kept(scene, rig, tmp_path):
    scene.duet_target.obj = rig
    name = "Face Poses: jaw open"
    assert bpy.ops.duet.rig_pose(pose=name, how="MIX", mix="jawOpen=0.5+mouthFunnel = 0.2") == {"FINISHED"}
    assert bpy.ops.duet.rig_pose(pose="Face Poses: tongueOut", how="NONE") == {"FINISHED"}
    assert bpy.ops.duet.rig_pose_add(action="Face Poses", frame=3, shape="cheekPuff") == {"FINISHED"}
    for values in ({"pose": name, "how": "MIX", "mix": "jawUp"}, {"pose": "x", "how": "NONE"}):
        with pytest.raises(RuntimeError, match=r"no shape of ARKit's|no pose 'x'"):
            bpy.ops.duet.rig_pose(**values)
    with pytest.raises(RuntimeError, match="no action that poses 'Rig'"):
        bpy.ops.duet.rig_pose_add(action="Nothing", frame=3)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
    rig = bpy.data.objects["Rig"]
    faces = rig_poses.faces_of(rig)
    assert faces[name] == {"jawOpen": 0.5, "mouthFunnel": 0.2}
    assert faces["Face Poses @ 3"] == {"cheekPuff": 1.0}
    assert "Face Poses: tongueOut" not in faces
    assert bpy.ops.duet.rig_pose(pose=name, how="NAME") == {"FINISHED"}
    assert rig_poses.faces_of(rig)[name] == {"jawOpen": 1.0}


def test_an_action_for_each_pose_and_a_face_that_rests_elsewhere(scene, rig):
    """As pose libraries of assets are; against a pose called Neutral, which is kept where nothing is said."""
    library = bpy.data.actions["Face Poses"]
    marked = {marker.name: marker.frame for marker in library.pose_markers}
    bag, path = actions.ensure_bag(library, rig), rig.pose.bones["jaw"].path_from_id("rotation_euler")
    poses = {"Jaw Open": 0.35, "Lips Round": 0.1, "Smile": 0.1, "Neutral": 0.1}
    for name, angle in poses.items():
        made = bpy.data.actions.new(name)
        own = actions.ensure_bag(made, rig)
        actions.write_curve(own, path, np.array([1]), np.array([angle]))
        if name != "Neutral":
            size = rig.pose.bones["lips"].path_from_id("scale")
            actions.write_curve(own, size, np.array([1]), np.array([0.5 if name == "Lips Round" else 1.0]))
            place = rig.pose.bones["up"].path_from_id("location")
            actions.write_curve(own, place, np.array([1]), np.array([0.02 if name == "Smile" else 0.0]))
    assert marked and bag
    bpy.data.actions.remove(library)
    assert [*rig_poses.faces_of(rig)] == ["Jaw Open", "Lips Round", "Smile"]
    apply(scene, rig, {"jawOpen": np.linspace(0, 1, 10)})
    assert at(rig, 1)["jaw"][0][2, 1] == pytest.approx(np.sin(0.1), abs=2e-3)
    assert at(rig, 10)["jaw"][0][2, 1] == pytest.approx(np.sin(0.35), abs=2e-3)
