"""The speech model: its size, and the forward pass in NumPy.

A weighted mix of the encoder's layers, then a stack of dilated convolutions over time (van den Oord et al. 2016,
"WaveNet", without its causality): each frame of the mouth is told from the sound around it alone, so a recording of any
length is computed in windows. Context beyond a third of a second is the encoder's business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Floats
from .layers_numpy import conv1d, gelu, laid_out, linear, softmax
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

    def __call__(self, features: Floats, style: int, team: Team | None = None) -> Floats:
        """Rig channels (T, channels) of encoder features (T, encoder_layers, encoder_width) in a speaking style.

        `team` computes them, where it is not the model's own.
        """
        w, team = self.weights, team or self._team
        shares = softmax(w["layer_mix"])
        x = np.empty((len(features), features.shape[2]), np.float32)

        def mix(rows: slice) -> None:
            """The layers, normed, then mixed; scale and shift of the norm are the same for all, so they come last."""
            some = features[rows]
            mean = some.mean(axis=2)
            spread = np.einsum("tlw,tlw->tl", some, some) / np.float32(some.shape[2]) - mean**2
            amounts = shares / np.sqrt(np.maximum(spread, 0.0) + np.float32(1e-5))
            x[rows] = np.einsum("tlw,tl->tw", some, amounts) - (amounts * mean).sum(axis=1, keepdims=True)
            x[rows] *= w["norm_in.weight"]
            x[rows] += w["norm_in.bias"]

        team.rows(mix, len(x))
        x = conv1d(x, w["conv_in.weight"], w["conv_in.bias"] + w["style"][style], team, after=gelu)
        for i, dilation in enumerate(self.dims.dilations):
            name = f"convs.{i}."
            x += conv1d(x, w[name + "weight"], w[name + "bias"], team, dilation=dilation, after=gelu)
        return linear(x, w["out.weight"], w["out.bias"])
