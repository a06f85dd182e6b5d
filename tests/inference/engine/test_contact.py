"""Lips that meet and do not pass: on a made-up rig with a known answer, on the shipped one, and in a real recording."""

import numpy as np
import pytest
from duet.inference.audio.decode import load_audio
from duet.inference.engine.lip_contact import APART, FURTHEST, NEARLY, LipContact, lip_contact
from duet.inference.engine.pipeline import Pipeline
from duet.inference.engine.speech_rig import load_rig
from duet.inference.head.canonical import load_head
from duet.inference.head.recompose import vertices_of
from duet.inference.take import GenerateRequest
from duet.tests.places import ROOT
from duet.training.evaluation.closures import crossing, lip_halves_of
from duet.training.speech_rig import CHANNEL_NAMES
from hypothesis import given, settings
from hypothesis import strategies as st

HEAD = load_head()
RIG = load_rig(ROOT / "weights" / "rig.safetensors").deltas(HEAD)
LOWER = CHANNEL_NAMES.index("lower_down")
ROLL = CHANNEL_NAMES.index("roll_lower")
SHIPPED = lip_contact(HEAD, RIG, LOWER)
EVEN = lip_contact(HEAD, RIG, LOWER, uneven=ROLL)


def test_the_lip_gives_way_by_what_the_roll_overlaps():
    contact = LipContact(np.array([[0.020, 0.010], [-0.00045, -0.0001]], np.float32), yielding=0)
    held = contact.hold(np.array([[0.0, 1.0], [0.01, 1.0], [0.9, 1.0], [0.2, 0.0]], np.float32))
    np.testing.assert_allclose(held[:, 0], [0.0175, 0.0175, 0.9, 0.2], rtol=1e-5)
    np.testing.assert_array_equal(held[:, 1], np.float32([1.0, 1.0, 1.0, 0.0]))


def test_lips_are_not_pressed_further_than_a_little():
    contact = LipContact(np.array([[0.020, 0.010], [-0.005, -0.001]], np.float32), yielding=0)
    held = contact.hold(np.array([[0.0, 1.0], [0.1, 1.0], [0.9, 1.0]], np.float32))
    np.testing.assert_allclose(held[:, 1], [FURTHEST / 0.005, (0.002 + FURTHEST) / 0.005, 1.0], rtol=1e-4)
    np.testing.assert_allclose((held @ contact.parting).min(axis=1)[:2], -0.1e-3, atol=1e-7)


def test_lips_that_nearly_meet_meet_and_others_stay_apart():
    contact = LipContact(np.array([[0.02, 0.02], [0.01, 0.01], [-0.005, -0.005]], np.float32), yielding=0)
    channels = np.array([[0.015, 0.01, 0.0], [0.03, 0.02, 0.08], [0.06, 0.0, 0.02], [0.1, 0.02, 0.0]], np.float32)
    gaps, met = channels @ contact.parting[:, 0], contact.met(channels)
    np.testing.assert_allclose(gaps, [0.0004, 0.0004, 0.0011, 0.0022], rtol=1e-4)
    np.testing.assert_allclose(met @ contact.parting[:, 0], [0.0, 0.0, APART * 0.352, 0.0022], atol=1e-7)
    np.testing.assert_array_equal(met[:, 2], channels[:, 2])  # what closes is as it was


def test_what_was_nearer_stays_nearer():
    opening = np.linspace(0.0, 1.5 * APART, 200, dtype=np.float32)
    contact = LipContact(np.ones((1, 4), np.float32), yielding=0)
    met = contact.met(opening[:, None])[:, 0]
    assert (np.diff(met) >= 0).all() and (met <= opening).all()
    assert (met[opening < NEARLY] == 0).all()
    np.testing.assert_array_equal(met[opening > APART], opening[opening > APART])


@pytest.mark.parametrize(
    ("contact", "off"), [(SHIPPED, 0.0), (EVEN, 1e-6)], ids=["shipped", "the roll gives way first"]
)
@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_mix_of_channels_passes_the_lips(contact, off, seed):
    channels = np.random.default_rng(seed).beta(0.6, 2, (40, len(CHANNEL_NAMES))).astype(np.float32)
    held = contact.hold(channels)
    assert (held @ contact.parting).min() >= -0.1e-3 - 1e-7
    apart = (channels @ contact.parting).min(axis=1) >= -0.1e-3
    np.testing.assert_allclose(held[apart], channels[apart], rtol=0, atol=off)
    np.testing.assert_allclose(contact.hold(held), held, atol=1e-6)


def test_a_rounded_mouth_that_presses_hard_has_no_slit_beside_its_middle():
    """As the speech model closes a b before oo."""
    pressed = np.zeros((1, len(CHANNEL_NAMES)), np.float32)
    for name, amount in {"pucker": 0.27, "roll_lower": 0.41, "roll_upper": 0.2}.items():
        pressed[0, CHANNEL_NAMES.index(name)] = amount
    assert 1000 * (SHIPPED.hold(pressed) @ SHIPPED.parting).max() > 0.3
    held = EVEN.hold(pressed)
    assert 1000 * (held @ EVEN.parting).max() < 0.2
    assert 0 < held[0, ROLL] < 0.4


def test_rolled_lips_would_pass_each_other():
    rolled = np.zeros((1, len(CHANNEL_NAMES)), np.float32)
    rolled[0, [CHANNEL_NAMES.index(f"roll_{lip}") for lip in ("lower", "upper")]] = 0.4
    assert (rolled @ SHIPPED.parting).min() < -1e-3
    held = SHIPPED.hold(rolled)
    assert 0.5 * FURTHEST < held[0, LOWER] * SHIPPED.parting[LOWER].max() < 3 * FURTHEST
    assert 0 < held[0, CHANNEL_NAMES.index("roll_lower")] < 0.4


def test_lips_of_a_real_sentence_never_cross():
    samples = load_audio(ROOT / "examples" / "recordings" / "sense_and_sensibility_0920.wav")
    take = Pipeline(ROOT / "weights", "numpy").generate(samples, GenerateRequest(fps=25.0), lambda *_: None)
    moved = vertices_of(take.speech_names, take.speech_weights)
    mesh, halves = lip_halves_of(HEAD)
    at_rest = crossing(mesh, halves)
    deepest = max(crossing(mesh.moved(vertices.astype(float)), halves) for vertices in moved)
    assert deepest - at_rest < 0.5, "mm: lips that close while they are pushed forward flatten against each other"
