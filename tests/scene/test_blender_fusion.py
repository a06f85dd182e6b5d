"""The shipped blendshapes in a real scene: sliders and keys make the face that the formula gives."""

import bpy
import duet
import numpy as np
import pytest
from duet.inference.head.blendshapes import load_blendshapes
from duet.inference.head.canonical import load_head
from duet.inference.take import EMOTIONS, within_limit
from duet.scene.head import heads
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
    due = HEAD.vertices + np.tensordot(said, SHAPES.speech_basis, 1) + np.tensordot(felt, SHAPES.expression_basis, 1)
    assert np.abs(due - HEAD.vertices).max() > 0.003
    assert np.abs(evaluated(head) - due).max() < HUNDREDTH_MM
