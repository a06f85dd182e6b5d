"""Bone rigs: poses of an armature as faces, and what the Duet head plays as keys on the controls that they move."""

from pathlib import Path
from types import SimpleNamespace

import bpy
import duet
import numpy as np
import pytest
from duet.inference.engine.pipeline import Pipeline
from duet.inference.errors import HeadError
from duet.inference.head.canonical import ARKIT_NAMES, load_head
from duet.inference.head.recompose import deltas_of, mixed
from duet.inference.performance.performance import Performance
from duet.inference.steps import finish
from duet.operators import target_generate
from duet.panels import targets as panels
from duet.scene import bake, files
from duet.scene.blender import actions
from duet.scene.head import heads, neck
from duet.scene.take.settings import Order
from duet.scene.targets import playback, rig_heads, rig_poses
from duet.scene.targets.sampler import sample_steps
from duet.tests.blender_fakes import fake_blendshapes, fake_head, fake_take, fingerprint, write_wav
from duet.tests.scene.test_blender_targets import Layout, spoken
from mathutils import Quaternion, Vector

pytestmark = pytest.mark.blender

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


@pytest.fixture(autouse=True)
def scene():
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    duet.register()
    yield bpy.context.scene
    duet.unregister()


@pytest.fixture
def rig(scene):
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
    """A performance of ARKit's shapes by name -> (T,) values, on the Duet head."""
    count, values = len(next(iter(weights.values()))), np.stack([*weights.values()], axis=1).astype(np.float32)
    basis = np.stack([HEAD.arkit[ARKIT_NAMES.index(name)] for name in weights])
    still = np.broadcast_to(np.eye(3, dtype=np.float32), (count, 3, 3))
    frames = 1 + np.arange(count)
    return playback.Performance(
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
    assert bpy.ops.duet.target_generate() == {"FINISHED"}
    layout = Layout()
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
    assert 0 < mean < 0.5 * 1000 * moved[moved > 1e-4].mean()
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
