"""What an emotion does to the mouth in silence, and never in speech."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from duet.inference.head import library
from duet.inference.steps import finish
from duet.scene import bake, regenerate
from duet.scene.blender import actions
from duet.scene.exports import export_sampling
from duet.scene.exports.export_sampling import Span
from duet.scene.head import emotions
from duet.scene.take import plain, revise, takes
from duet.tests.blender_fakes import (
    EXPRESSION_NAMES,
    SPEECH_NAMES,
    apply_take,
    evaluated,
    expected_face,
    playback_of,
    quiet_take,
)
from duet.tests.library_fakes import HEAD, SHAPES, YAWN, as_sidebar, face, quiet, set_sliders

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HUNDREDTH_MM = 1e-5  # metres


def test_the_mouth_opens_in_silence_and_never_in_speech(scene, head, voice):
    take = quiet(surprised=1.0, happy=0.4)
    apply_take(scene, head, take, voice, 11)
    silent = head.data.shape_keys.key_blocks["Silent Surprised"]
    for frame in range(96):
        now = evaluated(head, 11 + frame)
        assert np.abs(now - expected_face(HEAD, SHAPES, take, frame)).max() < HUNDREDTH_MM
        assert 29 <= frame <= 50 or silent.value > 0
        assert not 29 <= frame <= 50 or silent.value == 0
    scene.frame_set(11 + 29, subframe=0.5)
    assert silent.value == 0, "nor between two frames"


def test_before_and_after_the_take_the_face_rests_as_it_feels(scene, head, voice):
    take = quiet(96, speaks=(1, 95), surprised=1.0)
    apply_take(scene, head, take, voice, 31)
    for frame in (1, 15, 200):
        assert np.abs(evaluated(head, frame) - face({"surprised": 1.0})).max() < HUNDREDTH_MM
    assert export_sampling.take_span(scene, head) == Span(31, 126)
    performance = playback_of(scene, head)
    assert (performance.frames[0], performance.frames[-1]) == (31, 126)


@pytest.mark.parametrize("setting", [("smoothing", 60.0), ("offset", 120.0), ("offset", -80.0), ("articulation", 1.4)])
def test_it_stays_shut_in_speech_whatever_the_settings(scene, head, voice, setting):
    finish(bake.apply_steps(scene, head, quiet(), bake.Recording(voice, 1), as_sidebar(scene, emotion="happy")))
    setattr(takes.active(head).duet, *setting)
    blocks = head.data.shape_keys.key_blocks
    opened = 0
    for frame in range(1, 97):
        scene.frame_set(frame)
        speaks = max(abs(blocks[name].value) for name in SPEECH_NAMES) > 1e-4
        assert not speaks or blocks["Silent Happy"].value == 0
        opened += blocks["Silent Happy"].value > 0.5
    assert opened > 30


def test_the_amount_scales_it_and_0_keeps_the_mouth_shut(scene, head, voice):
    finish(bake.apply_steps(scene, head, quiet(), bake.Recording(voice, 1), as_sidebar(scene, emotion="happy")))
    group = takes.active(head).duet
    for amount in (0.4, 0.0, 1.0):
        group.open_in_silence = amount
        assert np.abs(evaluated(head, 5) - face({"happy": 0.7}, silence=amount)).max() < HUNDREDTH_MM


def test_without_a_take_the_amount_acts_at_once(scene, head):
    set_sliders(head, surprised=1.0)
    scene.duet.open_in_silence = 0.25
    bpy.context.view_layer.update()
    assert np.abs(evaluated(head) - face({"surprised": 1.0}, silence=0.25)).max() < HUNDREDTH_MM


def test_a_silent_key_that_is_muted_stays_so(scene, head, voice):
    silent = head.data.shape_keys.key_blocks["Silent Surprised"]
    silent.mute = True
    apply_take(scene, head, quiet(surprised=1.0), voice, 1)
    assert silent.mute
    assert np.abs(evaluated(head, 5) - face({"surprised": 1.0}, silence=0.0)).max() < HUNDREDTH_MM


def test_silence_comes_back_when_the_take_goes(scene, head, voice):
    apply_take(scene, head, quiet(), voice, 1)
    scene.frame_set(40)
    assert head["Silence"] == 0
    revise.clear(scene, head, takes.active(head))
    assert head["Silence"] == 1


def test_silence_edited_by_hand_is_kept_before_it_is_written_anew(scene, head, voice):
    apply_take(scene, head, quiet(), voice, 1)
    action = takes.active(head)
    curve = actions.ensure_bag(action, head).fcurves.find('["Silence"]')
    curve.keyframe_points[0].co.y = 0.3
    action.duet.open_in_silence = 0.5
    kept = bpy.data.actions["Duet line (edited)"]
    assert actions.ensure_bag(kept, head).fcurves.find('["Silence"]').keyframe_points[0].co.y == pytest.approx(0.3)


def test_a_range_again_has_silence_of_its_own(scene, head, voice):
    apply_take(scene, head, quiet(happy=1.0), voice, 1)
    action, new = takes.active(head), quiet(happy=1.0)
    new.speech_weights[70:90] = 0.5
    new = replace(new, silence=np.minimum(new.silence, quiet_take(96, speaks=(70, 90)).silence))
    finish(regenerate.apply_steps(scene, head, action, new, (65, 96), 4))
    silent = head.data.shape_keys.key_blocks["Silent Happy"]
    values = []
    for frame in range(1, 97):
        scene.frame_set(frame)
        values.append(silent.value)
    values = np.array(values)
    assert (values[29:51] == 0).all()
    assert (values[70:90] == 0).all()
    assert values[:20].min() > 0.9


def no_arkit(names, weights):
    yield 1.0
    return np.zeros((len(weights), 52))


def test_plain_keys_and_exports_have_it(scene, head, voice, monkeypatch):
    monkeypatch.setattr(export_sampling, "solve_arkit", no_arkit)
    take = quiet(**{"happy": 0.6, YAWN: 0.5})
    apply_take(scene, head, take, voice, 1)
    due = [evaluated(head, frame).copy() for frame in (1, 40, 70)]
    played = finish(export_sampling.played_steps(scene, head, Span(1, 96)))
    names = (*played.take.speech_names, *played.take.expression_names)
    assert names == (*SPEECH_NAMES, *EXPRESSION_NAMES)
    np.testing.assert_allclose(played.opening, take.opening_curves, atol=1e-5)
    np.testing.assert_allclose(played.expression, take.expression_curves, atol=1e-5)
    np.testing.assert_allclose(played.take.silence, take.silence, atol=1e-3)
    finish(plain.bake_steps(scene, head, 0.01))
    for frame, before in zip((1, 40, 70), due, strict=True):
        assert np.abs(evaluated(head, frame) - before).max() < 2 * HUNDREDTH_MM
    assert not head.data.shape_keys.animation_data.drivers


def test_another_head_is_given_blendshapes_and_no_emotion_keys(scene, head, voice):
    """A bound head knows only the library's keys that it has itself."""
    take = quiet(**{"happy": 0.6, YAWN: 0.5})
    apply_take(scene, head, take, voice, 1)
    performance = playback_of(scene, head)
    assert set(performance.names) <= {*SPEECH_NAMES, *EXPRESSION_NAMES}
    face = performance.rest + np.tensordot(performance.weights[4], performance.basis, 1)
    assert np.abs(face - expected_face(HEAD, SHAPES, take, 4)).max() < HUNDREDTH_MM


def test_keys_follow_blendshapes_that_were_bound_again(head):
    emotions.add(head, YAWN)
    set_sliders(head, **{YAWN: 1.0})
    blocks = head.data.shape_keys.key_blocks
    rest = HEAD.vertices.ravel()
    for names, basis in ((SPEECH_NAMES, SHAPES.speech_basis), (EXPRESSION_NAMES, SHAPES.expression_basis)):
        for name, delta in zip(names, basis, strict=True):
            blocks[name].points.foreach_set("co", rest + 2 * delta.ravel())
    emotions.shape_again(head)
    due = HEAD.vertices + 2 * (face({YAWN: 1.0}) - HEAD.vertices)
    assert np.abs(evaluated(head, 2) - due).max() < 2 * HUNDREDTH_MM


def test_undo_takes_an_expression_back(head):
    bpy.ops.ed.undo_push(message="before")
    emotions.add(head, YAWN)
    bpy.ops.ed.undo_push(message="added")
    bpy.ops.ed.undo()
    obj = bpy.data.objects["Duet Head"]
    assert YAWN not in emotions.on(obj)
    assert f"Emotion {library.label(YAWN)}" not in obj.data.shape_keys.key_blocks
