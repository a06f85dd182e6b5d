"""The deformation fusion module's two encoders: their size, and the forward pass in NumPy.

After Mao et al. 2025 (arXiv 2510.25234): each CNN reads the displacement image and gives one domain's weights, w_A
for speech and w_E for expression; the decoder is linear, so its columns are the learned blendshapes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Floats
from .layers_numpy import conv2d, leaky_relu, linear

BATCH = 64  # images a pass, so that memory does not grow with the recording


@dataclass(frozen=True)
class FusionDims:
    """Size of the module: the image's side, the CNN's widths, the number of blendshapes of each domain."""

    speech: int
    expression: int
    side: int = 64
    widths: tuple[int, ...] = (16, 24, 32, 48)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one displacement image."""
        return self.side, self.side, 3


class FusionEncoderNumpy:
    """One of the two encoders, with its weights under the names of fusion_torch.FusionEncoder."""

    def __init__(self, weights: dict[str, Floats], dims: FusionDims) -> None:
        self.weights = weights
        self.dims = dims

    def __call__(self, images: Floats) -> Floats:
        """Blendshape weights (N, K) of displacement images (N, side, side, 3)."""
        return np.concatenate([self._batch(images[i : i + BATCH]) for i in range(0, len(images), BATCH)])

    def _batch(self, images: Floats) -> Floats:
        w = self.weights
        flat = images.reshape(len(images), -1)
        read = linear(flat, w["skip.weight"])
        x = (flat - read @ w["known"]).reshape(images.shape)
        for i in range(len(self.dims.widths)):
            x = leaky_relu(conv2d(x, w[f"convs.{i}.weight"], stride=2))
        return read + linear(x.reshape(len(x), -1), w["out.weight"])
