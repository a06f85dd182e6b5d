"""Emotions on a head in Blender: sliders of the library, what opens the mouth in silence, and files made before."""

import bpy
import numpy as np
import pytest
from duet.inference.errors import HeadError
from duet.inference.head import library
from duet.inference.performance.performance import Performance
from duet.inference.performance.timeline import Cue
from duet.inference.steps import finish
from duet.inference.take import EMOTIONS
from duet.scene import bake, properties
from duet.scene.blender import actions, drivers, shape_keys
from duet.scene.head import emotions, heads
from duet.scene.take import revise, takes
from duet.tests.blender_fakes import (
    SPEECH_NAMES,
    apply_take,
    evaluated,
    expected_face,
    fingerprint,
)
from duet.tests.library_fakes import BROAD, BROW, HEAD, NAMES, SHAPES, SMIRK, YAWN, as_sidebar, face, quiet, set_sliders

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HUNDREDTH_MM = 1e-5  # metres


# Sliders of the library


def test_an_expression_is_added_moves_the_face_and_goes_without_a_trace(head):
    before = fingerprint()
    emotions.add(head, YAWN)
    assert emotions.on(head) == [*EMOTIONS[1:], YAWN]
    set_sliders(head, **{YAWN: 0.8, "happy": 0.4})
    assert np.abs(evaluated(head) - face({YAWN: 0.8, "happy": 0.4})).max() < HUNDREDTH_MM
    head[library.label(YAWN)] = head["Happy"] = 0.0
    emotions.remove(head, YAWN)
    head.update_tag()
    bpy.context.view_layer.update()
    assert fingerprint() == before


def test_a_mix_with_the_library_keeps_the_limit(head):
    emotions.add(head, SMIRK)
    emotions.add(head, YAWN)
    mix = {SMIRK: 1.0, YAWN: 0.9, "angry": 1.2}
    set_sliders(head, **mix)
    assert np.abs(evaluated(head) - face(mix)).max() < HUNDREDTH_MM
    head["Mix Limit"] = 2.5
    set_sliders(head)
    assert np.abs(evaluated(head) - face(mix, limit=2.5)).max() < HUNDREDTH_MM


def test_the_whole_library_fits_on_one_head(head):
    for name in NAMES:
        emotions.add(head, name)
    key = head.data.shape_keys
    curves = list(key.animation_data.drivers)
    assert all(curve.driver.is_valid for curve in curves)
    assert all(curve.driver.is_simple_expression for curve in curves if curve.driver.type == "SCRIPTED")
    assert max(len(curve.driver.variables) for curve in curves if curve.driver.type == "SCRIPTED") <= 4
    mix = dict.fromkeys(SHAPES.emotions[1:], 0.02) | {"happy": 0.5}
    set_sliders(head, **mix)
    assert np.abs(evaluated(head) - face(mix)).max() < 2 * HUNDREDTH_MM


def test_only_sliders_that_the_head_has_cost_anything(head):
    key = head.data.shape_keys
    count = len(key.key_blocks), len(key.animation_data.drivers)
    emotions.add(head, YAWN)
    assert (len(key.key_blocks), len(key.animation_data.drivers)) == (count[0] + 3, count[1] + 3)
    emotions.add(head, SMIRK)  # which opens no mouth
    assert (len(key.key_blocks), len(key.animation_data.drivers)) == (count[0] + 5, count[1] + 5)


def test_the_buttons_add_and_remove(scene, head):
    from duet import operators

    operators.register()
    try:
        assert bpy.ops.duet.add_expression(expression=SMIRK) == {"FINISHED"}
        assert bpy.ops.duet.key_emotions() == {"FINISHED"}
        paths = {curve.data_path for bag in actions.bags_of(head) for curve in bag.fcurves}
        assert f'["{library.label(SMIRK)}"]' in paths
        assert bpy.ops.duet.remove_expression(expression=SMIRK) == {"FINISHED"}
        assert SMIRK not in emotions.on(head)
        with pytest.raises(RuntimeError, match="no slider"):
            bpy.ops.duet.remove_expression(expression=SMIRK)
    finally:
        operators.unregister()


def test_a_head_of_another_version_says_so_and_stays_as_it_was(head):
    head.data.shape_keys.key_blocks[SPEECH_NAMES[0]].name = "Renamed"
    before = fingerprint()
    with pytest.raises(HeadError, match=r"lacks the blendshapes of .*another version"):
        emotions.add(head, YAWN)
    assert fingerprint() == before


