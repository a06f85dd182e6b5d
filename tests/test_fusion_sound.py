"""The shipped blendshapes in random mixes of emotions and sounds: lips close, stay in order, and teeth stay behind."""

import numpy as np
import pytest
from duet.inference.models import load_models
from duet.inference.pipeline import Pipeline
from duet.training.features import WEIGHTS
from duet.training.fusion_measures import lip_gap
from duet.training.soundness import Teeth, emotion_faces, limits, lips_inverted, random_mixes
from duet.training.speech_rig import rig_deltas
from duet.training.synthesis.phones import gesture_of
from hypothesis import given
from hypothesis import strategies as st

SOUNDS = ("p", "b", "m", "a", "o", "u", "i", "e", "f", "v", "s", "ʃ", "t", "l", "θ", "k", "w", "ɹ")
CLOSED = ("p", "b", "m")


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline(WEIGHTS, "numpy")


@pytest.fixture(scope="module")
def speech(pipeline):
    """w_A of sounds held still, one row a sound."""
    names = load_models(WEIGHTS).speech.json("channels")
    channels = [[gesture_of(sound).targets.get(name, 0.0) for name in names] for sound in SOUNDS]
    return pipeline.speech_weights(np.array(channels, np.float32), lambda *_: None)


def spoken(pipeline, weights):
    return pipeline.head.vertices + np.tensordot(weights, pipeline.shapes.speech_basis, axes=1)


def test_neutral_speech_is_what_the_rig_makes(pipeline):
    """Within ten micrometres, where channels at random move the lips by a centimetre."""
    given_rig = load_models(WEIGHTS).rig.deltas(pipeline.head)
    channels = np.random.default_rng(0).random((50, len(given_rig))).astype(np.float32) * 0.5
    found = spoken(pipeline, pipeline.speech_weights(channels, lambda *_: None)) - pipeline.head.vertices
    due = np.tensordot(channels, given_rig, axes=1)
    lips = np.concatenate(
        [pipeline.head.regions[name] for name in ("outer_lips", "inner_lip_upper", "inner_lip_lower")]
    )
    off = 1000 * np.linalg.norm(found - due, axis=-1)
    assert off[:, lips].mean() < 0.01
    assert 1000 * np.linalg.norm(due, axis=-1)[:, lips].mean() > 5
    np.testing.assert_allclose(given_rig, rig_deltas(pipeline.head), atol=2e-5)


@given(
    sliders=st.lists(st.floats(0, 1.5), min_size=7, max_size=7), sound=st.sampled_from(SOUNDS), loud=st.floats(0.2, 1.0)
)
def test_any_mix_closes_and_keeps_the_lips_in_order(pipeline, speech, sliders, sound, loud):
    mix = random_mixes(np.random.default_rng(0), 1, 8)
    mix[0, 1:] = np.array(sliders, np.float32) * 1.5 / max(1.5, sum(sliders))
    weights = speech[[SOUNDS.index(sound)]] * np.float32(loud)
    quiet = spoken(pipeline, weights)
    face = (quiet + emotion_faces(pipeline.shapes, mix)).astype(np.float32)
    added = (lip_gap(pipeline.head, face) - lip_gap(pipeline.head, quiet))[0]
    assert added <= (0.3 if sound in CLOSED else 0.5)
    assert lips_inverted(pipeline.head, face)[0] <= lips_inverted(pipeline.head, quiet)[0] + 0.3


def test_measured_limits(pipeline, speech):
    rng = np.random.default_rng(1)
    chosen = speech[rng.integers(0, len(SOUNDS), 60)]
    found = limits(pipeline.head, pipeline.shapes, chosen, random_mixes(rng, 60, 8))
    assert found.closure <= 0.3
    assert found.inverted <= 0.3
    assert found.teeth < 0


def test_the_measures_see_what_is_wrong(pipeline):
    head = pipeline.head
    upper = head.regions["inner_lip_upper"]
    crossed = head.vertices[None].copy()
    crossed[0, upper[6], 2] -= 0.002
    assert lips_inverted(head, crossed)[0] == pytest.approx(2.0, rel=1e-3)
    assert lips_inverted(head, head.vertices[None])[0] == 0
    teeth = Teeth(head)
    assert -10 < teeth.out(head.vertices) < -1
    pushed = head.vertices.copy()
    pushed[head.regions["upper_teeth"], 1] -= 0.02
    assert teeth.out(pushed) > 5
    assert teeth.out(head.pose({"jawOpen": 1.0, "mouthUpperUpLeft": 1.0, "mouthUpperUpRight": 1.0})) < 0


def test_mixes_are_within_the_limit():
    mixes = random_mixes(np.random.default_rng(2), 300, 8)
    assert mixes.sum(axis=1).max() <= 1.5 + 1e-5
    assert (mixes[:, 0] == 0).all()
    assert ((mixes > 0).sum(axis=1) > 4).any()
    assert ((mixes > 0).sum(axis=1) == 1).any()
