"""Correctives: shapes that a face needs where two keys are on at once, or one is on its way, which no sum can give.

Blender computes their values by drivers, everything else by `values_of`; both know the same two products.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Floats


@dataclass(frozen=True)
class Corrective:
    """A shape key and the two keys it follows; the same key twice where it is needed between that key's ends.

    Names are those of shape keys: of learned blendshapes, or of ARKit's.
    """

    name: str
    first: str
    second: str

    @property
    def is_between(self) -> bool:
        """Whether it is on halfway along one key: value * (1 - value), a quarter at most."""
        return self.first == self.second

    @property
    def expression(self) -> str:
        """Of its driver: `a` and `b` are the two keys' values."""
        return "max(a*(1-a),0)" if self.is_between else "a*b"

    def value(self, first: Floats, second: Floats) -> Floats:
        """Of the two keys' values, the same shape."""
        return np.maximum(first * (1 - first), 0) if self.is_between else first * second


def values_of(correctives: Iterable[Corrective], names: Sequence[str], weights: Floats) -> Floats:
    """Values (T, C) that follow from weights (T, K) of the named keys; a key that is not among them rests."""
    columns = dict(zip(names, weights.T, strict=True))
    rest = np.zeros(len(weights), np.float32)
    found = [each.value(columns.get(each.first, rest), columns.get(each.second, rest)) for each in correctives]
    return np.stack(found, axis=1).astype(np.float32) if found else np.zeros((len(weights), 0), np.float32)
