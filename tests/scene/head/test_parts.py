"""A character's other meshes: found, offered with a tick, bound with the head and following it, or named."""

from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from duet.inference.bound import Binding
from duet.inference.errors import HeadError
from duet.inference.head.canonical import ARKIT_NAMES
from duet.panels import bind as panel
from duet.scene import binding
from duet.scene.blender import shape_keys
from duet.scene.head import emotions, feelings, followers, heads, parts
from duet.scene.targets import arkit_heads
from duet.tests.blender_fakes import (
    applied,
    apply_take,
    evaluated,
    fake_blendshapes,
    fake_head,
    fake_take,
    head_part,
    write_wav,
)

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, SHAPES = fake_head(), fake_blendshapes()
SKIN, TEETH, EYE = np.arange(45), np.arange(45, 70), np.arange(70, 81)  # of the bent square's vertices
NAMES = (*SHAPES.speech_names, *SHAPES.expression_names, *ARKIT_NAMES)
TRUE = np.concatenate([SHAPES.speech_basis, SHAPES.expression_basis, HEAD.arkit])


@pytest.fixture
def character(scene):
    """A head with teeth and an eye of their own, neither parented to it."""
    made = (
        head_part(scene, "Head", np.arange(81)),
        head_part(scene, "Teeth", TEETH, (0, 0.01, 0)),
        head_part(scene, "Eye", EYE),
    )
    made[1].rotation_euler = (0, 0, 0)
    bpy.context.view_layer.objects.active = made[0]
    bpy.context.view_layer.update()
    return made


def bind(head, others):
    """What the worker and Apply do, with the true shapes in the search's place."""
    rows = np.concatenate([np.arange(81), *(np.arange(len(each.data.vertices)) for each in others)])
    starts = {"Teeth": TEETH, "Eye": EYE}
    rows = np.concatenate([np.arange(81), *(starts[each.name] for each in others)])
    nothing = np.zeros((68, 3), np.float32)
    found = Binding(NAMES, np.arange(len(rows), dtype=np.int32), TRUE[:, rows], nothing, HEAD.vertices, 0.1, 1.0)
    for steps in (binding.preview_steps(head, found, others), binding.apply_steps(head, SHAPES)):
        for _ in steps:
            pass


def moved(obj, rows, frame, place=(0, 0, 0)):
    return evaluated(obj, frame) + np.array(place) - HEAD.vertices[rows]


@pytest.fixture
def voice(tmp_path):
    return write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1))


def test_parts_in_the_head_are_found_wherever_they_hang(scene, character):
    head, teeth, eye = character
    assert parts.inside(scene, head) == [teeth, eye]
    eye.location.x += 5
    bpy.context.view_layer.update()
    assert parts.inside(scene, head) == [teeth]
    assert parts.around(scene, head) == [teeth]
    eye.parent = head
    bpy.context.view_layer.update()
    assert set(parts.around(scene, head)) == {teeth, eye}
    teeth.hide_viewport = True
    assert teeth not in parts.around(scene, head)


def test_other_heads_and_what_surrounds_the_head_are_no_parts(scene, character):
    head = character[0]
    twin = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    room = head_part(scene, "Room", np.arange(81))
    room.scale = (40, 40, 40)
    bpy.context.view_layer.update()
    assert not {twin, room} & set(parts.around(scene, head))


def test_the_worker_is_told_of_all_of_them(scene, character):
    head, teeth, eye = character
    binding.ensure_mask(teeth).add([3], 1.0, "REPLACE")
    request = binding.request_of(head, [teeth, eye])
    np.testing.assert_allclose(request.vertices, HEAD.vertices[np.r_[0:81, TEETH, EYE]], atol=1e-6)
    assert np.flatnonzero(request.masked).tolist() == [84]
    assert request.face_vertices.max() == 81 + len(TEETH) + len(EYE) - 1
    assert len(request.face_sizes) == sum(len(each.data.polygons) for each in character)


def test_they_follow_speech_emotions_and_keys_by_hand(scene, character, voice):
    head, teeth, eye = character
    bind(head, [teeth, eye])
    take = fake_take(emotions={"happy": np.linspace(0, 1, 48)})
    assert apply_take(scene, head, take, voice, 1) == []
    head.data.shape_keys.key_blocks["jawOpen"].value = 0.3
    for frame in (1, 17, 40):
        whole = moved(head, np.arange(81), frame)
        np.testing.assert_allclose(moved(teeth, TEETH, frame, (0, 0.01, 0)), whole[TEETH], atol=1e-5)
        np.testing.assert_allclose(moved(eye, EYE, frame), whole[EYE], atol=1e-5)
    assert np.abs(whole).max() > 1e-3


