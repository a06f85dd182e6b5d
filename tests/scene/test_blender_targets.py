"""FLAME and ARKit heads in Blender: what the Duet head plays, on keys and bones of other heads."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import bpy
import duet
import numpy as np
import pytest
from duet.inference.binding.bind import bind
from duet.inference.checkpoints import load_checkpoint
from duet.inference.engine.pipeline import Pipeline
from duet.inference.errors import HeadError
from duet.inference.flame.duet import duet_flame
from duet.inference.flame.fit import FlameMotion
from duet.inference.flame.gaussian import gaussian_vertices, read_gaussian
from duet.inference.flame.model import JAW, NECK, TO_BLENDER
from duet.inference.head.blendshapes import load_blendshapes
from duet.inference.head.canonical import load_head
from duet.inference.head.lips import lips_of
from duet.inference.steps import finish
from duet.inference.take import EMOTIONS, GenerateRequest, Take
from duet.operators import export_head, target_generate
from duet.panels import targets as panels
from duet.scene import bake, binding, choice
from duet.scene.blender import actions, shape_keys
from duet.scene.head import emotions, heads
from duet.scene.targets import arkit_heads, flame_bake, flame_heads, playback
from duet.tests.blender_fakes import evaluated, fingerprint, write_wav
from mathutils import Matrix, Vector

pytestmark = pytest.mark.blender

HEAD, SHAPES, MODEL = load_head(), load_blendshapes(), duet_flame()
LIPS = lips_of(HEAD)
FRAMES = 12
WEIGHTS = Path(__file__).resolve().parents[2] / "weights"
PIPELINE = Pipeline(WEIGHTS, "numpy")


@pytest.fixture(autouse=True)
def scene():
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    duet.register()
    bpy.context.scene.render.fps = 24
    yield bpy.context.scene
    duet.unregister()


# mm, mean over what moves with Happy at 0.8: ARKit has no shapes for lips that a smile is kept from parting.
APART = 0.5
SHUT = 0.35  # mm: by how much more or less than the Duet head's lips another's may be parted


def spoken(fps=24.0):
    """A take that opens the mouth wide and smiles."""
    rng = np.random.default_rng(3)
    names = load_checkpoint(WEIGHTS / "speech.safetensors").json("channels")
    channels = np.zeros((FRAMES, len(names)), np.float32)
    channels[:, names.index("jaw_open")] = np.sin(np.linspace(0, np.pi, FRAMES))
    for name in ("lips_oh", "lower_down", "roll_upper"):
        channels[:, names.index(name)] = rng.random(FRAMES) * 0.4
    curves = np.zeros((FRAMES, len(EMOTIONS)), np.float32)
    curves[:, EMOTIONS.index("happy")] = 0.8
    return Take(
        fps=fps,
        speech_weights=PIPELINE.speech_weights(channels, lambda *_: None),
        expression_weights=SHAPES.emotion_weights[: len(EMOTIONS)],
        emotion_opening=SHAPES.emotion_opening[: len(EMOTIONS)],
        silence=np.zeros(FRAMES, np.float32),
        emotion_curves=curves,
        arkit=np.zeros((FRAMES, 52), np.float32),
        speech_names=SHAPES.speech_names,
        expression_names=SHAPES.expression_names,
        emotions=EMOTIONS,
        arkit_names=HEAD.arkit_names,
        model_id="0123456789ab",
        request=GenerateRequest(fps=fps, audio="line.wav").to_json(),
    )


@pytest.fixture
def speaking(scene, tmp_path):
    """A Duet head that plays that take from frame 11 on."""
    obj = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    bake.apply_take(scene, obj, spoken(), write_wav(tmp_path / "line.wav", np.sin(np.arange(8000) * 0.1)), 11)
    scene.duet.head = obj
    return obj


def vertices_of(obj, frame):
    """Evaluated vertices in the world (V, 3)."""
    points, world = evaluated(obj, frame), np.array(obj.matrix_world)
    return points @ world[:3, :3].T + world[:3, 3]


def performance(frames, vertices=1):
    """Of one key, which adds nothing."""
    weights, basis = np.ones((len(frames), 1)), np.zeros((1, vertices, 3))
    return playback.Performance("Test", 24, frames, ("a",), weights, basis, basis[0], basis, {})


def addon_head(scene, up="z", bones="flame", identity=5):
    """A head as FLAME's Blender add-on makes it, but of the Duet head's vertices, and not by the code under test."""
    to_mesh = TO_BLENDER if up == "z" else np.eye(3)
    mesh = bpy.data.meshes.new("FLAME-generic")
    mesh.from_pydata((MODEL.v_template @ to_mesh.T).tolist(), [], MODEL.faces.tolist())
    obj = bpy.data.objects.new("FLAME-generic", mesh)
    rig = bpy.data.objects.new("FLAME-rig", bpy.data.armatures.new("FLAME-rig"))
    for each in (obj, rig):
        scene.collection.objects.link(each)
    kinds = {"Shape": MODEL.identity_dirs[:identity], "Exp": MODEL.expression_dirs}
    kinds["Pose"] = np.moveaxis(MODEL.posedirs, 2, 0)
    for kind, dirs in kinds.items():
        shape_keys.add_shape_keys(obj, [f"{kind}{n + 1}" for n in range(len(dirs))], dirs @ to_mesh.T)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    joints = (MODEL.regressor @ MODEL.v_template) @ to_mesh.T
    tail = {"flame": to_mesh[:, 1], "forward": to_mesh[:, 2]}[bones]
    for number, name in enumerate(("root", "neck", "jaw", "left_eye", "right_eye")):
        bone = rig.data.edit_bones.new(name)
        bone.head = joints[number]
        bone.tail = joints[number] + 0.01 * tail
        bone.parent = rig.data.edit_bones.get(("", "root", "neck", "neck", "neck")[number])
        if bones == "flame" and up == "y":
            bone.align_roll(Vector((0, 0, 1)))
    bpy.ops.object.mode_set(mode="OBJECT")
    for column, name in zip(MODEL.weights.T, ("root", "neck", "jaw", "left_eye", "right_eye"), strict=True):
        group = obj.vertex_groups.new(name=name)
        for index in np.flatnonzero(column):
            group.add([int(index)], float(column[index]), "REPLACE")
    obj.parent = rig
    obj.modifiers.new("Armature", "ARMATURE").object = rig
    return obj


def distances(speaking, target, frame):
    """mm between two heads of the same vertices, where the face moves."""
    rest = np.linalg.norm(vertices_of(speaking, frame) - HEAD.vertices, axis=1) > 1e-4
    return 1000 * np.linalg.norm(vertices_of(target, frame) - vertices_of(speaking, frame), axis=1)[rest]


def parted(points, keep=slice(None)):
    """How far the lips are parted in mm (P,), of pairs that are among the kept vertices."""
    place = np.full(len(HEAD.vertices), -1)
    place[keep] = np.arange(len(points))
    pairs = [(place[u], place[d]) for u, d in zip(LIPS.upper, LIPS.lower, strict=True) if min(place[u], place[d]) >= 0]
    upper, lower = np.array(pairs).T
    rest = HEAD.vertices[keep]
    return 1000 * ((points[upper] - points[lower]) - (rest[upper] - rest[lower]))[:, 2]


# FLAME


@pytest.mark.parametrize(("up", "bones"), [("z", "flame"), ("y", "flame"), ("z", "forward")])
def test_a_head_of_the_flame_addon_speaks_as_the_duet_head_does(scene, speaking, up, bones):
    target = addon_head(scene, up, bones)
    done = flame_bake.apply(scene, speaking, target)
    if up == "y":  # stand it up
        target.parent.matrix_world = Matrix(TO_BLENDER.tolist()).to_4x4()
    assert done.residual.median < 0.3
    for frame in (11, 16, 22):
        assert np.median(distances(speaking, target, frame)) < 0.3
        assert np.percentile(distances(speaking, target, frame), 95) < 1.1  # lips held shut under a smile


def test_correctives_are_driven_by_simple_expressions_of_the_bones(scene, speaking):
    target = addon_head(scene)
    flame_bake.apply(scene, speaking, target)
    key = target.data.shape_keys
    curves = {curve.data_path: curve.driver for curve in key.animation_data.drivers}
    assert shape_keys.value_path("Pose10") in curves  # the jaw's first
    assert shape_keys.value_path("Pose1") not in curves  # the Duet head's neck needs no correctives
    assert all(driver.is_simple_expression and driver.is_valid for driver in curves.values())
    scene.frame_set(16)
    jaw = target.parent.pose.bones["jaw"]
    assert jaw.rotation_euler.x > 0.02  # radians: it is open
    expected = (np.array(jaw.rotation_euler.to_matrix()) - np.eye(3)).ravel()
    found = [key.key_blocks[f"Pose{10 + n}"].value for n in range(9)]
    driven = [shape_keys.value_path(f"Pose{10 + n}") in curves for n in range(9)]
    assert np.where(driven, found, expected) == pytest.approx(expected, abs=1e-5)
    jaw.keyframe_delete("rotation_euler", index=0, frame=16)
    jaw.rotation_euler.x = 0.4  # the animator's own pose is followed as well
    actions.action_of(target.parent).slots.remove(target.parent.animation_data.action_slot)
    jaw.rotation_euler = (0.4, 0, 0)
    bpy.context.view_layer.update()
    assert key.key_blocks["Pose15"].value == pytest.approx(-np.sin(0.4), abs=1e-5)


def test_bones_that_rest_otherwise_get_keyed_correctives(scene, speaking):
    target = addon_head(scene, bones="forward")
    flame_bake.apply(scene, speaking, target)
    key = target.data.shape_keys
    assert not len(key.animation_data.drivers)
    bag = actions.ensure_bag(actions.action_of(key), key)
    assert bag.fcurves.find(shape_keys.value_path("Pose15")) is not None


def test_blender_shows_the_vertices_of_the_model(scene):
    target = addon_head(scene)
    flame = flame_heads.flame_head(target)
    rng = np.random.default_rng(8)
    pose = np.zeros((1, 5, 3), np.float32)
    pose[0, 1:] = rng.normal(0, 0.3, (4, 3))
    expression = rng.normal(0, 1, (1, 100)).astype(np.float32)
    motion = FlameMotion(24, np.zeros(5, np.float32), expression, pose, np.zeros((1, 3), np.float32))
    still = playback.Performance(
        "Test", 24, np.array([1]), (), np.zeros((1, 0)), np.zeros((0, 1, 3)), np.zeros((1, 3)), np.zeros((52, 1, 3)), {}
    )
    key, action = target.data.shape_keys, actions.new_action("Test")
    bag = playback.play(key, action)
    playback.write_values(bag, key, flame.keys["Exp"], still.frames, expression)
    bones = playback.play(flame.rig, action)
    for joint in range(1, 5):
        flame_bake._key_bone(bones, flame, joint, still, pose[:, joint])
    flame_bake._correct(bag, flame, still, pose)
    due = next(motion.vertices(flame.model))[0] @ TO_BLENDER.T
    assert np.abs(vertices_of(target, 1) - due).max() < 1e-5


def test_another_identity_is_kept(scene, speaking):
    target = addon_head(scene)
    shape_keys.widen_sliders(target.data.shape_keys, ["Shape1"], np.array([-5]), np.array([5]))
    target.data.shape_keys.key_blocks["Shape1"].value = 1.5
    done = flame_bake.apply(scene, speaking, target)
    assert done.motion.identity[0] == pytest.approx(1.5)
    assert done.residual.median < 0.3
    moved = vertices_of(target, 16) - 1.5 * HEAD.identity[0] - vertices_of(speaking, 16)
    assert np.median(np.linalg.norm(moved, axis=1)) < 3e-4


def constrained(rig):
    limit = rig.pose.bones["jaw"].constraints.new("LIMIT_ROTATION")
    limit.use_limit_x = limit.use_limit_y = limit.use_limit_z = True


def at_rest(rig):
    rig.data.pose_position = "REST"


def driven(rig):
    for curve in rig.pose.bones["jaw"].driver_add("rotation_euler"):
        curve.driver.expression = "0.0"


@pytest.mark.parametrize("hold", [constrained, at_rest, driven])
def test_a_jaw_that_does_not_turn_is_named_and_nothing_changes(scene, speaking, hold):
    target = addon_head(scene)
    hold(target.parent)
    before = fingerprint()
    with pytest.raises(HeadError, match=r"The bone 'jaw' of 'FLAME-rig' turns 0.0 degrees, where \d+.\d were meant"):
        flame_bake.apply(scene, speaking, target)
    assert fingerprint() == before


def test_a_hidden_flame_head_is_said(scene, speaking):
    target = addon_head(scene)
    target.hide_set(True)
    assert (
        "'FLAME-generic' is hidden, so nothing of it is seen in the view."
        in flame_bake.apply(scene, speaking, target).notes
    )


def test_head_bones_reach_flame(scene, speaking):
    rig, target = speaking.parent, addon_head(scene)
    rig.pose.bones["neck"].rotation_mode = "XYZ"
    rig.pose.bones["neck"].rotation_euler = (0.2, 0.1, -0.15)
    done = flame_bake.apply(scene, speaking, target)
    assert np.linalg.norm(done.motion.pose[:, NECK], axis=1).min() > 0.2
    joint = 1000 * np.linalg.norm(vertices_of(target, 16) - vertices_of(speaking, 16), axis=1)
    assert np.median(joint) < 0.3


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_a_bare_mesh_gets_keys_and_bones_from_the_model(scene, speaking, scale):
    mesh = bpy.data.meshes.new("Scan")
    turned = np.array(Matrix.Rotation(0.4, 3, "Z")) @ TO_BLENDER
    mesh.from_pydata((scale * MODEL.v_template @ turned.T + 3.0).tolist(), [], MODEL.faces.tolist())
    obj = bpy.data.objects.new("Scan", mesh)
    scene.collection.objects.link(obj)
    scene.duet_target.obj = obj
    assert bpy.ops.duet.flame_equip() == {"FINISHED"}
    assert flame_heads.is_flame_head(obj)
    key, rig = obj.data.shape_keys, obj.parent
    assert {"Shape1", "Shape20", "Exp1", "Exp100", "Pose1", "Pose36"} <= set(key.key_blocks.keys())
    assert set(rig.data.bones.keys()) == {"root", "neck", "jaw", "left_eye", "right_eye"}
    still, pose = MODEL.v_template[None], np.zeros((1, 5, 3), np.float32)
    pose[0, JAW, 0] = 0.3
    rig.pose.bones["jaw"].rotation_mode = "XYZ"
    rig.pose.bones["jaw"].rotation_euler = (0.3, 0, 0)
    bpy.context.view_layer.update()
    plain = MODEL.posed(still, pose) - MODEL.pose_offsets(np.eye(3)[None, None].repeat(5, 1))
    correction = np.abs(MODEL.posed(still, pose) - evaluated(obj) @ turned / scale).max()
    assert np.isfinite(plain).all()
    weighted = MODEL.weights[:, JAW] == 1
    due = scale * MODEL.posed(still, pose)[0][weighted] @ turned.T + 3.0
    assert np.median(np.linalg.norm(evaluated(obj)[weighted] - due, axis=1)) < 0.01 * scale  # without correctives
    assert correction > 0


def test_a_mesh_in_another_vertex_order_is_refused(scene):
    mesh = bpy.data.meshes.new("Other")
    order = np.random.default_rng(1).permutation(len(MODEL.v_template))
    mesh.from_pydata((MODEL.v_template @ TO_BLENDER.T)[order].tolist(), [], [])
    obj = bpy.data.objects.new("Other", mesh)
    scene.collection.objects.link(obj)
    with pytest.raises(HeadError, match="another order"):
        flame_heads.equip(obj, MODEL, scene.collection, bpy.context.view_layer)
    assert obj.data.shape_keys is None


def test_the_operators_make_and_animate_a_flame_head(scene, speaking, tmp_path):
    assert bpy.ops.duet.flame_add() == {"FINISHED"}
    target = scene.duet_target.obj
    assert bpy.ops.duet.flame_apply() == {"FINISHED"}
    assert np.median(distances(speaking, target, 17)) < 0.3
    path = tmp_path / "line.flame.npz"
    assert bpy.ops.duet.flame_export(filepath=str(path)) == {"FINISHED"}
    arrays = read_gaussian(path)
    assert arrays["expr"].shape == (FRAMES, 100)
    flame = flame_heads.flame_head(target)
    shown = gaussian_vertices(arrays, flame.model, slice(6, 7))[0] @ TO_BLENDER.T
    assert np.abs(shown - vertices_of(target, 17)).max() < 1e-5
    scene.duet_target.obj = None
    assert bpy.ops.duet.flame_export(filepath=str(path)) == {"FINISHED"}  # on Duet's own model
    assert not bpy.ops.duet.flame_apply.poll()


def smaller(scene, keep):
    """A FLAME head of some of the vertices only, bound: with the Duet head's blendshapes as keys."""
    mesh = bpy.data.meshes.new("Bound")
    mesh.from_pydata((MODEL.v_template @ TO_BLENDER.T)[keep].tolist(), [], [])
    obj = bpy.data.objects.new("Bound", mesh)
    scene.collection.objects.link(obj)
    shape_keys.add_shape_keys(obj, SHAPES.speech_names, SHAPES.speech_basis[:, keep])
    shape_keys.add_shape_keys(obj, SHAPES.expression_names, SHAPES.expression_basis[:, keep])
    return obj


