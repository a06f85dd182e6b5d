"""Bone rigs: what the Duet head plays, as keys on the controls that an armature's poses move."""

from pathlib import Path
from types import SimpleNamespace

import bpy
import duet
import numpy as np
import pytest
from duet.inference.engine.pipeline import Pipeline
from duet.inference.errors import HeadError
from duet.inference.head.recompose import deltas_of, mixed
from duet.inference.performance.performance import Performance
from duet.inference.steps import finish
from duet.operators import target_generate
from duet.panels import result
from duet.panels import targets as panels
from duet.scene import bake, files
from duet.scene.blender import actions
from duet.scene.head import heads, neck
from duet.scene.take.settings import Order
from duet.scene.targets import playback, rig_heads, rig_poses
from duet.scene.targets.sampler import sample_steps
from duet.tests.blender_fakes import fake_blendshapes, fake_head, fake_take, fingerprint, write_wav
from duet.tests.rig_fakes import POSED, apart, apply, at, of_shapes
from duet.tests.target_fakes import Layout, spoken
from mathutils import Quaternion

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


def by_hand(rig):
    """The controls of each pose, as the library itself plays it."""
    library = bpy.data.actions["Face Poses"]
    actions.assign(rig, library)
    found = [at(rig, marker.frame) for marker in library.pose_markers]
    rig.animation_data.action = None
    return found


def test_a_pose_at_1_is_that_pose(scene, rig):
    """Each of the 20, of places, sizes, angles, quaternions, axes and properties; and at 0 the controls rest."""
    due, faces = by_hand(rig), rig_poses.spoken_by(rig)
    controls, left = rig_poses.controls_of(rig, [rig_poses.poses_of(rig)[name] for name in faces])
    assert (len(faces), len(controls), left) == (20, 20, [])
    weights = np.vstack([np.eye(20), np.zeros(20)])
    curves = [((each.path, index), values) for each in controls for index, values in each.mixed(weights)]
    list(rig_heads._write_steps(scene, rig, of_shapes({"jawOpen": np.ones(21)}), curves, True, True))
    for row, (bone, state) in enumerate(zip(POSED, due, strict=True)):
        found = at(rig, row + 1)
        assert max(apart(found, state).values()) < 1e-5, bone
        assert apart(found, due[row - 1])[bone] > 1e-3, bone
    assert all(np.abs(matrix - np.eye(4)).max() < 1e-6 and not value for matrix, value in at(rig, 21).values())


def test_a_rig_follows_a_recording_and_plays_without_duet(scene, rig, recording, tmp_path, monkeypatch):
    """Two seconds of a real line, Happy, with a head that moves; saved, opened where Duet is not."""
    taken = {}

    def take_of(context, request, samples):
        taken["take"] = Pipeline(Path(duet.__file__).parent / "weights", "numpy").generate(
            samples, request, lambda *_: None
        )
        yield None
        return taken["take"]

    monkeypatch.setattr(target_generate, "ask", take_of)
    scene.duet_target.obj, scene.render.fps = rig, 24
    scene.duet.audio = str(write_wav(tmp_path / "line.wav", recording[8000:40000]))
    scene.duet.emotion, scene.duet.intensity, scene.duet.blinks = "happy", 0.5, False
    layout = Layout()
    result.DUET_PT_result.draw(SimpleNamespace(layout=layout), bpy.context)
    assert layout.drawn == ["No take yet."] and not bpy.ops.duet.fit_range.poll()
    assert bpy.ops.duet.target_generate() == {"FINISHED"}
    scene.duet.head = rig  # whether it is chosen there, or as the target
    result.DUET_PT_result.draw(SimpleNamespace(layout=layout), bpy.context)
    assert layout.drawn[1:] == ["Duet line on Rig", ""]
    hand, bag = rig.pose.bones["hand"], actions.ensure_bag(actions.action_of(rig), rig)
    actions.write_curve(bag, hand.path_from_id("location"), np.array([1, 90]), np.zeros(2))  # of the animator's
    assert bpy.ops.duet.fit_range() == {"FINISHED"}
    assert (scene.frame_start, scene.frame_end) == (1, 48)
    for panel in (panels.DUET_PT_targets, panels.DUET_PT_poses):
        assert not hasattr(panel, "poll") or panel.poll(bpy.context)
        panel.draw(SimpleNamespace(layout=layout), bpy.context)
    assert "20 poses, 24 of 52 shapes" in layout.drawn
    assert "jawOpen" in layout.drawn
    residual = playback.residual_of(rig)
    assert residual.split(", ")[0] in layout.drawn  # mm of the Duet head's face
    mean = float(residual.split()[1])
    names, weights = mixed(taken["take"].speech_names, taken["take"].speech_weights)
    moved = np.linalg.norm(np.tensordot(weights, deltas_of(names), 1), axis=2)
    assert 0 < mean < min(0.6, 0.5 * 1000 * moved[moved > 1e-4].mean())  # docs/heads.md: 0.45 on whole recordings
    opened = [at(rig, frame)["jaw"][0][2, 1] for frame in range(1, 49)]  # the sine of its angle
    assert max(opened) > 0.05
    jaw = taken["take"].speech_weights[:, taken["take"].speech_names.index("Speech jaw open")]
    assert np.corrcoef(opened, jaw[:48])[0, 1] > 0.9
    turned = [at(rig, frame)["neck"][0] for frame in range(1, 49)]
    assert max(np.abs(each - np.eye(4)).max() for each in turned) > 2e-3
    before = at(rig, 30)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    duet.unregister()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    assert max(apart(at(bpy.data.objects["Rig"], 30), before).values()) == 0
    duet.register()


