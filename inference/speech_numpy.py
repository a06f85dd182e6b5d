"""The speech model: its size, and the forward pass in NumPy.

After FaceFormer (Fan et al. 2022): periodic positional encoding and attention biased to nearby frames, but in one
parallel pass. Attention sees `reach` frames either way, so that a recording of any length is computed in windows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .layers_numpy import attention, conv1d, gelu, layer_norm, linear, softmax

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SpeechDims:
    """Size of the speech model. Frames are the encoder's, 50 a second."""

    channels: int
    styles: int
    encoder_layers: int = 5
    encoder_width: int = 384
    width: int = 192
    heads: int = 4
    layers: int = 3
    period: int = 25
    reach: int = 24


def periodic_positions(start: int, frames: int, dims: SpeechDims) -> Floats:
    """FaceFormer's periodic positional encoding (eq. 3) of frames start to start + frames: (frames, width)."""
    position = ((start + np.arange(frames)) % dims.period)[:, None]
    rate = np.exp(np.arange(0, dims.width, 2) * (-np.log(10_000.0) / dims.width))
    table = np.empty((frames, dims.width), np.float32)
    table[:, 0::2], table[:, 1::2] = np.sin(position * rate), np.cos(position * rate)
    return table


def attention_bias(frames: int, dims: SpeechDims) -> Floats:
    """Bias (heads, frames, frames): a slope a head down to either side (Press et al. 2022), closed beyond reach."""
    distance = np.abs(np.subtract.outer(np.arange(frames), np.arange(frames)))
    slopes = 2.0 ** (-4.0 * np.arange(1, dims.heads + 1) / dims.heads)
    bias = -slopes[:, None, None] * distance
    return np.where(distance <= dims.reach, bias, -1e9).astype(np.float32)


class SpeechNumpy:
    """The speech model with its weights, named as in speech_torch."""

    def __init__(self, weights: dict[str, Floats], dims: SpeechDims) -> None:
        self.weights = weights
        self.dims = dims

    def __call__(self, features: Floats, style: int, start: int) -> Floats:
        """Rig channels (T, channels) of encoder features (T, encoder_layers, encoder_width).

        `style` is the index of the speaking style and `start` the window's first frame in the recording.
        """
        w, dims = self.weights, self.dims
        mix = softmax(w["layer_mix"])
        x = layer_norm(features, w["norm_in.weight"], w["norm_in.bias"])
        x = np.tensordot(x, mix, axes=(1, 0))
        x = gelu(conv1d(x, w["conv_in.weight"], w["conv_in.bias"]))
        x = x + periodic_positions(start, len(x), dims) + w["style"][style]
        bias = attention_bias(len(x), dims)
        for i in range(dims.layers):
            x = self._block(x, f"blocks.{i}.", bias)
        x = layer_norm(x, w["norm_out.weight"], w["norm_out.bias"])
        return linear(x, w["out.weight"], w["out.bias"])

    def _block(self, x: Floats, name: str, bias: Floats) -> Floats:
        w = self.weights
        y = layer_norm(x, w[name + "norm1.weight"], w[name + "norm1.bias"])
        y = attention(linear(y, w[name + "qkv.weight"], w[name + "qkv.bias"]), self.dims.heads, bias)
        x = x + linear(y, w[name + "mix.weight"], w[name + "mix.bias"])
        y = layer_norm(x, w[name + "norm2.weight"], w[name + "norm2.bias"])
        y = gelu(linear(y, w[name + "up.weight"], w[name + "up.bias"]))
        return x + linear(y, w[name + "down.weight"], w[name + "down.bias"])
