"""FACS units and the named expressions written in them."""

import re

import pytest
from duet.inference.errors import DuetError
from duet.inference.head.canonical import ARKIT_NAMES
from duet.inference.take import EMOTIONS
from duet.tests.places import ROOT
from duet.training.fusion.facs import shapes_of
from duet.training.fusion.named_expressions import NAMED


def test_units_become_shapes():
    assert shapes_of("12 + 1:0.5") == {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "browInnerUp": 0.5}
    assert shapes_of("14L:0.4 + 30R") == {"mouthDimpleLeft": 0.4, "jawRight": 1.0}


def test_units_that_share_a_shape_add_up():
    assert shapes_of("9R + 4R")["browDownRight"] == pytest.approx(1.15)


@pytest.mark.parametrize("term", ["99", "1L", "30", "smile", "12:x", ""])
def test_what_is_no_unit_is_named(term):
    with pytest.raises(DuetError, match=f"'{term}' is no action unit"):
        shapes_of(term)


def test_there_are_seventy_expressions_that_the_head_can_make():
    assert len(NAMED) >= 70
    for name, recipe in NAMED.items():
        assert set(recipe) <= set(ARKIT_NAMES), name
        assert 0 < max(recipe.values()) <= 1.5, name
    assert len({tuple(sorted(recipe.items())) for recipe in NAMED.values()}) == len(NAMED)


def test_the_manual_lists_every_expression_of_the_library():
    page = (ROOT / "docs" / "expressions.md").read_text(encoding="utf-8")
    listed = [name for line in page.splitlines() if line.startswith("| ") for name in re.findall(r"`(\w+)`", line)]
    assert sorted(listed) == sorted(set(NAMED) - set(EMOTIONS))
