"""What evaluates is what was meant: nothing is reported as done that cannot be seen."""

from dataclasses import replace
from pathlib import Path

import bpy
import duet
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.formats.livelink import LiveLinkTake
from duet.inference.steps import finish
from duet.operators import generate
from duet.scene import bake
from duet.scene.blender import actions, compat, layers, shape_keys
from duet.scene.head import heads
from duet.scene.take import revise, takes
from duet.scene.targets import arkit_heads, character, livelink, playback
from duet.tests.blender_fakes import (
    SPEECH_NAMES,
    evaluated,
    expected_face,
    fake_blendshapes,
    fake_head,
    fake_take,
    fingerprint,
    frozen,
    write_wav,
)

pytestmark = pytest.mark.blender
HEAD, SHAPES, TAKE = fake_head(), fake_blendshapes(), fake_take()
EXACT = 1e-5  # metres


@pytest.fixture(autouse=True)
def scene(monkeypatch):
    monkeypatch.setattr(heads, "shipped_id", lambda: SHAPES.id)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    duet.register()
    bpy.context.scene.render.fps = 24
    yield bpy.context.scene
    duet.unregister()


@pytest.fixture
def head(scene):
    return heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)


@pytest.fixture
def voice(tmp_path):
    return write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1))


def off(head, frame):
    """Metres that the face is off the take at a frame."""
    return np.abs(evaluated(head, frame) - expected_face(HEAD, SHAPES, TAKE, frame - 1)).max()


def key_action(head, name="browInnerUp", value=0.5):
    key, action = head.data.shape_keys, bpy.data.actions.new("By hand")
    actions.assign(key, action)
    bag = compat.channelbag(action, key.animation_data.action_slot)
    actions.write_curve(bag, shape_keys.value_path(name), np.array([1.0, 20]), np.array([value, value]))
    return key.animation_data


def pinned(head):
    head.show_only_shape_key = True


def absolute(head):
    head.data.shape_keys.use_relative = False


def muted(head):
    for name in SPEECH_NAMES:
        head.data.shape_keys.key_blocks[name].mute = True


def soloed(head):
    animation = key_action(head, value=0.0)
    layers.push(head.data.shape_keys, animation.action, animation.action_slot).is_solo = True


def soloed_object(head):
    head.keyframe_insert("location", frame=1)
    animation = head.animation_data
    layers.push(head, animation.action, animation.action_slot).is_solo = True


def nla_off(head):
    head.data.shape_keys.animation_data_create().use_nla = False


def faint(head):
    head.data.shape_keys.animation_data_create().action_influence = 0.3


OBSTACLES = [pinned, absolute, muted, soloed, soloed_object, nla_off, faint]


@pytest.mark.parametrize("make", OBSTACLES)
def test_what_hides_the_face_is_lifted_and_said(scene, head, voice, make):
    make(head)
    notes = bake.apply_take(scene, head, TAKE, voice, 1)
    assert len(notes) == 1, notes
    assert "'Duet Head'" in notes[0]
    assert off(head, 7) < EXACT
    assert off(head, 40) < EXACT


@pytest.mark.parametrize("make", OBSTACLES)
def test_without_leave_it_is_refused_and_nothing_changes(scene, head, voice, make):
    make(head)
    before = fingerprint()
    with pytest.raises(HeadError) as caught:
        finish(bake.apply_steps(scene, head, TAKE, bake.Recording(voice, 1), lift=False))
    assert caught.value.remedy
    assert fingerprint() == before


@pytest.mark.parametrize("make", OBSTACLES)
def test_a_failure_after_lifting_puts_it_back(scene, head, voice, make, monkeypatch):
    make(head)
    before = fingerprint()
    monkeypatch.setattr(revise.meant, "require", lambda *_: (_ for _ in ()).throw(HeadError("not seen")))
    with pytest.raises(HeadError, match="not seen"):
        bake.apply_take(scene, head, TAKE, voice, 1)
    assert fingerprint() == before


