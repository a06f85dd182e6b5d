"""Silence: 1 away from speech, 0 wherever speech moves the face, smooth between."""

import numpy as np
import pytest
from duet.inference.performance.silence import EASE, kept_from_speech, silence_around, with_surroundings
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.embedded


def moving(*stretches):
    """Frames that rest and move by turns, as numbers of frames."""
    return np.concatenate([np.full(count, bool(row % 2)) for row, count in enumerate(stretches)])


@pytest.mark.parametrize("rate", [24.0, 50.0, 120.0])
def test_it_opens_after_speech_and_closes_before_it(rate):
    second = round(rate)
    found = silence_around(moving(2 * second, second, 2 * second), rate)
    assert (found[2 * second - 1 : 3 * second + 1] == 0).all(), "speech, and the frame on either side"
    assert (np.diff(found[: 2 * second]) <= 0).all()
    assert (np.diff(found[3 * second :]) >= 0).all()
    reach = int(np.ceil(EASE * rate)) + 2
    assert (found[: 2 * second - reach] == 1).all()
    assert (found[3 * second + reach :] == 1).all()
    half = 3 * second + round(EASE * rate / 2) + 1
    assert found[half] == pytest.approx(0.5, abs=3 / (EASE * rate))


def test_a_short_pause_hardly_opens_the_mouth():
    assert silence_around(moving(0, 50, 10, 50), 50.0).max() < 0.15


def test_where_nothing_moves_all_is_silent():
    np.testing.assert_array_equal(silence_around(np.zeros(7, bool), 24.0), 1)
    np.testing.assert_array_equal(silence_around(np.ones(7, bool), 24.0), 0)
    assert silence_around(np.zeros(0, bool), 24.0).shape == (0,)


@given(st.lists(st.sampled_from([0.0, 0.0, 0.0, 2e-4, -0.3, 1.0]), min_size=1, max_size=90))
def test_no_frame_that_speaks_and_no_frame_beside_it_is_silent(values):
    weights = np.zeros((len(values), 3), np.float32)
    weights[:, 1] = values
    found = kept_from_speech(np.ones(len(values), np.float32), weights, 24.0)
    speaks = np.array(values) != 0
    beside = speaks | np.append(speaks[1:], False) | np.append(False, speaks[:-1])
    assert (found[beside] == 0).all()
    assert ((found > 0) == ~beside).all()


def test_nobody_speaks_before_and_after():
    weights, silence = np.zeros((20, 2), np.float32), np.zeros(20, np.float32)
    weights[1:19] = 0.4
    found, count = with_surroundings(silence, weights, 24.0)
    assert len(found) == 20 + 2 * count
    assert (found[[0, -1]] == 1).all()
    assert (found[count - 1 : -count + 1] == 0).all()
    assert (np.diff(found[:count]) <= 0).all()
    assert (np.diff(found[-count:]) >= 0).all()
    weights[19] = 0.1  # which Blender holds
    found, count = with_surroundings(silence, weights, 24.0)
    assert found[0] == 1
    assert (found[count:] == 0).all()


def test_speech_takes_silence_away_and_never_adds_any():
    silence = np.linspace(0, 1, 40, dtype=np.float32)
    np.testing.assert_array_equal(kept_from_speech(silence, np.zeros((40, 2), np.float32), 24.0), silence)
