"""Curves on the scene's frames."""

import numpy as np
import pytest
from duet.inference.engine.resample import frame_count, resample
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("fps", [23.976, 24, 25, 29.97, 30, 50, 60, 120])
def test_a_slow_wave_is_followed_to_the_end_of_ten_minutes(fps):
    seconds = 600
    times = np.arange(seconds * 50) / 50
    curves = np.sin(2 * np.pi * times)[:, None].astype(np.float32)
    frames = frame_count(seconds, fps)
    wanted = np.arange(frames) / fps
    inside = (wanted >= times[1]) & (wanted <= times[-2])  # at the very ends the slope is not known
    result = resample(curves, 50, fps, frames)[inside, 0]
    np.testing.assert_allclose(result, np.sin(2 * np.pi * wanted[inside]), atol=1e-3)


def test_known_frames_are_kept():
    curves = np.random.default_rng(1).normal(size=(20, 2)).astype(np.float32)
    np.testing.assert_allclose(resample(curves, 50, 50, 20), curves, atol=1e-6)


@given(st.integers(1, 100), st.floats(1, 240))
def test_any_length_and_rate_is_finite(count, fps):
    curves = np.ones((count, 1), np.float32)
    np.testing.assert_allclose(resample(curves, 50, fps, frame_count(count / 50, fps)), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("duration", "fps", "frames"), [(1.0, 30, 30), (1.01, 30, 31), (0.001, 24, 1), (10, 23.976, 240)]
)
def test_frame_count(duration, fps, frames):
    assert frame_count(duration, fps) == frames
