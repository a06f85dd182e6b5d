"""What is written on heads of another make moves them: through the controls that drive their keys, or it is said."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.formats.livelink import LiveLinkTake
from duet.inference.steps import finish
from duet.scene.blender import actions, shape_keys
from duet.scene.take import revise, takes
from duet.scene.targets import arkit_heads, character, livelink
from duet.tests.blender_fakes import (
    SPEECH_NAMES,
    applied,
    apply_take,
    evaluated,
    fake_blendshapes,
    fake_head,
    fake_take,
    fingerprint,
    off,
)
from duet.tests.obstacle_makers import absolute, pinned

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, SHAPES, TAKE = fake_head(), fake_blendshapes(), fake_take()
EXACT = 1e-5  # metres


def arkit_head(scene, names=HEAD.arkit_names, name="Avatar"):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(np.add(HEAD.vertices, (3, 0, 0)).tolist(), [], [polygon.tolist() for polygon in HEAD.polygons])
    obj = bpy.data.objects.new(name, mesh)
    scene.collection.objects.link(obj)
    shape_keys.add_shape_keys(obj, names, HEAD.arkit)
    return obj


def weights(names, frames=4):
    """A Live Link take of these shapes, each its own values."""
    values = np.random.default_rng(5).random((frames, len(names))).astype(np.float32)
    return LiveLinkTake(24.0, np.arange(float(frames)), tuple(names), values, 0)


def shown(obj, name, frames=4):
    found = []
    for frame in range(1, 1 + frames):
        bpy.context.scene.frame_set(frame)
        found.append(obj.data.shape_keys.key_blocks[name].value)
    return found


def drive(obj, name, control, expression="a", path=None):
    driver = obj.data.shape_keys.key_blocks[name].driver_add("value").driver
    variable = driver.variables.new()
    variable.name = "a"
    variable.targets[0].id, variable.targets[0].data_path = control, path or f'["{name}"]'
    driver.expression = expression
    return driver


@pytest.fixture
def control(scene):
    obj = bpy.data.objects.new("Control", None)
    scene.collection.objects.link(obj)
    for name in HEAD.arkit_names:
        obj[name] = 0.0
    return obj


@pytest.mark.parametrize(
    ("expression", "scale"),
    [("a", 1), ("a*0.01", 100), ("a/2", 2), ("clamp(a)", 1), ("min(1, max(0, a))", 1), ("1-a", -1)],
)
def test_driven_keys_are_written_through_their_control(scene, control, expression, scale):
    obj, take = arkit_head(scene), weights(["jawOpen", "mouthPucker"])
    drive(obj, "jawOpen", control, expression)
    finish(livelink.apply_steps(scene, obj, take, Path("x.csv"), 1))
    assert shown(obj, "jawOpen") == pytest.approx(take.values[:, 0], abs=1e-4)
    assert shown(obj, "mouthPucker") == pytest.approx(take.values[:, 1], abs=1e-6)
    scene.frame_set(2)
    due = scale * take.values[1, 0] if scale > 0 else 1 - take.values[1, 0]
    assert control["jawOpen"] == pytest.approx(due, abs=1e-3)


def test_a_bone_that_is_moved_drives_as_faces_on_rigs_do(scene):
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.edit_bones.new("c_jaw").tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    obj, take = arkit_head(scene), weights(["jawOpen"])
    driver = drive(obj, "jawOpen", rig, "a*10", "location")
    variable = driver.variables[0]
    variable.type = "TRANSFORMS"
    variable.targets[0].id, variable.targets[0].bone_target = rig, "c_jaw"
    variable.targets[0].transform_type, variable.targets[0].transform_space = "LOC_Y", "LOCAL_SPACE"
    finish(livelink.apply_steps(scene, obj, take, Path("x.csv"), 1))
    assert shown(obj, "jawOpen") == pytest.approx(take.values[:, 0], abs=1e-4)
    scene.frame_set(3)
    assert rig.pose.bones["c_jaw"].location.y == pytest.approx(take.values[2, 0] / 10, abs=1e-5)


def test_the_controls_own_action_plays_on(scene, control):
    obj = arkit_head(scene)
    drive(obj, "jawOpen", control)
    for frame, x in ((5, 0.0), (25, 4.0)):
        control.location.x = x
        control.keyframe_insert("location", frame=frame)
    frames, before = (1, 9, 15, 25, 40), []
    for frame in frames:
        scene.frame_set(frame)
        before.append(control.location.x)
    face = character.face_of(obj, arkit_heads.matches_of(obj))
    shapes, action = {"jawOpen": np.linspace(0, 1, 4, dtype=np.float32)}, actions.new_action("Duet")
    notes = finish(character.write_steps(scene, [face], action, np.arange(1, 5), shapes))
    assert any("'ControlAction' plays on" in note for note in notes)
    assert shown(obj, "jawOpen") == pytest.approx(shapes["jawOpen"], abs=1e-4)
    for frame, x in zip(frames, before, strict=True):
        scene.frame_set(frame)
        assert control.location.x == pytest.approx(x, abs=1e-4)


def test_keys_behind_other_drivers_are_named_and_the_others_are_written(scene, control):
    obj, take = arkit_head(scene), weights(["jawOpen", "mouthPucker"])
    drive(obj, "jawOpen", control, "a*a")
    notes = finish(livelink.apply_steps(scene, obj, take, Path("x.csv"), 1))
    assert any("1 keys of 'Avatar' are driven in ways" in note and "'jawOpen' by 'Control'" in note for note in notes)
    assert shown(obj, "mouthPucker") == pytest.approx(take.values[:, 1], abs=1e-6)


def test_where_all_keys_are_driven_so_it_is_refused(scene, head, voice, control):
    apply_take(scene, head, TAKE, voice, 1)
    obj = arkit_head(scene)
    for name in HEAD.arkit_names:
        drive(obj, name, control, "sin(a)")
    before = fingerprint()
    with pytest.raises(HeadError, match=r"52 keys of 'Avatar' are driven in ways that cannot be written to"):
        applied(arkit_heads, scene, head, obj)
    assert fingerprint() == before


def test_a_driver_of_a_driven_control_is_no_control(scene, control):
    obj = arkit_head(scene)
    drive(obj, "jawOpen", control)
    control.driver_add('["jawOpen"]').driver.expression = "0.5"
    with pytest.raises(HeadError, match="'jawOpen' by 'Control'"):
        finish(livelink.apply_steps(scene, obj, weights(["jawOpen"]), Path("x.csv"), 1))


@pytest.mark.parametrize("make", [pinned, absolute])
def test_imports_are_seen_too(scene, make):
    obj, take = arkit_head(scene), weights(["jawOpen"])
    make(obj)
    notes = finish(livelink.apply_steps(scene, obj, take, Path("x.csv"), 1))
    assert any("'Avatar'" in note and "so that" in note for note in notes)
    moved = evaluated(obj, 2) - evaluated(obj, 1)
    row = HEAD.arkit_names.index("jawOpen")
    assert moved == pytest.approx((take.values[1, 0] - take.values[0, 0]) * HEAD.arkit[row], abs=EXACT)


@pytest.mark.parametrize("place", ["brother", "child", "under an empty", "of nobody"])
def test_teeth_with_the_same_keys_play_along_wherever_they_hang(scene, place):
    obj, teeth = arkit_head(scene), arkit_head(scene, name="Teeth")
    rig, group = (bpy.data.objects.new(name, None) for name in ("Rig", "Group"))
    for each in (rig, group):
        scene.collection.objects.link(each)
    group.parent = rig
    obj.parent = None if place == "of nobody" else rig
    teeth.parent = {"brother": rig, "child": obj, "under an empty": group, "of nobody": None}[place]
    take = weights(["jawOpen"])
    notes = finish(livelink.apply_steps(scene, obj, take, Path("x.csv"), 1))
    assert "With it follow 1 other meshes: 'Teeth'." in notes
    assert shown(teeth, "jawOpen") == pytest.approx(take.values[:, 0], abs=1e-6)


def test_a_hidden_target_is_said(scene, head, voice):
    obj, take = arkit_head(scene), weights(["jawOpen"])
    assert not any(
        "so nothing of it" in note or "view layer" in note
        for note in finish(livelink.apply_steps(scene, obj, take, Path("x.csv"), 1))
    )
    obj.hide_set(True)
    unseen = "'Avatar' is hidden, so nothing of it is seen in the view."
    assert unseen in finish(livelink.apply_steps(scene, obj, take, Path("x.csv"), 1))
    apply_take(scene, head, TAKE, voice, 1)
    assert unseen in applied(arkit_heads, scene, head, obj).notes


def test_keys_that_a_vertex_group_holds_back_are_seen_not_to_move(scene, head, voice):
    head.vertex_groups.new(name="Nothing")
    for name in SPEECH_NAMES:
        head.data.shape_keys.key_blocks[name].vertex_group = "Nothing"
    before = fingerprint()
    with pytest.raises(HeadError, match="keys of 'Duet Head' move, but its mesh does not"):
        apply_take(scene, head, TAKE, voice, 1)
    assert fingerprint() == before


def test_a_take_that_follows_an_import_is_seen_alone(scene, head, voice):
    finish(livelink.apply_steps(scene, head, weights(["jawOpen"]), Path("x.csv"), 1))
    scene.frame_set(2)
    assert head.data.shape_keys.key_blocks["jawOpen"].value > 0
    apply_take(scene, head, TAKE, voice, 1, layer=False)
    assert off(head, 20) < EXACT


def test_a_take_leaves_no_hand_key_of_the_last_one_behind(scene, head, voice, tmp_path):
    apply_take(scene, head, TAKE, voice, 1)
    first = takes.active(head)
    other = first.copy()
    head.data.shape_keys.key_blocks["jawOpen"].value = 0.9
    head.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value", frame=5)
    scene.frame_set(6)
    revise.play(scene, head, other)
    assert off(head, 20) < EXACT
