"""The speech model: its size, and the forward pass in NumPy.

A weighted mix of the encoder's layers, then a stack of dilated convolutions over time (van den Oord et al. 2016,
"WaveNet", without its causality): each frame of the mouth is told from the sound around it alone, so a recording of any
length is computed in windows. Context beyond a third of a second is the encoder's business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .layers_numpy import conv1d, gelu, layer_norm, linear, softmax

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SpeechDims:
    """Size of the speech model. Frames are the encoder's, 50 a second."""

    channels: int
    styles: int
    encoder_layers: int = 5
    encoder_width: int = 384
    width: int = 160
    dilations: tuple[int, ...] = (1, 2, 4)

    @property
    def reach(self) -> int:
        """Frames to either side that a frame is told from."""
        return 1 + 2 * sum(self.dilations)


class SpeechNumpy:
    """The speech model with its weights, named as in speech_torch."""

    def __init__(self, weights: dict[str, Floats], dims: SpeechDims) -> None:
        self.weights = weights
        self.dims = dims

    def __call__(self, features: Floats, style: int) -> Floats:
        """Rig channels (T, channels) of encoder features (T, encoder_layers, encoder_width) in a speaking style."""
        w = self.weights
        x = layer_norm(features, w["norm_in.weight"], w["norm_in.bias"])
        x = np.tensordot(x, softmax(w["layer_mix"]), axes=(1, 0))
        x = gelu(conv1d(x, w["conv_in.weight"], w["conv_in.bias"]) + w["style"][style])
        for i, dilation in enumerate(self.dims.dilations):
            x = x + gelu(conv1d(x, w[f"convs.{i}.weight"], w[f"convs.{i}.bias"], dilation=dilation))
        return linear(x, w["out.weight"], w["out.bias"])
