"""From learned blendshape weights to ARKit coefficients: bounded least squares on the head's own shapes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RIDGE = 1e-3  # of the mean squared shape: keeps shapes that fight each other small
ITERATIONS = 150

Floats = NDArray[np.float32]


class ArkitSolver:
    """Coefficients in [0, 1] whose shapes come nearest to given displacements, by accelerated projected gradient.

    FISTA (Beck and Teboulle 2009) on min |A x - d|^2 + ridge |x|^2 with x clipped to [0, 1]; all frames at once.
    """

    def __init__(self, arkit: Floats, basis: Floats) -> None:
        """`arkit` (52, V, 3) and `basis` (K, V, 3) are deltas in metres on the same head."""
        shapes = arkit.reshape(len(arkit), -1).astype(np.float64)
        self.normal = shapes @ shapes.T
        self.normal += np.eye(len(shapes)) * RIDGE * np.trace(self.normal) / len(shapes)
        self.target = basis.reshape(len(basis), -1) @ shapes.T  # (K, 52)
        self.step = 1.0 / float(np.linalg.eigvalsh(self.normal)[-1])

    def __call__(self, weights: Floats) -> Floats:
        """ARKit coefficients (T, 52) of basis weights (T, K)."""
        target = weights @ self.target
        x = np.zeros_like(target)
        y, momentum = x, 1.0
        for _ in range(ITERATIONS):
            ahead = np.clip(y - self.step * (y @ self.normal - target), 0.0, 1.0)
            grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            y = ahead + ((momentum - 1) / grown) * (ahead - x)
            x, momentum = ahead, grown
        return x.astype(np.float32)