def test_a_head_of_other_vertices_has_to_be_bound(scene, speaking):
    target = addon_head(scene)
    flame = flame_heads.flame_head(target)
    unbound = playback.Performance(
        "x",
        24,
        np.array([1]),
        ("a",),
        np.ones((1, 1)),
        np.zeros((1, 99, 3)),
        np.zeros((99, 3)),
        np.zeros((52, 99, 3)),
        {},
    )
    with pytest.raises(HeadError, match=r"'FLAME-generic' has other vertices .* Bind it first"):
        finish(flame_bake.motion_steps(unbound, flame))


def test_a_head_without_a_take_is_refused(scene):
    obj = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    with pytest.raises(HeadError, match="plays no take"):
        playback.performance_of(scene, obj)


# ARKit


def arkit_head(scene, spelling=lambda name: name, without=(), name="Avatar", keep=slice(None)):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(HEAD.vertices[keep].tolist(), [], [])
    obj = bpy.data.objects.new(name, mesh)
    scene.collection.objects.link(obj)
    rows = [row for row, shape in enumerate(HEAD.arkit_names) if shape not in without]
    names = [spelling(HEAD.arkit_names[row]) for row in rows]
    shape_keys.add_shape_keys(obj, names, HEAD.arkit[rows][:, keep])
    return obj