def test_an_emotion_that_is_added_later_reaches_them(scene, character):
    head, teeth, _ = character
    bind(head, [teeth])
    weights = dict.fromkeys(SHAPES.expression_names, 0.5)
    emotions.connect(head, [feelings.Emotion("smug", weights, {})])
    head["Smug"] = 1.0
    head.update_tag()
    whole = moved(head, np.arange(81), 3)
    np.testing.assert_allclose(moved(teeth, TEETH, 3, (0, 0.01, 0)), whole[TEETH], atol=1e-5)
    assert np.abs(whole[TEETH]).max() > 1e-4
    emotions.remove(head, "smug")
    assert "Emotion Smug" not in teeth.data.shape_keys.key_blocks


def test_binding_again_changes_their_shapes_and_keeps_their_own(scene, character):
    head, teeth, _ = character
    shape_keys.add_shape_keys(teeth, ["mouthLeft"], 3 * HEAD.arkit[[ARKIT_NAMES.index("mouthLeft")]][:, TEETH])
    bind(head, [teeth])
    count = len(teeth.data.shape_keys.key_blocks)
    bind(head, [teeth])
    assert len(teeth.data.shape_keys.key_blocks) == count
    head.data.shape_keys.key_blocks["mouthLeft"].value = 0.5
    due = 1.5 * HEAD.arkit[ARKIT_NAMES.index("mouthLeft")][TEETH]  # the animator's own shape, driven as it was free
    np.testing.assert_allclose(moved(teeth, TEETH, 1, (0, 0.01, 0)), due, atol=1e-6)


def test_an_unticked_part_stays_and_is_named(scene, character, voice):
    head, teeth, eye = character
    parts.tick(eye, False)
    assert parts.to_bind(scene, head) == ([teeth], [])
    bind(head, [])
    notes = apply_take(scene, head, fake_take(), voice, 1)
    assert notes == ["In the head, but following nothing: 'Teeth'. Bind the head again with them."]


def test_hair_is_offered_and_not_ticked(scene, character):
    hair = head_part(character[0].users_scene[0], "Hair", np.arange(81))
    bpy.context.view_layer.update()
    assert hair in parts.inside(scene, character[0])
    assert not parts.is_ticked(character[0], hair)
    assert bpy.ops.duet.tick_part(name="Hair") == {"FINISHED"}
    assert parts.is_ticked(character[0], hair)
    with pytest.raises(RuntimeError, match="no object 'Hat'"):
        bpy.ops.duet.tick_part(name="Hat")


def test_a_part_that_cannot_be_written_to_is_named(scene, character):
    head, teeth, eye = character
    twin = bpy.data.objects.new("Eye L", eye.data)
    scene.collection.objects.link(twin)
    able, notes = parts.to_bind(scene, head)
    assert able == [teeth]
    assert any("'Eye' is left out: 'Eye' shares its mesh" in note for note in notes)


def test_discarding_leaves_nothing(scene, character):
    head, teeth, eye = character
    before = set(bpy.data.objects), set(bpy.data.meshes)
    rows = np.r_[0:81, TEETH]
    found = Binding(
        NAMES, np.arange(len(rows), dtype=np.int32), TRUE[:, rows], np.zeros((68, 3)), HEAD.vertices, 0.1, 1.0
    )
    for _ in binding.preview_steps(head, found, [teeth]):
        pass
    preview = binding.preview_of(head)
    (copy,) = preview.children
    preview.data.shape_keys.key_blocks["jawOpen"].value = 1.0
    bpy.context.view_layer.update()
    shown = evaluated(copy) @ np.array(copy.matrix_world)[:3, :3].T + np.array(copy.matrix_world)[:3, 3]
    due = (HEAD.vertices + HEAD.arkit[ARKIT_NAMES.index("jawOpen")])[TEETH] + np.array(preview.location)
    np.testing.assert_allclose(shown, due, atol=1e-5)
    assert parts.inside(scene, head) == [teeth, eye]  # previews are none
    binding.discard_preview(head)
    assert (set(bpy.data.objects), set(bpy.data.meshes)) == before
    assert teeth.data.shape_keys is None


