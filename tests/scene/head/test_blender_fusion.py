"""The shipped blendshapes in a real scene: sliders and keys make the face that the formula gives."""

from dataclasses import replace

import bpy
import duet
import numpy as np
import pytest
from duet.inference.head import library
from duet.inference.head.blendshapes import load_blendshapes
from duet.inference.head.canonical import load_head
from duet.inference.head.correctives import Corrective
from duet.inference.take import EMOTIONS, within_limit
from duet.scene.head import correctives, emotions, heads
from duet.tests.blender_fakes import evaluated

pytestmark = pytest.mark.blender
HEAD, SHAPES = load_head(), load_blendshapes()
HUNDREDTH_MM = 1e-5  # metres


@pytest.fixture
def head():
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    duet.register()
    yield heads.add_head(HEAD, SHAPES, bpy.context.scene.collection, bpy.context.view_layer)
    duet.unregister()


@pytest.mark.parametrize("seed", range(6))
def test_any_slider_values_make_the_formulas_face(head, seed):
    rng = np.random.default_rng(seed)
    mix = np.zeros(len(EMOTIONS), np.float32)
    mix[1:] = rng.uniform(0, 1.5, 7) * (rng.random(7) < 0.6)
    speech = rng.normal(0, 0.7, len(SHAPES.speech_names)).clip(-1.9, 1.9).astype(np.float32)
    for emotion, value in zip(EMOTIONS[1:], mix[1:], strict=True):
        head[emotion.capitalize()] = float(value)
    blocks = head.data.shape_keys.key_blocks
    for name, value in zip(SHAPES.speech_names, speech, strict=True):
        blocks[name].value = value
        assert blocks[name].value == pytest.approx(value), "not clamped by the slider's range"
    head.update_tag()
    bpy.context.view_layer.update()
    amounts = within_limit(mix[None])[0]
    felt = amounts @ SHAPES.emotion_weights[: len(EMOTIONS)]
    said = speech + amounts @ SHAPES.emotion_opening[: len(EMOTIONS)]  # without a take it is silent
    due = SHAPES.faces(HEAD.vertices, np.concatenate([said, felt])[None])[0]
    assert np.abs(due - HEAD.vertices).max() > 0.003
    assert np.abs(evaluated(head) - due).max() < HUNDREDTH_MM


@pytest.mark.parametrize("blinks", [{"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}, {"eyeBlinkLeft": 1.0}])
def test_lids_let_go_of_what_is_felt_while_they_shut(head, blinks):
    """Of the eight emotions and of one that is added from the library, as `duet generate --vertices` has it."""
    emotions.add(head, "terror")
    felt = {"afraid": 0.6, "terror": 0.5}
    for name, value in felt.items():
        head[library.label(name)] = value
    head["Silence"] = 0.0
    for name, value in blinks.items():
        head.data.shape_keys.key_blocks[name].value = value
    head.update_tag()
    bpy.context.view_layer.update()
    rows = [SHAPES.emotions.index(name) for name in felt]
    weights = np.array([*felt.values()], np.float32) @ SHAPES.emotion_weights[rows]
    weights = np.concatenate([np.zeros(len(SHAPES.speech_names), np.float32), weights])[None]
    life = {name: np.array([value], np.float32) for name, value in blinks.items()}
    due = SHAPES.faces(HEAD.vertices, weights, life)[0]
    due += sum(value * HEAD.arkit[HEAD.arkit_names.index(name)] for name, value in blinks.items())
    assert np.abs(due - SHAPES.faces(HEAD.vertices, weights)[0]).max() > 0.003
    assert np.abs(evaluated(head) - due).max() < 3 * HUNDREDTH_MM, "of 6 shapes in float16 each"
    emotions.remove(head, "terror")
    assert not [block.name for block in head.data.shape_keys.key_blocks if "Terror" in block.name]


# Correctives

LIPS = Corrective("Corrective lips", *SHAPES.speech_names[3:5], unseen=0.001)
BLINK = Corrective("Corrective blink", "eyeBlinkLeft", "eyeBlinkLeft")


@pytest.fixture
def corrected():
    """A head with two correctives that go far, so that they are seen."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    duet.register()
    basis = np.random.default_rng(4).normal(0, 0.002, (2, *HEAD.vertices.shape)).astype(np.float32)
    shapes = replace(SHAPES, correctives=(LIPS, BLINK), corrective_basis=basis)
    yield heads.add_head(HEAD, shapes, bpy.context.scene.collection, bpy.context.view_layer), shapes
    duet.unregister()


def test_correctives_follow_keys_that_are_moved_by_hand_and_by_curves(corrected):
    head, shapes = corrected
    blocks, key = head.data.shape_keys.key_blocks, head.data.shape_keys
    rest = evaluated(head)
    blocks[LIPS.first].value, blocks[LIPS.second].value, blocks["eyeBlinkLeft"].value = 0.5, 0.8, 0.25
    head.update_tag()
    bpy.context.view_layer.update()
    weights = np.zeros((1, len(shapes.speech_names) + len(shapes.expression_names)), np.float32)
    weights[0, 3:5] = 0.5, 0.8
    shut = HEAD.arkit[HEAD.arkit_names.index("eyeBlinkLeft")]
    due = shapes.faces(rest, weights)[0] + 0.25 * shut + 0.1875 * shapes.corrective_basis[1]
    assert np.abs(evaluated(head) - due).max() < HUNDREDTH_MM
    for name in (LIPS.first, LIPS.second):
        for frame, value in ((1, 0.0), (11, 1.0)):
            blocks[name].value = value
            blocks[name].keyframe_insert("value", frame=frame)
        for point in key.animation_data.action.fcurve_ensure_for_datablock(
            key, f'key_blocks["{name}"].value'
        ).keyframe_points:
            point.interpolation = "LINEAR"
    bpy.context.scene.frame_set(6)
    assert key.evaluated_get(bpy.context.evaluated_depsgraph_get()).key_blocks[LIPS.name].value == pytest.approx(0.25)


def test_correctives_run_where_scripts_may_not(corrected):
    head, _ = corrected
    drivers = {curve.data_path: curve.driver for curve in head.data.shape_keys.animation_data.drivers}
    for each in (LIPS, BLINK):
        driver = drivers[f'key_blocks["{each.name}"].value']
        assert driver.expression == each.expression
        assert driver.is_simple_expression


def test_a_mesh_is_told_of_its_correctives_once(corrected):
    head, _ = corrected
    assert correctives.on(head) == [LIPS, BLINK]
    key = head.data.shape_keys
    count = len(key.animation_data.drivers)
    correctives.drive(head)
    assert len(key.animation_data.drivers) == count
    head.shape_key_remove(key.key_blocks[BLINK.name])
    assert correctives.on(head) == [LIPS]
