"""Whisper's audio encoder: its size, and the forward pass in NumPy (Radford et al. 2022).

Every layer's output is returned, because phonetic detail peaks before the last one; the speech model weighs them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .layers_numpy import attention, conv1d, gelu, layer_norm, linear

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class EncoderDims:
    """Size of the encoder; the defaults are Whisper tiny's. `context` is the most frames (50 Hz) in one window."""

    bands: int = 80
    width: int = 384
    heads: int = 6
    layers: int = 4
    context: int = 1500


class EncoderNumpy:
    """The encoder with its weights, named as in encoder_torch."""

    def __init__(self, weights: dict[str, Floats], dims: EncoderDims) -> None:
        self.weights = weights
        self.dims = dims

    def __call__(self, mel: Floats) -> Floats:
        """Features (T, layers + 1, width) at 50 Hz of a normalised log-mel window (2 T, 80) at 100 Hz."""
        w = self.weights
        x = gelu(conv1d(mel, w["conv1.weight"], w["conv1.bias"]))
        x = gelu(conv1d(x, w["conv2.weight"], w["conv2.bias"], stride=2))
        x = x + w["positions"][: len(x)]
        outputs = [x]
        for i in range(self.dims.layers):
            x = self._block(x, f"blocks.{i}.")
            outputs.append(x)
        outputs[-1] = layer_norm(x, w["norm.weight"], w["norm.bias"])
        return np.stack(outputs, axis=1)

    def _block(self, x: Floats, name: str) -> Floats:
        w = self.weights
        y = layer_norm(x, w[name + "norm1.weight"], w[name + "norm1.bias"])
        y = attention(linear(y, w[name + "qkv.weight"], w[name + "qkv.bias"]), self.dims.heads)
        x = x + linear(y, w[name + "out.weight"], w[name + "out.bias"])
        y = layer_norm(x, w[name + "norm2.weight"], w[name + "norm2.bias"])
        y = gelu(linear(y, w[name + "up.weight"], w[name + "up.bias"]))
        return x + linear(y, w[name + "down.weight"], w[name + "down.bias"])
