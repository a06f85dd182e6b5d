"""Correctives: shapes that a face needs where two keys are on at once, or one is on its way, which no sum can give.

Blender computes their values by drivers, everything else by `values_of`; both know the same products.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Floats
from .canonical import ARKIT_NAMES


@dataclass(frozen=True)
class Corrective:
    """A shape key and the two keys it follows; the same key twice where it is needed between that key's ends.

    Names are those of shape keys: of learned blendshapes, or of ARKit's. A product that is within `unseen` of 0 is 0:
    Blender is spared the vertices of a key that is 0.
    """

    name: str
    first: str
    second: str
    unseen: float = 0.0

    @property
    def is_between(self) -> bool:
        """Whether it is on halfway along one key: value * (1 - value), a quarter at most."""
        return self.first == self.second

    @property
    def is_of_life(self) -> bool:
        """Whether it follows a key of ARKit's, which life moves, and not what is spoken."""
        return self.first in ARKIT_NAMES

    @property
    def expression(self) -> str:
        """Of its driver: `a` and `b` are the two keys' values."""
        if self.is_between:
            return f"a*(1-a) if a*(1-a)>{self.unseen} else 0"
        return f"a*b if abs(a*b)>{self.unseen} else 0" if self.unseen else "a*b"

    def value(self, first: Floats, second: Floats) -> Floats:
        """Of the two keys' values, the same shape."""
        if self.is_between:
            between = first * (1 - first)
            return np.where(between > self.unseen, between, np.float32(0))
        return np.where(np.abs(first * second) > self.unseen, first * second, np.float32(0))


@dataclass(frozen=True)
class LidCorrective:
    """A shape by which lids let go of what is felt while they shut: a blink shuts an eye, whatever the emotion.

    `weights` are by how much each expression key at 1, by name, needs the shape. The product is with `SHUTTING` of the
    blink: a lid that is wide open has let go before it comes over the eye's front. Heads mix the shapes to one of each
    emotion and blink, which a driver turns on.
    """

    name: str
    blink: str  # ARKit's name
    weights: Mapping[str, float]

    def value(self, columns: Mapping[str, Floats], rest: Floats) -> Floats:
        """(T,) of the keys' values (T,); what is missing rests."""
        felt = sum((np.float32(w) * columns.get(key, rest) for key, w in self.weights.items()), rest)
        return felt * shutting(columns.get(self.blink, rest))


SHUTTING = "a*b*(3-3*b+b*b)"  # a: an emotion's key, b: a blink


def shutting(blink: Floats) -> Floats:
    """How far a lid has let go of what is felt, of a blink: 1 - (1 - b)³."""
    return blink * (3 - 3 * blink + blink * blink)


def values_of(correctives: Iterable[Corrective | LidCorrective], names: Sequence[str], weights: Floats) -> Floats:
    """Values (T, C) that follow from weights (T, K) of the named keys; a key that is not among them rests."""
    columns = dict(zip(names, weights.T, strict=True))
    rest = np.zeros(len(weights), np.float32)
    found = [
        each.value(columns, rest)
        if isinstance(each, LidCorrective)
        else each.value(columns.get(each.first, rest), columns.get(each.second, rest))
        for each in correctives
    ]
    return np.stack(found, axis=1).astype(np.float32) if found else np.zeros((len(weights), 0), np.float32)