def test_a_take_is_baked_on_a_rig_without_a_window(scene, rig, tmp_path):
    """As `duet bake --head shot.blend/Rig` does; the sound moves with the file."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    voice = write_wav(tmp_path / "line.wav", np.sin(np.arange(8000) * 0.1))
    asked = (voice, spoken(), tmp_path / "out.blend", tmp_path / "shot.blend", "Rig")
    notes = files.bake_file(*asked, Order(Performance(head_motion=1.0)))
    assert notes[0].startswith("'Rig': mean ")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out.blend"))
    opened = [at(bpy.data.objects["Rig"], frame)["jaw"][0][2, 1] for frame in range(1, 13)]
    assert np.argmax(opened) in (5, 6)
    assert max(opened) > 0.1
    (strip,) = bpy.context.scene.sequence_editor.strips
    assert strip.sound.filepath == "//line.wav"
    with pytest.raises(HeadError, match=r"keys are plain already. Leave out --plain"):
        files.bake_file(*asked, Order(Performance(), plain=0.1))


def keyed(rig, bone, values, name="By hand", kind="rotation_euler"):
    """An action of the animator's that turns a bone about x, on what the armature plays."""
    action = actions.action_of(rig)
    if action is None:
        action = bpy.data.actions.new(name)
        actions.assign(rig, action)
    bag = actions.ensure_bag(action, rig)
    path = rig.pose.bones[bone].path_from_id(kind)
    actions.write_curve(bag, path, np.array([1, 10]), np.array(values, float))


def test_keys_of_the_animators_on_other_controls_survive(scene, rig):
    rig.pose.bones["hand"].rotation_mode = "XYZ"
    keyed(rig, "hand", (0.0, 0.9))
    keyed(rig, "jaw", (0.2, 0.2))  # the whole character was keyed once: it holds still, so it is nobody's
    ramp = np.linspace(0, 1, 10)
    done = apply(scene, rig, {"jawOpen": ramp})
    assert any("'By hand' plays on" in note for note in done.notes)
    found = at(rig, 10)
    assert found["hand"][0][2, 1] == pytest.approx(np.sin(0.9), abs=1e-4)
    assert found["jaw"][0][2, 1] == pytest.approx(np.sin(0.35), abs=2e-3)
    keyed(rig, "hand", (0.0, 0.4))  # with auto keying, into Duet's own action
    first = actions.action_of(rig)
    apply(scene, rig, {"mouthFunnel": ramp})
    found = at(rig, 10)
    assert found["hand"][0][2, 1] == pytest.approx(np.sin(0.4), abs=1e-4)
    assert found["jaw"][0][2, 1] == pytest.approx(0, abs=5e-3)  # of the first line nothing is left
    assert first.name in bpy.data.actions


def moved(rig):
    keyed(rig, "jaw", (0.0, 0.2))


def driven(rig):
    rig.pose.bones["jaw"].driver_add("rotation_euler", 0).driver.expression = "0.1"


def resting(rig):
    rig.data.pose_position = "REST"