def test_an_arkit_head_follows(scene, speaking):
    target = arkit_head(scene, lambda name: f"!ex-{name}")
    done = arkit_heads.apply(scene, speaking, target)
    assert done.on_mesh
    assert done.missing == ()
    assert done.residual.mean < APART
    for frame in (11, 16, 22):
        assert distances(speaking, target, frame).mean() < APART
        assert np.abs(parted(vertices_of(target, frame)) - parted(vertices_of(speaking, frame))).max() < SHUT
    values = [block.value for block in target.data.shape_keys.key_blocks]
    assert min(values) >= 0
    assert max(values) <= 1


def test_missing_shapes_are_made_up_for(scene, speaking):
    without = ("mouthSmileLeft", "mouthSmileRight", "mouthFunnel")
    target = arkit_head(scene, without=without)
    done = arkit_heads.apply(scene, speaking, target)
    assert done.missing == tuple(name for name in HEAD.arkit_names if name in without)
    still = np.linalg.norm(vertices_of(speaking, 16) - HEAD.vertices, axis=1)
    assert distances(speaking, target, 16).mean() < 0.5 * 1000 * still[still > 1e-4].mean()


def test_an_unbound_head_is_solved_on_the_duet_head(scene, speaking):
    keep = np.arange(0, len(HEAD.vertices), 2)
    target = arkit_head(scene, str.lower, keep=keep)
    done = arkit_heads.apply(scene, speaking, target)
    assert not done.on_mesh
    assert done.residual.mean < APART
    off = 1000 * np.linalg.norm(vertices_of(target, 16) - vertices_of(speaking, 16)[keep], axis=1)
    assert off.mean() < APART