def test_what_solo_kept_still_stays_still(scene, head, voice):
    soloed(head)
    key = head.data.shape_keys
    key.animation_data.nla_tracks[0].is_solo = False
    animation = key_action(head, "cheekPuff", 0.9)
    layers.push(key, animation.action, animation.action_slot)
    key_action(head, "mouthLeft", 0.8)
    key.animation_data.nla_tracks[0].is_solo = True
    scene.frame_set(5)
    for name in ("cheekPuff", "mouthLeft"):
        key.key_blocks[name].value = 0.0
    notes = bake.apply_take(scene, head, TAKE, voice, 1)
    scene.frame_set(8)
    assert [key.key_blocks[name].value for name in ("cheekPuff", "mouthLeft")] == [0, 0]
    assert any("What it kept still is muted" in note for note in notes)
    assert off(head, 9) < EXACT


def test_absolute_keys_that_are_animated_are_the_animators(scene, head, voice):
    head.data.shape_keys.use_relative = False
    head.data.shape_keys.keyframe_insert("eval_time", frame=1)
    before = fingerprint()
    with pytest.raises(HeadError, match=r"not Relative.*Evaluation Time is animated"):
        bake.apply_take(scene, head, TAKE, voice, 1)
    assert fingerprint() == before


def test_a_driven_speech_key_is_named(scene, head, voice):
    head.data.shape_keys.key_blocks[SPEECH_NAMES[2]].driver_add("value").driver.expression = "0.1"
    before = fingerprint()
    with pytest.raises(HeadError, match="'Speech 02' of 'Duet Head' has a driver"):
        bake.apply_take(scene, head, TAKE, voice, 1)
    assert fingerprint() == before


def test_a_modifier_that_hides_the_keys_is_named(scene, head, voice):
    frozen(head)
    before = fingerprint()
    with pytest.raises(HeadError, match=r"keys of 'Duet Head' move, but its mesh does not.*'Freeze'"):
        bake.apply_take(scene, head, TAKE, voice, 1)
    assert fingerprint() == before


def test_a_subdivided_face_and_a_silent_take_are_fine(scene, head, voice):
    head.modifiers.new("Subdivision", "SUBSURF")
    assert bake.apply_take(scene, head, TAKE, voice, 1) == []
    silent = replace(TAKE, speech_weights=np.zeros_like(TAKE.speech_weights))
    assert bake.apply_take(scene, head, silent, voice, 1) == []


def test_a_hidden_head_is_said_and_left_hidden(scene, head, voice):
    head.hide_set(True)
    (note,) = bake.apply_take(scene, head, TAKE, voice, 1)
    assert note == "'Duet Head' is hidden, so nothing of it is seen in the view."
    assert head.hide_get()
    head.hide_set(False)
    head.hide_viewport = True
    (note,) = bake.apply_take(scene, head, TAKE, voice, 1)
    assert "disabled in viewports" in note
    head.hide_viewport = False
    assert off(head, 12) < EXACT


@pytest.mark.parametrize("how", ["eye", "viewports", "collection", "other layer"])
def test_a_hidden_head_is_read_as_it_plays(scene, head, voice, how):
    bake.apply_take(scene, head, TAKE, voice, 1)
    due = playback.performance_of(scene, head)
    assert due.weights == pytest.approx(TAKE.speech_weights, abs=1e-5)
    if how == "eye":
        head.hide_set(True)
    elif how == "viewports":
        head.hide_viewport = True
    else:
        away = bpy.data.collections.new("Away")
        scene.collection.children.link(away)
        away.objects.link(head)
        scene.collection.objects.unlink(head)
        bpy.context.view_layer.layer_collection.children["Away"].exclude = how != "collection"
        away.hide_viewport = how == "collection"
    np.testing.assert_array_equal(playback.performance_of(scene, head).weights, due.weights)


def test_generate_says_so_before_the_long_work(scene, head, voice):
    scene.duet.head, scene.duet.audio = head, str(voice)
    names = ["Speech 00", *SPEECH_NAMES]
    assert generate.why_not(scene) == ""
    muted(head)
    assert generate.why_not(scene) == ""  # it will be lifted
    scene.duet.clear_way = False
    assert "muted ('Speech 00', ...)" in generate.why_not(scene)
    scene.duet.clear_way = True
    head.data.shape_keys.key_blocks[names[1]].driver_add("value")
    assert "has a driver" in generate.why_not(scene)


