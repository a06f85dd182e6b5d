"""Neighbouring frames of the mouth mixed: what stays as it is, and what is less."""

import numpy as np
import pytest
from duet.inference.engine.smoothing import REACH, Smoothing

NAMES = ("jaw_open", "corner_pull", "stretch")


@pytest.fixture
def smoothed():
    return Smoothing(NAMES)


def each(column):
    """The same curve (T,) in every channel."""
    return np.repeat(np.asarray(column, np.float32)[:, None], len(NAMES), axis=1)


def test_what_moves_evenly_stays_and_a_tremble_goes(smoothed):
    ramp = each(np.linspace(0, 1, 15))
    np.testing.assert_allclose(smoothed(ramp)[REACH:-REACH], ramp[REACH:-REACH], atol=1e-6)
    trembling = each(np.where(np.arange(16) % 2, 0.6, 0.4))
    np.testing.assert_allclose(smoothed(trembling)[REACH:-REACH], 0.5, atol=1e-6)


def test_the_ends_stand_for_what_is_beyond_them(smoothed):
    found = smoothed(each([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(found[:, 0], [0.75, 0.25, 0.0])
    assert found[0, 1] > found[1, 1] > found[2, 1] > 0
    np.testing.assert_allclose(smoothed(each([0.3])), 0.3, rtol=1e-6)
    assert smoothed(each([])).shape == (0, 3)


def test_corners_jump_less_than_lips(smoothed):
    jump = np.zeros(15)
    jump[7] = 1.0
    found = smoothed(each(jump))
    assert found[:, 1].max() < 0.7 * found[:, 0].max()
    np.testing.assert_allclose(found.sum(axis=0), 1.0, rtol=1e-5)