def test_a_bound_head_is_solved_on_its_own_mesh_and_its_other_keys_are_muted(scene, speaking):
    keep = np.arange(0, len(HEAD.vertices), 2)
    target = smaller(scene, keep)
    shape_keys.add_shape_keys(target, HEAD.arkit_names, 2 * HEAD.arkit[:, keep])  # twice as strong as Duet's
    done = arkit_heads.apply(scene, speaking, target)
    assert done.on_mesh
    off = 1000 * np.linalg.norm(vertices_of(target, 16) - vertices_of(speaking, 16)[keep], axis=1)
    assert off.mean() < 0.35  # of all vertices
    for frame in (11, 16):
        found, due = parted(vertices_of(target, frame), keep), parted(vertices_of(speaking, frame)[keep], keep)
        assert len(found) > 5
        assert np.abs(found - due).max() < 2 * SHUT  # its pairs are found, and few
    assert target.data.shape_keys.key_blocks[SHAPES.speech_names[0]].mute


def test_a_bound_head_can_turn_its_own_take_into_its_own_arkit_shapes(scene, speaking):
    keys = speaking.data.shape_keys.key_blocks
    due = vertices_of(speaking, 16)
    shape_keys.add_shape_keys(speaking, [f"A{n:02}_{name}" for n, name in enumerate(HEAD.arkit_names)], HEAD.arkit)
    done = arkit_heads.apply(scene, speaking, speaking)
    assert done.on_mesh
    off = 1000 * np.linalg.norm(vertices_of(speaking, 16) - due, axis=1)
    assert off[np.linalg.norm(due - HEAD.vertices, axis=1) > 1e-4].mean() < APART
    assert keys[SHAPES.speech_names[0]].mute
    assert keys["A17_jawOpen"].value > 0.05
    with pytest.raises(HeadError, match="Nothing moves"), emotions.undriven(speaking):
        actions.ensure_bag(actions.action_of(speaking.data.shape_keys), speaking.data.shape_keys).fcurves.clear()
        for block in keys:
            block.value = 0
        playback.performance_of(scene, speaking)


