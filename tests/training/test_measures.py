"""The model card's measures on curves whose answer is known."""

import numpy as np
import pytest
from duet.training.measures import jitter, lag, lip_vertex_error, pearson, upper_face_deviation

RATE = 30.0


@pytest.fixture
def wave():
    return np.random.default_rng(0).normal(size=900).cumsum()


@pytest.mark.parametrize("frames", [-5, 0, 1, 7])
def test_lag_of_a_shifted_curve(wave, frames):
    assert lag(np.roll(wave, frames), wave, RATE) == pytest.approx(frames / RATE, abs=0.2 / RATE)


def test_pearson():
    a = np.array([[0.0, 1.0, 5.0], [1.0, 0.0, 5.0], [2.0, -1.0, 5.0], [3.0, -2.0, 5.0]])
    np.testing.assert_allclose(pearson(a, np.column_stack([a[:, 0]] * 3)), [1, -1, 0])


def test_lip_vertex_error_takes_the_worst_vertex_of_each_frame():
    truth = np.zeros((2, 3, 3))
    predicted = truth.copy()
    predicted[0, 1, 2] = 0.002  # 2 mm: 4 mm²
    predicted[0, 2, 0] = 0.001
    predicted[1, 0, 1] = 0.001  # 1 mm²
    assert lip_vertex_error(predicted, truth) == pytest.approx(2.5)


def test_upper_face_deviation_is_truth_less_prediction():
    truth = np.zeros((4, 1, 3))
    truth[:, 0, 0] = [0, 0.002, 0, 0.002]
    assert upper_face_deviation(0 * truth, truth) == pytest.approx(1.0)


def test_jitter_of_a_parabola():
    t = np.arange(100) / RATE
    np.testing.assert_allclose(jitter(np.column_stack([3 * t**2, t]), RATE), [6, 0], atol=1e-6)
