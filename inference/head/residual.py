"""How far a fit is from what it was to match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOVING = 1e-4  # metres: vertices that go less far are not counted


@dataclass(frozen=True)
class Residual:
    """Distances in mm over all frames, at the vertices that move."""

    mean: float
    median: float
    percentile95: float
    worst: float

    @classmethod
    def of(cls, metres: NDArray[np.floating[Any]]) -> Residual:
        """Of distances in metres, of any shape; none at all is no residual."""
        if not metres.size:
            return cls(0.0, 0.0, 0.0, 0.0)
        mm = metres.ravel() * 1000
        return cls(float(mm.mean()), float(np.median(mm)), float(np.percentile(mm, 95)), float(mm.max()))

    def __str__(self) -> str:
        return f"mean {self.mean:.2f} mm, median {self.median:.2f} mm, 95 % under {self.percentile95:.2f} mm"


def moving(weights: NDArray[np.floating[Any]], basis: NDArray[np.floating[Any]]) -> NDArray[np.intp]:
    """The vertices that weights (T, K) of a basis (K, V, 3) move at all, by each blendshape's largest alone."""
    reach = np.abs(np.asarray(weights)).max(axis=0, initial=0.0)
    return np.flatnonzero((np.abs(basis).max(axis=2) * reach[:, None]).max(axis=0) > MOVING)
