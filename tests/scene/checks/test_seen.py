"""What evaluates is what was meant: nothing is reported as done that cannot be seen."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.operators import generate
from duet.scene.blender import layers
from duet.scene.take import revise
from duet.tests.blender_fakes import (
    SPEECH_NAMES,
    apply_take,
    fake_blendshapes,
    fake_head,
    fake_take,
    fingerprint,
    frozen,
    off,
    playback_of,
)
from duet.tests.obstacle_makers import (
    OBSTACLES,
    key_action,
    muted,
    soloed,
)

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, SHAPES, TAKE = fake_head(), fake_blendshapes(), fake_take()
EXACT = 1e-5  # metres


@pytest.mark.parametrize("make", OBSTACLES)
def test_what_hides_the_face_is_lifted_and_said(scene, head, voice, make):
    make(head)
    notes = apply_take(scene, head, TAKE, voice, 1)
    assert len(notes) == 1, notes
    assert "'Duet Head'" in notes[0]
    assert off(head, 7) < EXACT
    assert off(head, 40) < EXACT


@pytest.mark.parametrize("make", OBSTACLES)
def test_without_leave_it_is_refused_and_nothing_changes(scene, head, voice, make):
    make(head)
    before = fingerprint()
    with pytest.raises(HeadError) as caught:
        apply_take(scene, head, TAKE, voice, 1, lift=False)
    assert caught.value.remedy
    assert fingerprint() == before


@pytest.mark.parametrize("make", OBSTACLES)
def test_a_failure_after_lifting_puts_it_back(scene, head, voice, make, monkeypatch):
    make(head)
    before = fingerprint()
    monkeypatch.setattr(revise.verify, "require_shown", lambda *_: (_ for _ in ()).throw(HeadError("not seen")))
    with pytest.raises(HeadError, match="not seen"):
        apply_take(scene, head, TAKE, voice, 1)
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
    notes = apply_take(scene, head, TAKE, voice, 1)
    scene.frame_set(8)
    assert [key.key_blocks[name].value for name in ("cheekPuff", "mouthLeft")] == [0, 0]
    assert any("What it kept still is muted" in note for note in notes)
    assert off(head, 9) < EXACT


def test_absolute_keys_that_are_animated_are_the_animators(scene, head, voice):
    head.data.shape_keys.use_relative = False
    head.data.shape_keys.keyframe_insert("eval_time", frame=1)
    before = fingerprint()
    with pytest.raises(HeadError, match=r"not Relative.*Evaluation Time is animated"):
        apply_take(scene, head, TAKE, voice, 1)
    assert fingerprint() == before


def test_a_driven_speech_key_is_named(scene, head, voice):
    head.data.shape_keys.key_blocks[SPEECH_NAMES[2]].driver_add("value").driver.expression = "0.1"
    before = fingerprint()
    with pytest.raises(HeadError, match="'Speech 02' of 'Duet Head' has a driver"):
        apply_take(scene, head, TAKE, voice, 1)
    assert fingerprint() == before


def test_a_modifier_that_hides_the_keys_is_named(scene, head, voice):
    frozen(head)
    before = fingerprint()
    with pytest.raises(HeadError, match=r"keys of 'Duet Head' move, but its mesh does not.*'Freeze'"):
        apply_take(scene, head, TAKE, voice, 1)
    assert fingerprint() == before


def test_a_subdivided_face_and_a_silent_take_are_fine(scene, head, voice):
    head.modifiers.new("Subdivision", "SUBSURF")
    assert apply_take(scene, head, TAKE, voice, 1) == []
    silent = replace(TAKE, speech_weights=np.zeros_like(TAKE.speech_weights))
    assert apply_take(scene, head, silent, voice, 1) == []


def test_a_hidden_head_is_said_and_left_hidden(scene, head, voice):
    head.hide_set(True)
    (note,) = apply_take(scene, head, TAKE, voice, 1)
    assert note == "'Duet Head' is hidden, so nothing of it is seen in the view."
    assert head.hide_get()
    head.hide_set(False)
    head.hide_viewport = True
    (note,) = apply_take(scene, head, TAKE, voice, 1)
    assert "disabled in viewports" in note
    head.hide_viewport = False
    assert off(head, 12) < EXACT


@pytest.mark.parametrize("how", ["eye", "viewports", "collection", "other layer"])
def test_a_hidden_head_is_read_as_it_plays(scene, head, voice, how):
    apply_take(scene, head, TAKE, voice, 1)
    due = playback_of(scene, head)
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
    np.testing.assert_array_equal(playback_of(scene, head).weights, due.weights)


def test_generate_says_so_before_the_long_work(scene, head, voice):
    scene.duet.head, scene.duet.audio = head, str(voice)
    names = ["Speech 00", *SPEECH_NAMES]
    assert generate.DUET_OT_generate.why_not(bpy.context) == ""
    muted(head)
    assert generate.DUET_OT_generate.why_not(bpy.context) == ""  # it will be lifted
    scene.duet.clear_way = False
    assert "muted ('Speech 00', ...)" in generate.DUET_OT_generate.why_not(bpy.context)
    scene.duet.clear_way = True
    head.data.shape_keys.key_blocks[names[1]].driver_add("value")
    assert "has a driver" in generate.DUET_OT_generate.why_not(bpy.context)