def test_vowels_alone_make_a_mesh_speak_as_far_as_they_go(scene, speaking):
    """MMD's morphs: a mix of ARKit's shapes each, found by its name; the residual says how far that is."""
    names = ("あ", "い", "う", "え", "お", "まばたき", "にやり", "真面目", "Physics")
    mesh = bpy.data.meshes.new("Miku")
    mesh.from_pydata([(0, 0, 0), (0, 0, 1), (1, 0, 0)], [], [])
    target = bpy.data.objects.new("Miku", mesh)
    scene.collection.objects.link(target)
    shape_keys.add_shape_keys(target, names, np.ones((len(names), 3, 3), np.float32))
    done = arkit_heads.apply(scene, speaking, target)
    assert not done.on_mesh
    assert APART < done.residual.mean < 3
    assert "jawOpen" not in done.missing
    assert "cheekPuff" in done.missing
    keys, bag = target.data.shape_keys.key_blocks, actions.bags_of(target.data.shape_keys)[0]
    assert len(bag.fcurves) == len(names) - 2  # not of what is no face, nor of え, which あ and い make together
    opened = []
    for frame in range(11, 23):
        scene.frame_set(frame)
        opened.append(keys["あ"].value)
        assert keys["にやり"].value > 0.2, "Happy"
    assert np.argmax(opened) in (5, 6)
    assert max(opened) > 0.5


