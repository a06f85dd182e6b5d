"""Correctives: what they are worth, and that Blender's drivers say the same."""

from dataclasses import replace

import numpy as np
import pytest
from duet.inference.head.correctives import Corrective, values_of

pytestmark = pytest.mark.slow

BOTH, BETWEEN = Corrective("Corrective both", "Press", "Roll"), Corrective("Corrective half", "Blink", "Blink")
SEEN = replace(BOTH, unseen=0.1)


def test_a_product_is_on_where_both_keys_are():
    weights = np.array([[0.0, 0.8], [0.5, 0.8], [1.5, 1.5]], np.float32)
    np.testing.assert_allclose(values_of([BOTH], ("Press", "Roll"), weights)[:, 0], [0, 0.4, 2.25])


def test_a_product_that_nobody_sees_is_exactly_0():
    weights = np.array([[0.3, 0.3], [-0.3, 0.3], [-0.5, 0.5]], np.float32)
    np.testing.assert_allclose(values_of([SEEN], ("Press", "Roll"), weights)[:, 0], [0, 0, -0.25])


def test_what_is_between_rests_at_both_ends():
    blink = np.array([[0.0], [0.25], [0.5], [1.0], [1.2], [-0.5]], np.float32)
    np.testing.assert_allclose(values_of([BETWEEN], ("Blink",), blink)[:, 0], [0, 0.1875, 0.25, 0, 0, 0], atol=1e-7)


def test_a_key_that_is_not_there_rests():
    assert not values_of([BOTH, BETWEEN], ("Press",), np.ones((3, 1), np.float32)).any()
    assert values_of([], ("Press",), np.ones((3, 1), np.float32)).shape == (3, 0)


@pytest.mark.parametrize("corrective", [BOTH, BETWEEN, SEEN])
def test_the_drivers_expression_says_the_same(corrective):
    for a, b in np.random.default_rng(0).uniform(-0.5, 1.6, (50, 2)):
        b = a if corrective.is_between else b
        due = corrective.value(np.array([a]), np.array([b]))[0]
        assert eval(corrective.expression, {"max": max, "abs": abs}, {"a": a, "b": b}) == pytest.approx(due)
