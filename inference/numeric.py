"""Numbers alone: an even way from 0 to 1, and the similarity that takes points nearest to others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .arrays import Doubles

Float = TypeVar("Float", bound=np.floating[Any])


def smoothstep(x: NDArray[Float], low: float = 0.0, high: float = 1.0) -> NDArray[Float]:
    """0 up to `low`, 1 from `high`, and 3t^2 - 2t^3 between: what Blender draws between two keys with level handles."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t))


@dataclass(frozen=True, eq=False)
class Similarity:
    """x -> scale * rotation x + shift."""

    scale: float
    rotation: Doubles  # (3, 3)
    shift: Doubles  # (3,)

    def apply(self, points: Doubles) -> Doubles:
        """(..., 3) points moved."""
        return self.scale * points @ self.rotation.T + self.shift

    def invert(self, points: Doubles) -> Doubles:
        """(..., 3) points moved back."""
        return (points - self.shift) @ self.rotation / self.scale

    def after(self, first: Similarity) -> Similarity:
        """The similarity that applies `first`, then this one."""
        return Similarity(self.scale * first.scale, self.rotation @ first.rotation, self.apply(first.shift))

    def misses(self, source: NDArray[Any], target: NDArray[Any]) -> float:
        """How far it leaves points (n, 3) from others: the root mean square, by the size of these."""
        off = np.asarray(self.apply(source.astype(np.float64)) - target)
        return float(np.sqrt(np.mean(off**2)) / np.ptp(target, axis=0).max())


def fit_similarity(source: NDArray[Any], target: NDArray[Any], weights: Doubles | None = None) -> Similarity:
    """The least-squares similarity of pairs (n, 3) (Umeyama 1991)."""
    share = np.ones(len(source)) if weights is None else weights
    share = (share / share.sum())[:, None]
    middle, goal = (share * source).sum(axis=0), (share * target).sum(axis=0)
    centred = source - middle
    left, size, right = np.linalg.svd((share * (target - goal)).T @ centred)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = (left * sign) @ right
    scale = float((size * sign).sum() / (share * centred**2).sum())
    return Similarity(scale, rotation, goal - scale * rotation @ middle)