def test_other_meshes_of_the_character_follow(scene, speaking):
    parent = bpy.data.objects.new("Armature", None)
    scene.collection.objects.link(parent)
    teeth = HEAD.regions["lower_teeth"]
    target, lower = arkit_head(scene), arkit_head(scene, name="Teeth", keep=teeth)
    target.parent = lower.parent = parent
    arkit_heads.apply(scene, speaking, target)
    off = vertices_of(lower, 16) - vertices_of(target, 16)[teeth]
    assert np.abs(off).max() < 1e-6


def test_matches_are_corrected_by_hand_and_kept(scene, tmp_path):
    target = arkit_head(scene, lambda name: "Mund auf" if name == "jawOpen" else name)
    scene.duet_target.obj = target
    assert "jawOpen" not in arkit_heads.matches_of(target)
    assert bpy.ops.duet.arkit_match(shape="jawOpen", how="KEY", key="Mund auf") == {"FINISHED"}
    assert bpy.ops.duet.arkit_match(shape="mouthLeft", how="NONE") == {"FINISHED"}
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
    matches = arkit_heads.matches_of(bpy.data.objects["Avatar"])
    assert matches["jawOpen"] == ("Mund auf",)
    assert "mouthLeft" not in matches
    assert bpy.ops.duet.arkit_match(shape="mouthLeft", how="NAME") == {"FINISHED"}
    assert arkit_heads.matches_of(bpy.data.objects["Avatar"])["mouthLeft"] == ("mouthLeft",)
    with pytest.raises(RuntimeError, match="no shape key 'x'"):
        bpy.ops.duet.arkit_match(shape="mouthLeft", how="KEY", key="x")


