"""Rest where a recording is silent, on levels made up for the purpose."""

import numpy as np
import pytest
from duet.inference.audio.mel import frame_levels, loud_level
from duet.inference.engine.silence_gate import EASE, NEAR, liveliness


def levels(*stretches):
    """Log10 power at 100 Hz of (seconds, dB) one after another."""
    return np.concatenate([np.full(int(100 * seconds), decibels / 10, np.float32) for seconds, decibels in stretches])


def test_the_face_is_free_near_speech_and_rests_in_silence():
    found = liveliness(levels((1, -60), (1, 0), (1, -60)), 0.0)
    assert found.shape == (150,)
    assert (found[50:100] == 1).all(), "all of the speech"
    assert (found[50 - NEAR + EASE : 50] == 1).all(), "lips move before the sound"
    assert (found[: 50 - NEAR - EASE] == 0).all()
    assert (found[100 + NEAR + EASE :] == 0).all()
    assert np.abs(np.diff(found)).max() <= 1 / (2 * EASE + 1) + 1e-6, "without a jump"


def test_a_stops_silence_is_no_pause():
    assert (liveliness(levels((1, 0), (0.15, -80), (1, 0)), 0.0)[EASE:-EASE] == 1).all()


@pytest.mark.parametrize("decibels", [-25, -30])
def test_weak_sounds_move_the_face(decibels):
    assert (liveliness(levels((1, decibels)), 0.0)[EASE:-EASE] == 1).all()


def test_ends_are_at_rest_even_where_they_are_loud():
    found = liveliness(levels((1, 0)), 0.0)
    assert found[0] == found[-1] == 0
    assert found[EASE] == found[-1 - EASE] == 1


@pytest.mark.parametrize("count", [0, 1, 2, 3, 9])
def test_shortest_recordings(count):
    assert len(liveliness(np.zeros(count, np.float32), 0.0)) == max(1, count // 2)


def test_the_recordings_own_level_does_not_count(recording):
    quiet = recording * np.float32(0.01)
    a, b = (liveliness(frame_levels(s), loud_level(s)) for s in (recording, quiet))
    np.testing.assert_allclose(a, b, atol=0.01)
    assert 0.5 < a.mean() < 1
