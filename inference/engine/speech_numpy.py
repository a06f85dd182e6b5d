"""The speech model: its size, and the forward pass in NumPy.

A weighted mix of the encoder's layers, then a stack of dilated convolutions over time (van den Oord et al. 2016,
"WaveNet", without its causality): each frame of the mouth is told from the sound around it alone, so a recording of any
length is computed in windows. Context beyond a third of a second is the encoder's business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Floats
from .layers_numpy import conv1d, gelu, laid_out, layer_norm, linear, softmax
from .threads import Team


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

    def __init__(self, weights: dict[str, Floats], dims: SpeechDims, team: Team) -> None:
        self.weights = laid_out(weights)
        self.dims = dims
        self._team = team

    def __call__(self, features: Floats, style: int) -> Floats:
        """Rig channels (T, channels) of encoder features (T, encoder_layers, encoder_width) in a speaking style."""
        w = self.weights
        shares = softmax(w["layer_mix"])
        x = np.empty((len(features), features.shape[2]), np.float32)

        def mix(rows: slice) -> None:
            x[rows] = np.einsum("tlw,l->tw", layer_norm(features[rows], w["norm_in.weight"], w["norm_in.bias"]), shares)

        self._team.rows(mix, len(x))
        x = conv1d(x, w["conv_in.weight"], w["conv_in.bias"] + w["style"][style], self._team, after=gelu)
        for i, dilation in enumerate(self.dims.dilations):
            name = f"convs.{i}."
            x += conv1d(x, w[name + "weight"], w[name + "bias"], self._team, dilation=dilation, after=gelu)
        return linear(x, w["out.weight"], w["out.bias"])
