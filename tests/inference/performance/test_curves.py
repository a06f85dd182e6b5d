"""Curves, emotion keys and sample rates against known answers and invariants."""

import numpy as np
import pytest
from duet.inference.audio.rate import convert_rate
from duet.inference.performance.curves import needed_keys, sample, smooth, splice, thin, thinning_error
from duet.inference.performance.timeline import PRESETS, Cue, curves_at, eased_keys, in_order
from duet.inference.steps import finish
from duet.inference.take import EMOTIONS, MAX_INTENSITY, MIX_LIMIT, within_limit
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.embedded
FEELINGS = ("happy", "sad", "angry")


def test_smoothing_keeps_level_and_sum_and_lowers_peaks():
    curves = np.zeros((101, 2), np.float32)
    curves[50, 0], curves[:, 1] = 1.0, 0.4
    result = smooth(curves, 3.0)
    assert result[:, 0].sum() == pytest.approx(1, abs=1e-5)
    assert result[50, 0] == pytest.approx(1 / (3 * np.sqrt(2 * np.pi)), rel=0.01)  # a Gaussian's peak
    assert np.allclose(result[:, 1], 0.4, atol=1e-6)
    assert smooth(curves, 0.0) is curves


def test_sampling_between_and_beyond():
    ramp = np.arange(5, dtype=np.float32)[:, None]
    assert sample(ramp, 10.0, np.array([-1, 0, 0.05, 0.4, 9])).ravel() == pytest.approx([0, 0, 0.5, 4, 4])


@given(st.integers(0, 39), st.integers(0, 39), st.integers(0, 10))
def test_a_splice_is_new_inside_old_far_away_and_between_elsewhere(first, last, border):
    first, last = sorted((first, last))
    old, new = np.zeros((40, 1), np.float32), np.ones((40, 1), np.float32)
    result = splice(old, new, first, last, border)[:, 0]
    assert (result[first : last + 1] == 1).all()
    assert (result[: max(0, first - border)] == 0).all()
    assert (result[last + border + 1 :] == 0).all()
    assert (np.diff(result[: first + 1]) >= 0).all()
    assert (np.diff(result[last:]) <= 0).all()


@given(st.integers(0, 1000), st.floats(0.005, 1.0))
def test_thinned_keys_keep_every_vertex_within_the_tolerance(seed, tolerance):
    rng = np.random.default_rng(seed)
    curves = smooth(rng.normal(0, 1, (120, 4)).astype(np.float32), 4.0)
    reach = np.array([14.0, 5.0, 0.5, 0.0])
    keys = finish(thin(curves, reach, tolerance))
    at, face = np.arange(120), np.zeros(120)
    for n in range(4):
        assert {0, 119} <= set(keys[n])
        face += np.abs(np.interp(at, keys[n], curves[keys[n], n]) - curves[:, n]) * reach[n]
    assert face.max() <= tolerance * 1.0001
    assert thinning_error(curves, reach, keys) == pytest.approx(face.max())
    assert len(keys[3]) == 2  # moves nothing


def douglas_peucker(values, first, last, tolerance):
    """As Ramer (1972) and Douglas and Peucker (1973) have it."""
    error = np.abs(values[first : last + 1] - np.linspace(values[first], values[last], last - first + 1))
    if error.max() <= tolerance:
        return {first, last}
    middle = first + int(error.argmax())
    return douglas_peucker(values, first, middle, tolerance) | douglas_peucker(values, middle, last, tolerance)


@given(st.integers(0, 1000), st.floats(0.01, 2.0))
def test_needed_keys_are_those_of_douglas_and_peucker(seed, tolerance):
    values = smooth(np.random.default_rng(seed).normal(0, 2, (90, 1)).astype(np.float32), 2.0)[:, 0].astype(float)
    assert set(needed_keys(values, tolerance)) == douglas_peucker(values, 0, 89, tolerance)
    assert list(needed_keys(values[:1], tolerance)) == [0]


