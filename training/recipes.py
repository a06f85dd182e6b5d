"""Recipes: what is made of named shapes, and of how much of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..inference.arrays import Floats


def rows_of(recipes: Sequence[Mapping[str, float]], names: Sequence[str]) -> Floats:
    """The recipes as a table (n, N): a row each, with the amounts of the shapes of these names."""
    table = np.zeros((len(recipes), len(names)), np.float32)
    for row, recipe in zip(table, recipes, strict=True):
        for name, amount in recipe.items():
            row[names.index(name)] = amount
    return table