def test_the_faces_own_arkit_keys_move_them_too(scene, character, voice):
    """On a head with ARKit keys of its own, Apply to ARKit Head moves those; parts have none but binding's."""
    head, teeth, _ = character
    shape_keys.add_shape_keys(head, [f"My_{name}" for name in ARKIT_NAMES], HEAD.arkit)
    bind(head, [teeth])
    talker = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    apply_take(scene, talker, fake_take(), voice, 1)
    notes = applied(arkit_heads, scene, talker, head).notes
    assert not any("Teeth" in note for note in notes)
    for frame in (5, 30):
        whole = moved(head, np.arange(81), frame)
        np.testing.assert_allclose(moved(teeth, TEETH, frame, (0, 0.01, 0)), whole[TEETH], atol=2e-5)
    assert np.abs(whole).max() > 1e-3
    apply_take(scene, head, fake_take(), voice, 1)  # and back to its own speech
    whole = moved(head, np.arange(81), 20)
    np.testing.assert_allclose(moved(teeth, TEETH, 20, (0, 0.01, 0)), whole[TEETH], atol=2e-5)


def test_a_saved_character_follows_without_duet(scene, character, voice, tmp_path):
    head, teeth, _ = character
    bind(head, [teeth])
    apply_take(scene, head, fake_take(), voice, 1)
    head.name = "Renamed"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    head, teeth = bpy.data.objects["Renamed"], bpy.data.objects["Teeth"]
    assert followers.of(head) == [teeth]
    drivers = teeth.data.shape_keys.animation_data.drivers
    assert all(curve.driver.type == "SUM" and curve.driver.is_valid for curve in drivers)
    whole = moved(head, np.arange(81), 20)
    np.testing.assert_allclose(moved(teeth, TEETH, 20, (0, 0.01, 0)), whole[TEETH], atol=1e-5)


def test_a_part_that_changed_since_the_preview_is_left(scene, character):
    head, teeth, _ = character
    rows = np.r_[0:81, TEETH]
    found = Binding(
        NAMES, np.arange(len(rows), dtype=np.int32), TRUE[:, rows], np.zeros((68, 3)), HEAD.vertices, 0.1, 1.0
    )
    for _ in binding.preview_steps(head, found, [teeth]):
        pass
    teeth.data.vertices.add(1)
    for _ in binding.apply_steps(head, SHAPES):
        pass
    assert teeth.data.shape_keys is None
    assert parts.left_behind(scene, head) == ["Teeth", "Eye"]
    with pytest.raises(HeadError, match="no preview"):
        next(binding.apply_steps(head, SHAPES))


class Layout:
    def __init__(self):
        self.drawn = []

    def column(self, align=False):
        return self

    def label(self, text="", icon="NONE"):
        self.drawn.append(text)

    def operator(self, name, text="", icon="NONE", emboss=True):
        self.drawn.append((text, icon))
        return SimpleNamespace()


def test_the_panel_offers_each_with_a_tick(scene, character):
    parts.tick(character[2], False)
    layout = Layout()
    panel._draw_parts(layout, bpy.context)
    assert layout.drawn == ["Bound with the head:", ("Teeth", "CHECKBOX_HLT"), ("Eye", "CHECKBOX_DEHLT")]


def test_what_nothing_moves_is_of_the_head_and_is_not_complained_about(scene, character, voice):
    """Upper teeth stand still on every head."""
    head, teeth, eye = character
    rows, still = np.r_[0:81, TEETH, EYE], TRUE[:, np.r_[0:81, TEETH, EYE]].copy()
    still[:, 81 : 81 + len(TEETH)] = 0
    found = Binding(NAMES, np.arange(len(rows), dtype=np.int32), still, np.zeros((68, 3)), HEAD.vertices, 0.1, 1.0)
    for steps in (binding.preview_steps(head, found, [teeth, eye]), binding.apply_steps(head, SHAPES)):
        for _ in steps:
            pass
    assert teeth.data.shape_keys is None
    assert set(followers.of(head)) == {teeth, eye}
    assert apply_take(scene, head, fake_take(), voice, 1) == []
    emotions.connect(head, [feelings.Emotion("smug", {SHAPES.expression_names[0]: 1.0}, {})])