def test_a_looser_tolerance_needs_fewer_keys():
    curves = smooth(np.random.default_rng(1).normal(0, 1, (400, 3)).astype(np.float32), 3.0)
    counts = [sum(map(len, finish(thin(curves, np.array([10.0, 5, 2]), t)))) for t in (0.01, 0.1, 1.0)]
    assert counts[0] > 1.5 * counts[1] > 2 * counts[2]


def test_straight_lines_need_two_keys():
    assert list(needed_keys(np.linspace(0, 1, 200), 1e-3)) == [0, 199]


# Emotions


def test_sad_from_two_seconds_angry_from_five_and_a_half():
    cues = [Cue(0, {"happy": 0.6}), Cue(2.0, {"sad": 0.8}, 0.5), Cue(5.5, {"angry": 1.0}, 1.0)]
    times, values = eased_keys(cues, FEELINGS)
    assert times.tolist() == [0, 2, 2.5, 5.5, 6.5]
    got = curves_at(times, values, np.array([0, 1.9, 2.25, 2.5, 5.5, 6.0, 9.0]))
    due = [[0.6, 0, 0], [0.6, 0, 0], [0.3, 0.4, 0], [0, 0.8, 0], [0, 0.8, 0], [0, 0.4, 0.5], [0, 0, 1]]
    assert np.allclose(got, due, atol=1e-6)


def test_a_cue_within_a_transition_starts_from_the_face_as_it_is():
    times, values = eased_keys([Cue(0), Cue(1.0, {"happy": 1.0}, 1.0), Cue(1.5, {"sad": 1.0}, 0.5)], FEELINGS)
    assert times.tolist() == [0, 1, 1.5, 2.0]
    assert np.allclose(values, [[0, 0, 0], [0, 0, 0], [0.5, 0, 0], [0, 1, 0]])


def test_cues_of_one_moment_are_a_mix_in_any_order():
    cues = [Cue(3, {"sad": 0.2}), Cue(1, {"happy": 0.3}), Cue(1, {"angry": 0.5}, 0.8)]
    assert in_order(cues) == [Cue(1, {"happy": 0.3, "angry": 0.5}, 0.8), Cue(3, {"sad": 0.2})]


CUES = st.builds(
    Cue,
    st.floats(0, 9),
    st.dictionaries(st.sampled_from(FEELINGS), st.floats(0, MAX_INTENSITY)),
    st.floats(0.04, 3),
)


@given(st.lists(CUES, max_size=6))
def test_transitions_are_continuous_within_the_limit_and_in_order(cues):
    times, values = eased_keys(cues, FEELINGS)
    assert (np.diff(times) > 0).all()
    curve = curves_at(times, values, np.arange(0, 14, 0.001))
    assert curve.min() >= 0
    assert curve.sum(axis=1).max() <= MIX_LIMIT + 1e-4
    steepest = 1.5 * MAX_INTENSITY / max(0.001, np.diff(times).min(initial=9.0))
    assert np.abs(np.diff(curve, axis=0)).max(initial=0) <= steepest * 0.0011 + 1e-3


def test_a_mix_beyond_the_limit_keeps_its_proportions():
    assert np.allclose(within_limit(np.array([2.0, 1.0]), 1.5), [1.0, 0.5])
    assert np.allclose(within_limit(np.array([0.4, 0.2]), 1.5), [0.4, 0.2])


def test_presets_are_mixes_of_emotions_within_the_limit():
    for mix in PRESETS.values():
        assert set(mix) <= set(EMOTIONS)
        assert sum(mix.values()) <= MIX_LIMIT


# Sample rates


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_a_tone_keeps_its_pitch_and_height(rate):
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32)
    result = convert_rate(tone, rate, 16000)
    due = np.sin(2 * np.pi * 440 * np.arange(len(result)) / 16000)
    assert len(result) == 16000
    assert np.abs(result - due)[400:-400].max() < 2e-3


def test_short_and_empty_sounds_are_converted():
    assert len(convert_rate(np.ones(100, np.float32), 44100, 16000)) == 37
    assert len(convert_rate(np.zeros(0, np.float32), 44100, 16000)) == 0
    assert np.allclose(convert_rate(np.full(5000, 0.5, np.float32), 44100, 16000), 0.5, atol=1e-3)
