"""FLAME heads: what the Duet head plays, on keys and bones."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from duet.inference.binding.bind import bind
from duet.inference.errors import HeadError
from duet.inference.flame.fit import FlameMotion
from duet.inference.flame.gaussian import gaussian_vertices, read_gaussian
from duet.inference.flame.model import JAW, NECK, TO_BLENDER
from duet.inference.steps import finish
from duet.scene import binding
from duet.scene.blender import actions, shape_keys
from duet.scene.targets import flame_bake, flame_heads, playback
from duet.tests.blender_fakes import applied, evaluated, fingerprint
from duet.tests.target_fakes import FRAMES, HEAD, MODEL, SHAPES, addon_head, distances, vertices_of
from mathutils import Matrix

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]


def performance(frames, vertices=1):
    """Of one key, which adds nothing."""
    weights, basis = np.ones((len(frames), 1)), np.zeros((1, vertices, 3))
    return playback.Playback("Test", 24, frames, ("a",), weights, basis, basis[0], basis, {})


@pytest.mark.parametrize(("up", "bones"), [("z", "flame"), ("y", "flame"), ("z", "forward")])
def test_a_head_of_the_flame_addon_speaks_as_the_duet_head_does(scene, speaking, up, bones):
    target = addon_head(scene, up, bones)
    done = applied(flame_bake, scene, speaking, target)
    if up == "y":  # stand it up
        target.parent.matrix_world = Matrix(TO_BLENDER.tolist()).to_4x4()
    assert done.residual.median < 0.3
    for frame in (11, 16, 22):
        assert np.median(distances(speaking, target, frame)) < 0.3
        assert np.percentile(distances(speaking, target, frame), 95) < 0.93  # lips held shut under a smile


def test_correctives_are_driven_by_simple_expressions_of_the_bones(scene, speaking):
    target = addon_head(scene)
    applied(flame_bake, scene, speaking, target)
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
    applied(flame_bake, scene, speaking, target)
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
    still = playback.Playback(
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
    done = applied(flame_bake, scene, speaking, target)
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
        applied(flame_bake, scene, speaking, target)
    assert fingerprint() == before


def test_a_hidden_flame_head_is_said(scene, speaking):
    target = addon_head(scene)
    target.hide_set(True)
    assert (
        "'FLAME-generic' is hidden, so nothing of it is seen in the view."
        in applied(flame_bake, scene, speaking, target).notes
    )


def test_head_bones_reach_flame(scene, speaking):
    rig, target = speaking.parent, addon_head(scene)
    rig.pose.bones["neck"].rotation_mode = "XYZ"
    rig.pose.bones["neck"].rotation_euler = (0.2, 0.1, -0.15)
    done = applied(flame_bake, scene, speaking, target)
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


def test_a_head_of_other_vertices_has_to_be_bound(scene, speaking):
    target = addon_head(scene)
    flame = flame_heads.flame_head(target)
    unbound = playback.Playback(
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
    done = applied(flame_bake, scene, speaking, target)
    assert done.residual.median < 0.3
    moved = vertices_of(target, 17) - (model.v_template @ TO_BLENDER.T)
    due = (vertices_of(speaking, 17) - HEAD.vertices)[order]
    far = np.linalg.norm(due, axis=1) > 1e-3
    assert np.median(np.linalg.norm(moved - due, axis=1)[far]) < 0.2 * np.median(np.linalg.norm(due, axis=1)[far])
