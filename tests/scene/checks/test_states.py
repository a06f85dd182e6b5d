"""States of the scene in which nothing can be written: every operator that writes says which, and changes nothing."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.formats.livelink import LiveLinkTake
from duet.inference.steps import finish
from duet.scene import binding, regenerate
from duet.scene.blender import actions, compat, layers, shape_keys, states
from duet.scene.head import heads
from duet.scene.take import plain, revise, takes
from duet.scene.targets import arkit_heads, character, livelink, playback
from duet.tests.blender_fakes import applied, apply_take, fake_blendshapes, fake_head, fake_take, fingerprint, write_wav

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, SHAPES, TAKE = fake_head(), fake_blendshapes(), fake_take()
LIVE = LiveLinkTake(24.0, np.arange(3.0), ("JawOpen",), np.zeros((3, 1), np.float32), 0)


@pytest.fixture
def head(scene, tmp_path):
    """A head with a take that plays and another one."""
    obj = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    voice = write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1))
    for _ in range(2):
        apply_take(scene, obj, TAKE, voice, 1)
    scene.duet.head, scene.duet.audio = obj, str(voice)
    return obj


def mode_of(obj, mode):
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode=mode)


def tweaked(datablock, path):
    action = bpy.data.actions.new("By hand")
    animation = datablock.animation_data or datablock.animation_data_create()
    playing, slot = animation.action, animation.action_slot
    actions.assign(datablock, action)
    bag = compat.channelbag(action, animation.action_slot)
    actions.write_curve(bag, path, np.array([1.0, 20]), np.zeros(2))
    track = layers.push(datablock, action, animation.action_slot)
    animation.action = playing
    if playing:
        animation.action_slot = slot
    animation.nla_tracks.active, track.strips[0].select = track, True
    animation.use_tweak_mode = True


STATES = {
    "edit": (lambda head: mode_of(head, "EDIT"), "'Duet Head' is in Edit Mode"),
    "sculpt": (lambda head: mode_of(head, "SCULPT"), "'Duet Head' is in Sculpt Mode"),
    "texture": (lambda head: mode_of(head, "TEXTURE_PAINT"), "'Duet Head' is in Texture Paint Mode"),
    "armature": (lambda head: mode_of(head.parent, "EDIT"), "armature 'Duet Rig' is in Edit Mode"),
    "tweak keys": (
        lambda head: tweaked(head.data.shape_keys, shape_keys.value_path("jawOpen")),
        "strip of 'Duet Head' is in tweak mode",
    ),
    "tweak object": (lambda head: tweaked(head, "location"), "strip of 'Duet Head' is in tweak mode"),
    "tweak rig": (lambda head: tweaked(head.parent, "location"), "strip of 'Duet Rig' is in tweak mode"),
    "shared": (lambda head: bpy.data.objects.new("Twin", head.data), "shares its mesh"),
}


def write_arkit(scene, head):
    applied(arkit_heads, scene, head, head)


def play_other(scene, head):
    other = next(action for action in takes.takes_of(head) if action != takes.active(head))
    revise.play(scene, head, other)


WRITERS = {
    "generate": lambda scene, head: apply_take(scene, head, TAKE, Path(scene.duet.audio), 1),
    "generate again": lambda scene, head: finish(regenerate.apply_steps(scene, head, takes.active(head), TAKE)),
    "plain keys": lambda scene, head: finish(plain.bake_steps(scene, head, 0.05)),
    "another take": play_other,
    "arkit": write_arkit,
    "import": lambda scene, head: finish(livelink.apply_steps(scene, head, LIVE, Path("x.csv"), 1)),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("state", STATES)
def test_each_writer_refuses_each_state(scene, head, state, writer):
    make, message = STATES[state]
    kept = make(head)
    before = fingerprint()
    with pytest.raises(HeadError) as caught:
        WRITERS[writer](scene, head)
    assert message in caught.value.message
    assert caught.value.remedy
    assert fingerprint() == before
    del kept


OPERATORS = ["generate", "duplicate_take", "remove_take", "update_speech", "regenerate", "push_take", "bake_plain"]


@pytest.mark.parametrize("name", OPERATORS)
def test_the_buttons_say_so(scene, head, name):
    STATES["tweak keys"][0](head)
    scene.frame_set(scene.frame_current)  # what the curves say now, which Blender evaluates before an operator
    before = fingerprint()
    with pytest.raises(RuntimeError, match="is in tweak mode"):
        getattr(bpy.ops.duet, name)()
    assert fingerprint() == before


def test_an_armature_in_pose_mode_is_no_hindrance(scene, head):
    """Animators pose while they direct the face."""
    mode_of(head.parent, "POSE")
    assert WRITERS["generate"](scene, head) == []


def test_binding_and_parts_are_checked_too(scene, head):
    mesh = bpy.data.meshes.new("Mine")
    mesh.from_pydata(HEAD.vertices.tolist(), [], [polygon.tolist() for polygon in HEAD.polygons])
    mine = bpy.data.objects.new("Mine", mesh)
    scene.collection.objects.link(mine)
    mode_of(mine, "SCULPT")
    with pytest.raises(HeadError, match="'Mine' is in Sculpt Mode"):
        binding.require_bindable(mine)
    mode_of(mine, "WEIGHT_PAINT")  # where its mask was just painted
    assert binding.require_bindable(mine) == mine


def test_a_part_in_edit_mode_is_named_and_left(scene):
    head, teeth = (avatar(scene, name) for name in ("Avatar", "Teeth"))
    teeth.parent = head
    mode_of(teeth, "EDIT")
    notes = finish(livelink.apply_steps(scene, head, LIVE, Path("x.csv"), 1))
    assert any("'Teeth' ('Teeth' is in Edit Mode)" in note for note in notes)
    assert teeth.data.shape_keys.animation_data is None


def avatar(scene, name):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(HEAD.vertices.tolist(), [], [polygon.tolist() for polygon in HEAD.polygons])
    obj = bpy.data.objects.new(name, mesh)
    scene.collection.objects.link(obj)
    shape_keys.add_shape_keys(obj, HEAD.arkit_names, HEAD.arkit)
    return obj


def test_a_control_in_tweak_mode_is_refused(scene):
    obj, control = avatar(scene, "Avatar"), bpy.data.objects.new("Control", None)
    scene.collection.objects.link(control)
    control["jaw"] = 0.0
    driver = obj.data.shape_keys.key_blocks["jawOpen"].driver_add("value").driver
    variable = driver.variables.new()
    variable.name, variable.targets[0].id, variable.targets[0].data_path = "a", control, '["jaw"]'
    driver.expression = "a"
    tweaked(control, "location")
    before = fingerprint()
    with pytest.raises(HeadError, match="strip of 'Control' is in tweak mode"):
        finish(livelink.apply_steps(scene, obj, LIVE, Path("x.csv"), 1))
    assert fingerprint() == before


def test_what_is_in_another_scene_is_not_written_to(scene, head):
    other = bpy.data.scenes.new("Elsewhere")
    with pytest.raises(HeadError, match="'Duet Head' is in the scene 'Scene', not in 'Elsewhere'"):
        states.require_here(other, head)
    with pytest.raises(HeadError, match="is in the scene 'Scene'"):
        apply_take(other, head, TAKE, Path(scene.duet.audio), 1)


def test_targets_are_checked_before_anything_is_made(scene, head):
    obj = avatar(scene, "Avatar")
    tweaked(obj.data.shape_keys, shape_keys.value_path("jawOpen"))
    before = fingerprint()
    for call in (playback.require_target, lambda obj: applied(arkit_heads, scene, head, obj)):
        with pytest.raises(HeadError, match="tweak mode"):
            call(obj)
    with pytest.raises(HeadError, match="tweak mode"):
        face = character.face_of(obj, arkit_heads.matches_of(obj))
        finish(character.write_steps(scene, [face], bpy.data.actions[0], [1], {}))
    assert fingerprint() == before