def test_the_operator_says_how_near_it_is(scene, speaking):
    scene.duet_target.obj = arkit_head(scene)
    assert bpy.ops.duet.arkit_apply() == {"FINISHED"}
    assert actions.made_by_duet(actions.action_of(scene.duet_target.obj.data.shape_keys))
    layout = Layout()
    panels.DUET_PT_targets.draw(SimpleNamespace(layout=layout), bpy.context)
    assert "Residual:" in layout.drawn
    assert [text for text in layout.drawn if text.startswith("mean 0.") and text.endswith(" mm")]


def test_too_few_shapes_are_refused(scene, speaking):
    target = arkit_head(scene, without=HEAD.arkit_names[8:])
    with pytest.raises(HeadError, match=r"'Avatar' has 8 of ARKit's 52 shapes"):
        arkit_heads.apply(scene, speaking, target)


def test_an_action_of_the_animators_is_kept(scene, speaking):
    target = arkit_head(scene)
    key = target.data.shape_keys
    own = bpy.data.actions.new("By hand")
    actions.assign(key, own)
    actions.write_curve(actions.ensure_bag(own, key), shape_keys.value_path("tongueOut"), np.array([1, 30]), np.ones(2))
    done = arkit_heads.apply(scene, speaking, target)
    assert any("By hand" in note for note in done.notes)
    assert "By hand" in bpy.data.actions


