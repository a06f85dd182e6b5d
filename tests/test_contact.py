"""Lips that meet and do not pass: on a made-up rig with a known answer, on the shipped one, and in a real recording."""

from pathlib import Path

import numpy as np
from duet.inference.audio_file import load_audio
from duet.inference.contact import LipContact, lip_contact
from duet.inference.head import load_head
from duet.inference.pipeline import Pipeline
from duet.inference.speech_rig import load_rig
from duet.inference.take import GenerateRequest
from duet.training.evaluate_closures import crossing, lip_halves_of
from duet.training.speech_rig import CHANNEL_NAMES
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[1]
HEAD = load_head()
RIG = load_rig(ROOT / "weights" / "rig.safetensors").deltas(HEAD)
LOWER = CHANNEL_NAMES.index("lower_down")
SHIPPED = lip_contact(HEAD, RIG, LOWER)


def test_the_lip_gives_way_by_what_the_roll_overlaps():
    contact = LipContact(np.array([[0.020, 0.010], [-0.0051, -0.0011]], np.float32), yielding=0)
    held = contact.hold(np.array([[0.0, 1.0], [0.1, 1.0], [0.9, 1.0], [0.2, 0.0]], np.float32))
    np.testing.assert_allclose(held[:, 0], [0.25, 0.25, 0.9, 0.2], rtol=1e-5)
    np.testing.assert_array_equal(held[:, 1], np.float32([1.0, 1.0, 1.0, 0.0]))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_mix_of_channels_passes_the_lips(seed):
    channels = np.random.default_rng(seed).beta(0.6, 2, (40, len(CHANNEL_NAMES))).astype(np.float32)
    held = SHIPPED.hold(channels)
    assert (held @ SHIPPED.parting).min() >= -0.1e-3 - 1e-7
    apart = (channels @ SHIPPED.parting).min(axis=1) >= -0.1e-3
    np.testing.assert_array_equal(held[apart], channels[apart])
    np.testing.assert_allclose(SHIPPED.hold(held), held, atol=1e-6)


def test_rolled_lips_would_pass_each_other():
    rolled = np.zeros((1, len(CHANNEL_NAMES)), np.float32)
    rolled[0, [CHANNEL_NAMES.index(f"roll_{lip}") for lip in ("lower", "upper")]] = 0.4
    assert (rolled @ SHIPPED.parting).min() < -1e-3
    assert 0.3 < SHIPPED.hold(rolled)[0, LOWER] < 1.0


def test_lips_of_a_real_sentence_never_cross():
    samples = load_audio(ROOT / "examples" / "recordings" / "sense_and_sensibility_0920.wav")
    asked = GenerateRequest(fps=25.0, vertices=True)
    take = Pipeline(ROOT / "weights", "numpy").generate(samples, asked, lambda *_: None)
    assert take.vertices is not None
    mesh, halves = lip_halves_of(HEAD)
    at_rest = crossing(mesh, halves)
    deepest = max(crossing(mesh.moved(vertices.astype(float)), halves) for vertices in take.vertices)
    assert deepest - at_rest < 0.4
