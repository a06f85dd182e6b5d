"""Neighbouring frames of the mouth mixed: what stays as it is, and what is less."""

import numpy as np
from duet.inference.engine.smoothing import smoothed


def test_what_moves_evenly_stays_and_a_tremble_goes():
    ramp = np.linspace(0, 1, 11, dtype=np.float32)[:, None]
    np.testing.assert_allclose(smoothed(ramp)[1:-1], ramp[1:-1], atol=1e-6)
    trembling = np.where(np.arange(12) % 2, 0.6, 0.4).astype(np.float32)[:, None]
    np.testing.assert_allclose(smoothed(trembling)[1:-1], 0.5, atol=1e-6)


def test_the_ends_stand_for_what_is_beyond_them():
    channels = np.array([[1.0], [0.0], [0.0]], np.float32)
    np.testing.assert_allclose(smoothed(channels)[:, 0], [0.75, 0.25, 0.0])
    assert smoothed(channels[:1]) == channels[:1]