def test_a_key_of_the_animators_is_never_written_over(head):
    own = head.shape_key_add(name=f"Emotion {library.label(YAWN)}", from_mix=False)
    before = fingerprint()
    with pytest.raises(HeadError, match="has a shape key 'Emotion Yawn' of its own"):
        emotions.add(head, YAWN)
    assert fingerprint() == before
    own.name = "My yawn"
    emotions.add(head, YAWN)
    assert "My yawn" in head.data.shape_keys.key_blocks


def test_added_expressions_survive_saving_without_duet(scene, head, tmp_path):
    emotions.add(head, YAWN)
    head[library.label(YAWN)] = 0.7
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    properties.unregister()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    obj = bpy.data.objects["Duet Head"]
    assert np.abs(evaluated(obj, 3) - face({YAWN: 0.7})).max() < HUNDREDTH_MM
    properties.register()
    assert emotions.on(obj)[-1] == YAWN


# The library in takes


def test_a_take_that_feels_one_brings_its_slider(scene, head, voice):
    take = quiet(**{YAWN: 0.6, "sad": 0.3})
    apply_take(scene, head, take, voice, 1)
    assert emotions.on(head) == [*EMOTIONS[1:], YAWN]
    for frame in (1, 20, 40, 60, 90):
        assert np.abs(evaluated(head, frame) - expected_face(HEAD, SHAPES, take, frame - 1)).max() < HUNDREDTH_MM
    assert takes.load(head).take.emotions[-1] == YAWN


def test_the_feeling_and_timed_ones_may_be_of_the_library(scene, head, voice):
    chosen = as_sidebar(scene, emotion=YAWN, intensity=0.5)
    cue = chosen.cues.add()
    cue.seconds, cue.emotion, cue.intensity, cue.ease = 3.0, BROAD, 0.8, 0.25
    finish(bake.apply_steps(scene, head, quiet(), bake.Recording(voice, 1), chosen))
    assert emotions.on(head) == [*EMOTIONS[1:], YAWN, BROAD]
    assert np.abs(evaluated(head, 1) - face({YAWN: 0.5})).max() < HUNDREDTH_MM
    assert np.abs(evaluated(head, 90) - face({BROAD: 0.8})).max() < HUNDREDTH_MM
    group = takes.active(head).duet
    group.emotion = BROW  # on the take that plays: its slider comes at once
    assert BROW in emotions.on(head)
    assert np.abs(evaluated(head, 1) - face({BROW: 0.5})).max() < HUNDREDTH_MM
    assert head[library.label(YAWN)] == 0


def test_a_take_brings_its_sliders_to_another_head(scene, head, voice):
    finish(bake.apply_steps(scene, head, quiet(), bake.Recording(voice, 1), as_sidebar(scene, emotion=YAWN)))
    other = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    revise.play(scene, other, takes.active(head))
    assert emotions.on(other)[-1] == YAWN
    assert np.abs(evaluated(other, 1) - face({YAWN: 0.7})).max() < HUNDREDTH_MM


def test_a_choice_of_the_command_line_may_be_of_the_library(scene, head, voice):
    cues = (Cue(0.0, {YAWN: 0.4, SMIRK: 0.2}), Cue(2.0, {"sad": 0.5}, 0.2))
    chosen = Performance(style="enunciated", emotions=cues, open_in_silence=0.5)
    finish(bake.apply_steps(scene, head, quiet(), bake.Recording(voice, 1), chosen))
    assert np.abs(evaluated(head, 1) - face({YAWN: 0.4, SMIRK: 0.2}, silence=0.5)).max() < HUNDREDTH_MM


# Correctives


def test_a_corrective_is_one_more_driven_key(head):
    shape_keys.add_shape_keys(head, ["Corrective"], np.full((1, len(HEAD.vertices), 3), 0.01, np.float32))
    key = head.data.shape_keys
    a, b = (shape_keys.value_path(name) for name in ("Emotion Happy", SPEECH_NAMES[0]))
    both = (drivers.Source("a", key, a), drivers.Source("b", key, b))
    drivers.drive(key, drivers.Driven(shape_keys.value_path("Corrective"), "a*b", both))
    key.key_blocks[SPEECH_NAMES[0]].value = 0.5
    set_sliders(head, happy=0.6)
    assert key.key_blocks["Corrective"].value == pytest.approx(0.3)
