"""The sets that fusion is trained on: speech as amounts of its keys, expressions in time and by the voice."""

import dataclasses

import numpy as np
import pytest
from duet.inference.audio.prosody import accents
from duet.tests.places import ROOT
from duet.training.data.animated import TRAINING_TAKES, data_folder, load_animated
from duet.training.data.expression_times import at, shares
from duet.training.fusion.deformation_space import coefficients_of
from duet.training.fusion.examples import FusionSet
from duet.training.fusion.train import new_module
from duet.training.speech_rig import SHAPE_NAMES, SPEECH_KEYS, key_shapes, rig_amounts, rig_shapes

pytestmark = pytest.mark.slow


def test_expressions_come_from_neutral_to_the_apex_and_go_back():
    time, onset, release = np.linspace(0, 1, 101), np.array(0.2), np.array(0.4)
    curve = at(time, onset, release)
    assert curve[[0, -1]].max() == 0
    assert curve[25:55].min() == pytest.approx(1)
    assert curve[10] == pytest.approx(0.5)
    assert (np.diff(curve[:21]) >= 0).all()
    parts = shares(np.random.default_rng(0), 500)
    brow, jaw = SHAPE_NAMES.index("browInnerUp"), SHAPE_NAMES.index("jawOpen")
    assert (parts[:, SHAPE_NAMES.index("browDownLeft")] == parts[:, brow]).all()
    assert 0.05 < np.abs(parts[:, brow] - parts[:, jaw]).mean() < 0.3, "not all at the same time"


def test_accents_are_where_the_voice_stands_out(voice):
    times = np.arange(0, 4, 1 / 30)
    found = accents(voice, times)
    assert times[found.argmax()] == pytest.approx(2.0 - 0.06, abs=0.08)
    assert found.max() > 0.4
    assert np.median(found) < 0.1
    assert accents(np.zeros(16_000, np.float32), times).max() == 0


def test_secondary_expression_follows_the_voice(take):
    accented = FusionSet(0, [take])
    brows = [SHAPE_NAMES.index(name) for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")]
    order = np.argsort(accented.accents[:, 0])
    quiet, stressed = order[:60], order[-10:]
    found = {}
    for name, rows in (("quiet", quiet), ("stressed", stressed)):
        part = FusionSet(1, [take])
        part.speech_frames, part.accents = part.speech_frames[rows], part.accents[rows]
        found[name] = part.speech(600).other[:, brows].mean()
    assert found["stressed"] > 2 * found["quiet"]
    sample = accented.speech(500)
    neutral = (sample.other == 0).all(axis=1).mean()
    assert 0.4 < neutral < 0.75
    assert 0.2 < sample.other.max() < 1.3


def test_expressions_have_open_closed_and_speaking_mouths_and_are_lopsided(data):
    sample = data.expressions(800)
    jaw = SHAPE_NAMES.index("jawOpen")
    open_jaw = (sample.own + sample.other)[:, jaw] > 0.1
    assert 0.2 < open_jaw.mean() < 0.8
    left, right = (sample.own[:, SHAPE_NAMES.index(f"mouthSmile{side}")] for side in ("Left", "Right"))
    both = (left > 0.1) & (right > 0.1)
    assert both.sum() > 50
    assert 0.05 < (np.abs(left - right)[both] / (left + right)[both]).mean() < 0.4


def test_some_expressions_are_florence4ds(take, space):
    florence = np.full((1, len(space.components)), 7.0, np.float32)
    licensed = FusionSet(0, [take], florence=florence)
    sample = licensed.expressions(300)
    sample = dataclasses.replace(sample, other=0 * sample.other)
    share = (licensed.coefficients(sample, space, expressions=True) == 7).all(axis=1).mean()
    assert 0.4 < share < 0.6
    assert not (licensed.coefficients(sample, space) == 7).any(), "speech has none of them"


def test_faces_come_back_from_the_spaces_coefficients(head, space):
    faces = head.arkit[[5, 17]] * np.float32(0.7)
    found = coefficients_of(faces, space, head)
    np.testing.assert_allclose(found, 0.7 * space.people[0, [5, 17]], atol=0.02)


def test_speech_is_amounts_of_its_keys(data, space):
    """Channels make what their keys make; no key is a mix of others, and no amount is negative."""
    np.testing.assert_allclose(rig_amounts() @ key_shapes(), rig_shapes(), atol=1e-6)
    assert rig_amounts().min() == 0
    assert np.linalg.matrix_rank(key_shapes() @ space.people[0]) == len(SPEECH_KEYS)
    assert new_module(3, space).dims.speech == len(SPEECH_KEYS)
    weights = data.speech_frames @ np.linalg.pinv(key_shapes())
    assert weights.min() > -1e-4


def test_in_speech_few_keys_are_on_and_none_beyond_one():
    """On every thirtieth frame of the animated takes, which tests/data keeps; on all of them where they are."""
    with np.load(ROOT / "tests" / "data" / "animated_frames.npz") as file:
        takes = [file[name].astype(np.float32) for name in TRAINING_TAKES]
    if (data_folder() / "facegood").is_dir():
        takes += [load_animated(name).channels for name in TRAINING_TAKES]
    for channels in takes:
        weights = np.nan_to_num(channels) @ rig_amounts()
        assert weights.min() >= 0
        assert np.quantile(weights, 0.999) <= 1
        assert weights.max() <= 1.15
        assert (weights > 0.1).sum(axis=1).mean() < 4
