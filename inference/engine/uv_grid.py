"""The geometric mapping: displacements of a mesh as a small square image whose neighbours are neighbours on the face.

The map itself (three vertices and three weights a pixel) is made once a head topology by
training/fusion/grid_mapping.py and read from weights/fusion.safetensors; here it is only applied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats

GRID_SCALE = 200.0  # a displacement of 5 mm becomes 1, about what networks like to see


@dataclass(frozen=True, eq=False)
class Grid:
    """For every pixel of an (H, W) image the three vertices it lies between; pixels off the face have weight 0."""

    index: NDArray[np.int32]  # (H, W, 3)
    weight: Floats  # (H, W, 3)

    def image(self, displacements: Floats) -> Floats:
        """Images (N, H, W, 3) in units of 5 mm of displacements (N, V, 3) in metres."""
        corners = displacements[:, self.index]  # (N, H, W, 3 corners, 3 axes)
        return np.einsum("nhwca,hwc->nhwa", corners, self.weight * np.float32(GRID_SCALE)).astype(np.float32)