def test_a_flame_head_of_other_vertices_and_another_person_is_bound_and_speaks(scene, speaking):
    """Skin and eyes only, in random order, of another identity: FLAME has no teeth or tongue either."""
    parts = ("skin", "left_eye", "right_eye", "eye_sockets")
    order = np.random.default_rng(0).permutation(np.unique(np.concatenate([HEAD.regions[part] for part in parts])))
    place = np.full(len(HEAD.vertices), -1)
    place[order] = np.arange(len(order))
    faces = place[MODEL.faces]
    regressor = MODEL.regressor[:, order]
    person = MODEL.identity_dirs[0] - MODEL.identity_dirs[3]
    model = replace(
        MODEL,
        v_template=(MODEL.v_template + person)[order],
        shapedirs=MODEL.shapedirs[order],
        posedirs=MODEL.posedirs[order],
        regressor=regressor / regressor.sum(axis=1, keepdims=True),
        weights=MODEL.weights[order],
        faces=faces[(faces >= 0).all(axis=1)].astype(np.int32),
    )
    target = flame_heads.add_head(model, "FLAME Head", scene.collection, bpy.context.view_layer)
    bound = bind(HEAD, SHAPES, binding.request_of(target), lambda share, stage: None)
    for steps in (binding.preview_steps(target, bound), binding.apply_steps(target, SHAPES)):
        list(steps)
    done = flame_bake.apply(scene, speaking, target)
    assert done.residual.median < 0.3
    moved = vertices_of(target, 17) - (model.v_template @ TO_BLENDER.T)
    due = (vertices_of(speaking, 17) - HEAD.vertices)[order]
    far = np.linalg.norm(due, axis=1) > 1e-3
    assert np.median(np.linalg.norm(moved - due, axis=1)[far]) < 0.2 * np.median(np.linalg.norm(due, axis=1)[far])


def test_generating_on_a_target_needs_no_duet_head(scene, tmp_path, monkeypatch):
    """With a worker's take in the worker's place."""
    made = []

    def take_of(context, request, samples):
        made.append((request, len(samples)))
        yield None
        return spoken(fps=request.fps)

    monkeypatch.setattr(target_generate, "ask", take_of)
    target, weights = arkit_head(scene), spoken().face_weights[6]
    due = SHAPES.faces(HEAD.vertices, weights[None])[0] - HEAD.vertices
    assert not bpy.ops.duet.target_generate.poll()
    scene.duet_target.obj, scene.duet.start_frame = target, 5
    scene.duet.emotion, scene.duet.intensity = "happy", 0.8
    scene.duet.blinks = scene.duet.eyes = scene.duet.head_motion = scene.duet.breaths = False
    scene.duet.audio = str(write_wav(tmp_path / "line.wav", np.sin(np.arange(8000) * 0.1)))
    for head in (target, addon_head(scene)):
        scene.duet.head = head  # whatever is the target
        assert export_head.exported(bpy.context) == head
        assert choice.target_head(scene) is None, "it has no takes"
        assert not bpy.ops.duet.generate.poll()
        assert bpy.ops.duet.target_generate() == {"FINISHED"}
        off = vertices_of(head, 11) - HEAD.vertices - due
        assert np.median(np.linalg.norm(off, axis=1)[np.linalg.norm(due, axis=1) > 1e-3]) < 1e-3 * APART
    assert made[0][0].fps == 24
    assert len(scene.sequence_editor.strips) == 2


class Layout:
    """Stands in for Blender's layout: every property and operator that is drawn must exist."""

    def __init__(self):
        self.drawn = []

    def column(self, align=False):
        return self

    def row(self, align=False):
        return self

    def label(self, text="", icon="NONE"):
        self.drawn.append(text)

    def prop(self, data, name):
        assert name in data.bl_rna.properties

    def prop_search(self, data, name, owner, listed, icon="NONE"):
        assert hasattr(data, name)
        assert hasattr(owner, listed)

    def operator(self, name, text="", icon="NONE"):
        module, function = name.split(".")
        assert getattr(getattr(bpy.ops, module), function).get_rna_type()
        self.drawn.append(text)
        return SimpleNamespace()


@pytest.mark.parametrize("kind", ["none", "flame", "arkit"])
def test_the_panel_says_what_the_target_is(scene, kind):
    makers = {"none": lambda scene: None, "flame": addon_head, "arkit": arkit_head}
    scene.duet_target.obj = makers[kind](scene)
    layout = Layout()
    for panel in panels.CLASSES:
        if not hasattr(panel, "poll") or panel.poll(bpy.context):
            panel.draw(SimpleNamespace(layout=layout), bpy.context)
    said = {"none": "", "flame": "A FLAME head", "arkit": "52 of 52 ARKit shapes"}[kind]
    assert said in layout.drawn
    assert ("jawOpen" in layout.drawn) == (kind != "none")
