"""A take that is written anew (Update Speech, Generate Again, Plain Keys) is seen afterwards, or nothing changes."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.steps import finish
from duet.scene import regenerate
from duet.scene.blender import actions, compat, shape_keys
from duet.scene.checks import advice, verify
from duet.scene.head import heads
from duet.scene.take import plain, revise, sound, takes
from duet.tests.blender_fakes import (
    SPEECH_NAMES,
    apply_take,
    evaluated,
    fake_blendshapes,
    fake_head,
    fake_take,
    fingerprint,
    frozen,
    write_wav,
)
from duet.tests.obstacle_makers import absolute, faint, muted, nla_off, pinned

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, SHAPES, TAKE = fake_head(), fake_blendshapes(), fake_take(emotions={"happy": 0.8})
OTHER = replace(TAKE, speech_weights=TAKE.speech_weights[::-1].copy())


@pytest.fixture
def head(scene, tmp_path):
    """A head that speaks."""
    obj = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    apply_take(scene, obj, TAKE, write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1)), 1)
    scene.duet.head = obj
    return obj


def update_speech(scene, head):
    return finish(revise.update_steps(scene, head, takes.active(head)))


def generate_again(scene, head):
    return finish(regenerate.apply_steps(scene, head, takes.active(head), OTHER))


def generate_a_range_again(scene, head):
    return finish(regenerate.apply_steps(scene, head, takes.active(head), OTHER, (10, 20), 3))


def plain_keys(scene, head):
    return finish(plain.bake_steps(scene, head, 0.01)).notes


WRITERS = [update_speech, generate_again, generate_a_range_again, plain_keys]


OBSTACLES = [pinned, absolute, muted, nla_off, faint]


def moves(head):
    """How far the farthest vertex goes between two frames, in metres."""
    return np.abs(evaluated(head, 7) - evaluated(head, 30)).max()


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("make", OBSTACLES)
def test_what_hides_it_is_lifted_and_said(scene, head, writer, make):
    due = moves(head)
    make(head)
    (note,) = writer(scene, head)
    assert "'Duet Head'" in note
    assert moves(head) > 0.3 * due


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("make", OBSTACLES)
def test_without_leave_it_is_refused_and_nothing_changes(scene, head, writer, make):
    scene.duet.clear_way = False
    make(head)
    before = fingerprint()
    with pytest.raises(HeadError) as caught:
        writer(scene, head)
    assert caught.value.remedy
    assert fingerprint() == before


@pytest.mark.parametrize("writer", WRITERS)
def test_what_nobody_has_thought_of_is_found_and_nothing_changes(scene, head, writer):
    frozen(head)
    before = fingerprint()
    with pytest.raises(HeadError, match=r"'Duet Head' move, but its mesh does not.*'Freeze'"):
        writer(scene, head)
    assert fingerprint() == before
    assert takes.active(head) is not None


@pytest.mark.parametrize("writer", WRITERS)
def test_a_failure_at_the_end_puts_all_back_drivers_too(scene, head, writer, monkeypatch):
    muted(head)
    face = evaluated(head, 20)
    before = fingerprint()
    monkeypatch.setattr(verify, "require_shown", lambda *_: (_ for _ in ()).throw(HeadError("not seen")))
    with pytest.raises(HeadError, match="not seen"):
        writer(scene, head)
    assert fingerprint() == before
    np.testing.assert_array_equal(evaluated(head, 20), face)


@pytest.mark.parametrize("writer", WRITERS)
def test_stretched_time_is_refused(scene, head, writer):
    scene.render.frame_map_new = 50
    before = fingerprint()
    with pytest.raises(HeadError, match="Time Stretching"):
        writer(scene, head)
    assert fingerprint() == before


@pytest.mark.parametrize("writer", WRITERS)
def test_the_objects_own_action_plays_on(scene, head, writer):
    """The keys play the take; the object was given another action since, which the take's would take the place of."""
    action = bpy.data.actions.new("Walk")
    actions.assign(head, action)
    bag = compat.channelbag(action, head.animation_data.action_slot)
    actions.write_curve(bag, "location", np.array([1.0, 40]), np.array([0.0, 3]))
    scene.frame_set(30)
    before = head.location.x
    notes = writer(scene, head)
    assert any("Your action 'Walk' plays on" in note for note in notes)
    scene.frame_set(30)
    assert head.location.x == pytest.approx(before, abs=1e-4)


def test_plain_keys_show_what_the_drivers_showed(scene, head):
    before = [evaluated(head, frame) for frame in (1, 13, 40)]
    assert plain_keys(scene, head) == []
    for frame, due in zip((1, 13, 40), before, strict=True):
        assert np.abs(evaluated(head, frame) - due).max() < 2e-5


# While a setting is dragged


@pytest.mark.parametrize("make", OBSTACLES)
def test_while_a_setting_is_dragged_the_list_of_takes_says_what_hides_it(scene, head, make):
    action = takes.active(head)
    make(head)
    action.duet.articulation = 1.3
    key = head.data.shape_keys
    curve = actions.ensure_bag(action, key).fcurves.find(shape_keys.value_path(SPEECH_NAMES[0]))
    assert curve.evaluate(5) == pytest.approx(1.3 * TAKE.speech_weights[4, 0], abs=1e-4)  # the setting is followed
    (text,) = advice.of_take(scene, head, action)
    assert "Duet Head" in text


def test_a_driven_speech_key_is_named_in_the_list(scene, head):
    head.data.shape_keys.key_blocks[SPEECH_NAMES[1]].driver_add("value").driver.expression = "0.1"
    (text,) = advice.of_take(scene, head, takes.active(head))
    assert text.startswith("The shape key 'Speech 01' of 'Duet Head' has a driver, which overrules")


def test_a_setting_of_a_take_that_does_not_play_waits_for_update_speech(scene, head):
    first = takes.active(head)
    revise.play(scene, head, first.copy())
    first.duet.articulation = 1.4
    assert first.duet.stale
    revise.play(scene, head, first)
    assert update_speech(scene, head) == []
    first = takes.active(head)
    assert not first.duet.stale
    scene.frame_set(5)
    value = head.data.shape_keys.key_blocks[SPEECH_NAMES[0]].value
    assert value == pytest.approx(1.4 * TAKE.speech_weights[4, 0], abs=1e-4)


def test_a_start_frame_that_is_dragged_where_the_sound_is_gone_says_so(scene, head, tmp_path):
    action = takes.active(head)
    (tmp_path / "line.wav").unlink()
    action.duet.start_frame = 11
    assert "line.wav' does not exist" in action.duet.note
    assert action.duet.moved_to == 11
    assert [strip.name for strip in sound.strips_of(scene, head)] == ["line"]
