"""What the lips do, in mm, from blendshape weights: each measure is linear in the vertices, so in the weights too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from .canonical import Head


@dataclass(frozen=True, eq=False)
class Mouth:
    """The measures of K blendshapes at weight 1, in mm."""

    gap_of: Floats  # (K,)
    rounding_of: Floats  # (K,)

    def gap(self, weights: Floats) -> Floats:
        """Height (T,) of the gap between the inner lips' middle third, above the neutral's; negative: pressed."""
        return weights @ self.gap_of

    def rounding(self, weights: Floats) -> Floats:
        """Rounding (T,): the narrowing of the mouth between its corners, plus how far the upper lip comes forward."""
        return weights @ self.rounding_of


def mouth_of(head: Head, shapes: Floats) -> Mouth:
    """The measures of blendshapes (K, V, 3) in metres on the Duet head."""
    regions: Mapping[str, NDArray[np.int32]] = head.regions
    upper, lower, outer = (regions[name] for name in ("inner_lip_upper", "inner_lip_lower", "outer_lips"))
    right, left = regions["mouth_corners"]
    middle = slice(len(upper) // 3, len(upper) - len(upper) // 3)
    above = outer[head.vertices[outer, 2] > head.vertices[[right, left], 2].mean()]
    gap = (shapes[:, upper[middle], 2] - shapes[:, lower[middle], 2]).mean(axis=1)
    narrowing = shapes[:, right, 0] - shapes[:, left, 0]
    forward = -shapes[:, above, 1].mean(axis=1)
    return Mouth((1000 * gap).astype(np.float32), (1000 * (narrowing + forward)).astype(np.float32))