# Other heads


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
    livelink.apply_livelink(scene, obj, take, Path("x.csv"), 1)
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
    livelink.apply_livelink(scene, obj, take, Path("x.csv"), 1)
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
    notes = livelink.apply_livelink(scene, obj, take, Path("x.csv"), 1)
    assert any("1 keys of 'Avatar' are driven in ways" in note and "'jawOpen' by 'Control'" in note for note in notes)
    assert shown(obj, "mouthPucker") == pytest.approx(take.values[:, 1], abs=1e-6)


def test_where_all_keys_are_driven_so_it_is_refused(scene, head, voice, control):
    bake.apply_take(scene, head, TAKE, voice, 1)
    obj = arkit_head(scene)
    for name in HEAD.arkit_names:
        drive(obj, name, control, "sin(a)")
    before = fingerprint()
    with pytest.raises(HeadError, match=r"52 keys of 'Avatar' are driven in ways that cannot be written to"):
        arkit_heads.apply(scene, head, obj)
    assert fingerprint() == before


def test_a_driver_of_a_driven_control_is_no_control(scene, control):
    obj = arkit_head(scene)
    drive(obj, "jawOpen", control)
    control.driver_add('["jawOpen"]').driver.expression = "0.5"
    with pytest.raises(HeadError, match="'jawOpen' by 'Control'"):
        livelink.apply_livelink(scene, obj, weights(["jawOpen"]), Path("x.csv"), 1)


@pytest.mark.parametrize("make", [pinned, absolute])
def test_imports_are_seen_too(scene, make):
    obj, take = arkit_head(scene), weights(["jawOpen"])
    make(obj)
    notes = livelink.apply_livelink(scene, obj, take, Path("x.csv"), 1)
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
    notes = livelink.apply_livelink(scene, obj, take, Path("x.csv"), 1)
    assert "With it follow 1 other meshes: 'Teeth'." in notes
    assert shown(teeth, "jawOpen") == pytest.approx(take.values[:, 0], abs=1e-6)


def test_a_hidden_target_is_said(scene, head, voice):
    obj, take = arkit_head(scene), weights(["jawOpen"])
    assert not any(
        "so nothing of it" in note or "view layer" in note
        for note in livelink.apply_livelink(scene, obj, take, Path("x.csv"), 1)
    )
    obj.hide_set(True)
    unseen = "'Avatar' is hidden, so nothing of it is seen in the view."
    assert unseen in livelink.apply_livelink(scene, obj, take, Path("x.csv"), 1)
    bake.apply_take(scene, head, TAKE, voice, 1)
    assert unseen in arkit_heads.apply(scene, head, obj).notes


def test_keys_that_a_vertex_group_holds_back_are_seen_not_to_move(scene, head, voice):
    head.vertex_groups.new(name="Nothing")
    for name in SPEECH_NAMES:
        head.data.shape_keys.key_blocks[name].vertex_group = "Nothing"
    before = fingerprint()
    with pytest.raises(HeadError, match="keys of 'Duet Head' move, but its mesh does not"):
        bake.apply_take(scene, head, TAKE, voice, 1)
    assert fingerprint() == before


def test_a_take_that_follows_an_import_is_seen_alone(scene, head, voice):
    livelink.apply_livelink(scene, head, weights(["jawOpen"]), Path("x.csv"), 1)
    scene.frame_set(2)
    assert head.data.shape_keys.key_blocks["jawOpen"].value > 0
    finish(bake.apply_steps(scene, head, TAKE, bake.Recording(voice, 1), layer=False))
    assert off(head, 20) < EXACT


def test_a_take_leaves_no_hand_key_of_the_last_one_behind(scene, head, voice, tmp_path):
    bake.apply_take(scene, head, TAKE, voice, 1)
    first = takes.active(head)
    other = first.copy()
    head.data.shape_keys.key_blocks["jawOpen"].value = 0.9
    head.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value", frame=5)
    scene.frame_set(6)
    revise.play(scene, head, other)
    assert off(head, 20) < EXACT