def few(rig):
    for name in [*rig_poses.faces_of(rig)][2:]:
        rig_poses.correct(rig, name, "")


def held(rig):
    for bone in rig.pose.bones:
        bone.constraints.new("COPY_TRANSFORMS").target = bpy.context.scene.objects["Empty"]


@pytest.mark.parametrize(
    ("hinder", "said"),
    [
        (moved, r"'By hand' moves .*\"jaw\".* which the poses move too. .*Set Aside"),
        (driven, r"\"jaw\".* has a driver"),
        (resting, "Rest Position"),
        (few, "2 poses of the face, too few"),
        (held, "none moves"),
    ],
)
def test_what_two_things_would_own_is_refused_and_nothing_changes(scene, rig, hinder, said):
    scene.collection.objects.link(bpy.data.objects.new("Empty", None))
    hinder(rig)
    pose, before = at(rig, 5), fingerprint()
    with pytest.raises(HeadError, match=said):
        apply(scene, rig, {"jawOpen": np.linspace(0, 1, 10)})
    assert fingerprint() == before
    assert max(apart(at(rig, 5), pose).values()) == 0


def test_set_aside_lets_duet_have_the_control(scene, rig):
    moved(rig)
    scene.duet.existing = "KEEP"
    apply(scene, rig, {"jawOpen": np.linspace(0, 1, 10)})
    assert at(rig, 10)["jaw"][0][2, 1] == pytest.approx(np.sin(0.35), abs=2e-3)
    assert bpy.data.actions["By hand"].use_fake_user


@pytest.mark.parametrize("mode", ["XYZ", "QUATERNION", "AXIS_ANGLE"])
def test_the_head_turns_about_its_own_axes_on_any_neck(scene, rig, mode):
    """Of a game's rig, whose armature lies on its back and whose bones are rolled anyhow."""
    turn = np.array(Quaternion((1, 0, 0), 0.2).to_matrix() @ Quaternion((0, 0, 1), 0.3).to_matrix(), np.float32)
    lie = Quaternion((1, 0, 0), -np.pi / 2)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in rig.data.edit_bones:
        bone.transform(lie.to_matrix().to_4x4())
    rig.data.edit_bones["neck"].name, rig.data.edit_bones["hand"].name = "Bip01_Neck", "neck_twist"
    rig.data.edit_bones["Bip01_Neck"].roll = 0.7
    bpy.ops.object.mode_set(mode="OBJECT")
    rig.rotation_euler.x = np.pi / 2
    rig.pose.bones["Bip01_Neck"].rotation_mode = mode
    turns = np.stack([np.eye(3, dtype=np.float32)] * 2 + [turn])
    apply(scene, rig, {"jawOpen": np.array([0, 1, 0.5])}, turns)
    scene.frame_set(3)
    bone = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones["Bip01_Neck"]
    world = rig.matrix_world @ bone.matrix @ bone.bone.matrix_local.inverted() @ rig.matrix_world.inverted()
    assert np.abs(np.array(world.to_3x3()) - turn).max() < 1e-5
    rig.duet_neck = "neck_twist"
    assert neck.bone_of(rig).name == "neck_twist"


@pytest.mark.parametrize("mode", ["ZXY", "QUATERNION"])
def test_life_moves_the_neck_that_a_head_has(scene, tmp_path, mode):
    """A bone of another name, rolled, in another rotation mode: the head turns as on Duet's own."""
    obj = heads.add_head(fake_head(), fake_blendshapes(), scene.collection, bpy.context.view_layer)
    voice = write_wav(tmp_path / "line.wav", np.sin(np.arange(64000) * 0.1))
    found, moves = [], Performance(head_motion=2.0)
    for own in (False, True):
        if own:
            bpy.context.view_layer.objects.active = obj.parent
            bpy.ops.object.mode_set(mode="EDIT")
            bone = obj.parent.data.edit_bones["neck"]
            bone.name, bone.roll = "c_neck.x", 0.8
            bpy.ops.object.mode_set(mode="OBJECT")
            obj.parent.pose.bones["c_neck.x"].rotation_mode = mode
        finish(bake.apply_steps(scene, obj, fake_take(96), bake.Recording(voice, 1), moves))
        found.append(finish(sample_steps(scene, obj, range(1, 97))).turns["neck"])
    assert np.abs(found[0] - np.eye(3)).max() > 0.01
    assert np.abs(found[0] - found[1]).max() < 1e-3
