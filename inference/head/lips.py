"""Pairs of points of the two lips, and how far shapes part them: a closed mouth is seen before all else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats, Numbers
from .canonical import Head


@dataclass(frozen=True, eq=False)
class Lips:
    """P pairs of vertices of a mesh that meet where the mouth is closed, and the way from the lower to the upper."""

    upper: NDArray[np.integer]
    lower: NDArray[np.integer]
    up: Floats  # (3,), of length 1, in the mesh's axes

    def parted(self, deltas: Numbers) -> Numbers:
        """How far shapes (N, V, 3) part the pairs at 1: (N, P), in the unit of the deltas."""
        return np.asarray((deltas[:, self.upper] - deltas[:, self.lower]) @ self.up)


def lips_of(head: Head) -> Lips:
    """The inner lips of the canonical head."""
    return Lips(head.regions["inner_lip_upper"], head.regions["inner_lip_lower"], np.array([0, 0, 1], np.float32))
