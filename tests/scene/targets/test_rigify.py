"""Blender's own Rigify: the face of its human, generated, posed on its controls, speaks and turns its head."""

import subprocess
import sys
from pathlib import Path

import addon_utils
import bpy
import duet
import numpy as np
import pytest
from duet.inference.engine.pipeline import Pipeline
from duet.inference.performance.performance import Performance
from duet.inference.take import GenerateRequest
from duet.scene import files
from duet.scene.blender import actions
from duet.scene.head import neck
from duet.scene.take.settings import Order
from duet.scene.targets import playback, rig_heads, rig_poses
from duet.tests.blender_fakes import write_wav
from duet.tests.rigify_poses import POSES, library_of

pytestmark = [pytest.mark.blender, pytest.mark.slow, pytest.mark.usefixtures("scene")]

# In a process of its own: one in which Rigify was enabled may not come to its end.
GENERATE = """
import bpy, os, sys
bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
bpy.ops.preferences.addon_enable(module="rigify")
bpy.ops.object.armature_human_metarig_add()
bpy.ops.pose.rigify_generate()
bpy.data.objects.remove(bpy.data.objects["metarig"])
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    """A .blend with the generated rig, and its poses as marked frames of one action."""
    path = tmp_path_factory.mktemp("rigify") / "human.blend"
    if not any(module.__name__ == "rigify" for module in addon_utils.modules()):
        pytest.skip("This build of Blender comes without Rigify.")
    subprocess.run([sys.executable, "-c", GENERATE, str(path)], check=True, timeout=300, stdout=subprocess.DEVNULL)
    bpy.ops.wm.open_mainfile(filepath=str(path))
    rig = bpy.data.objects["rig"]
    library_of(rig, actions, rig_poses)
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


@pytest.fixture
def rig(shot):
    bpy.ops.wm.open_mainfile(filepath=str(shot))
    return bpy.data.objects["rig"]


def bones_of(rig, frame):
    """(N, 4, 4) of every bone of the rig at a frame, as Blender evaluates it: what deforms the character is there."""
    bpy.context.scene.frame_set(frame)
    posed = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    return np.array([np.array(bone.matrix) for bone in posed])


def test_each_pose_at_1_is_that_pose_of_the_whole_rig(rig):
    faces, library = rig_poses.spoken_by(rig), bpy.data.actions["Face Poses"]
    assert len(faces) == len(POSES), set(POSES) - {name.partition(": ")[2] for name in faces}
    actions.assign(rig, library)
    due = [bones_of(rig, marker.frame) for marker in library.pose_markers]
    rest = bones_of(rig, 0)
    rig.animation_data.action = None
    poses = rig_poses.poses_of(rig)
    controls, left = rig_poses.controls_of(rig, [poses[name] for name in faces])
    assert not left
    made = actions.new_action("Made")
    actions.assign(rig, made)
    bag = actions.ensure_bag(made, rig)
    order = [[*faces].index(next(name for name in faces if name.endswith(f": {pose}"))) for pose in POSES]
    weights = np.vstack([np.eye(len(faces))[order], np.zeros(len(faces))])
    for control in controls:
        for index, values in control.mixed(weights):
            actions.write_curve(bag, control.path, np.arange(len(values)), values, index=index)
    for row, state in enumerate(due):
        assert np.abs(bones_of(rig, row) - state).max() < 1e-5, [*POSES][row]
        assert np.abs(state - rest).max() > 1e-3, [*POSES][row]
    assert np.abs(bones_of(rig, len(due)) - rest).max() < 1e-5


def test_it_follows_a_recording_from_the_command_line(rig, shot, recording, tmp_path):
    """As `duet bake --head human.blend/rig` does: jaw and lids move what Rigify deforms with, and the head turns."""
    assert neck.bone_of(rig).name == "head", "which Rigify keeps upright whatever the neck does"
    samples = recording[8000:40000]
    take = Pipeline(Path(duet.__file__).parent / "weights", "numpy").generate(
        samples, GenerateRequest(24.0), lambda *_: None
    )
    voice = write_wav(tmp_path / "line.wav", samples)
    asked = (voice, take, tmp_path / "out.blend", shot, "rig")
    notes = files.bake_file(*asked, Order(Performance(blinks=1.0, head_motion=1.0)))
    assert notes[0].startswith("'rig': mean "), notes
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out.blend"))
    rig = bpy.data.objects["rig"]
    names = [bone.name for bone in rig.pose.bones]
    found = np.stack([bones_of(rig, frame) for frame in range(1, 49)])
    chin, skull = (found[:, names.index(name)] for name in ("DEF-chin", "DEF-spine.006"))
    inside = np.linalg.inv(skull) @ chin  # how the chin moves in the head
    opened = np.linalg.norm(inside[:, :3, 3] - inside[0, :3, 3], axis=1)
    jaw = take.speech_weights[:, take.speech_names.index("Speech jaw open")]
    assert opened.max() > 0.003
    assert np.corrcoef(opened, jaw[:48])[0, 1] > 0.8
    assert np.abs(skull[:, :3, :3] - skull[0, :3, :3]).max() > 5e-3
    assert float(playback.residual_of(rig).split()[1]) > 0
    assert rig_heads.missing_of([*rig_poses.faces_of(rig).values()])
