"""Whisper's audio encoder: its size, and the forward pass in NumPy (Radford et al. 2022).

Every layer's output is returned, because phonetic detail peaks before the last one; the speech model weighs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..arrays import Floats
from .layers_numpy import attend, conv1d, gelu, laid_out, layer_norm, linear
from .threads import Team


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

    def __init__(self, weights: dict[str, Floats], dims: EncoderDims, team: Team) -> None:
        self.weights = laid_out(weights)
        self.dims = dims
        self._team = team

    def __call__(self, mel: Floats, rows: slice = slice(None), team: Team | None = None) -> Floats:
        """Features (T, layers + 1, width) at 50 Hz of a normalised log-mel window (2 T, 80) at 100 Hz.

        With `rows`, features of those frames alone: all are heard, but the last layer is not computed for the others.
        `team` computes it, where it is not the encoder's own.
        """
        w, team = self.weights, team or self._team
        x = conv1d(mel, w["conv1.weight"], w["conv1.bias"], team, after=gelu)
        x = conv1d(x, w["conv2.weight"], w["conv2.bias"], team, stride=2, after=gelu)
        x += w["positions"][: len(x)]
        outputs = np.empty((len(x[rows]), self.dims.layers + 1, self.dims.width), np.float32)
        outputs[:, 0] = x[rows]
        for i in range(self.dims.layers):
            self._block(x, f"blocks.{i}.", rows if i == self.dims.layers - 1 else slice(None), team)
            outputs[:, i + 1] = x[rows]
        last = outputs[:, -1]

        def norm(some: slice) -> None:
            last[some] = layer_norm(last[some], w["norm.weight"], w["norm.bias"])

        team.rows(norm, len(last))
        return outputs

    def _block(self, x: Floats, name: str, wanted: slice, team: Team) -> None:
        """A transformer block, written over the wanted rows of x (T, width)."""
        w = {key: self.weights[name + key] for key in _BLOCK}
        frames, width = x.shape
        qkv, mixed = np.empty((frames, 3 * width), np.float32), np.empty_like(x[wanted])
        own = x[wanted]

        def project(rows: slice) -> None:
            y = layer_norm(x[rows], w["norm1.weight"], w["norm1.bias"])
            linear(y, w["qkv.weight"], w["qkv.bias"], out=qkv[rows])

        def feed_forward(rows: slice) -> None:
            own[rows] += linear(mixed[rows], w["out.weight"], w["out.bias"])
            y = layer_norm(own[rows], w["norm2.weight"], w["norm2.bias"])
            y = gelu(linear(y, w["up.weight"], w["up.bias"]))
            own[rows] += linear(y, w["down.weight"], w["down.bias"])

        team.rows(project, frames)
        team.each([partial(self._head, qkv, mixed, wanted, head) for head in range(self.dims.heads)])
        team.rows(feed_forward, len(own))

    def _head(self, qkv: Floats, mixed: Floats, wanted: slice, head: int) -> None:
        """One head of self-attention over fused queries, keys and values (T, 3 width), into its part of `mixed`."""
        size = self.dims.width // self.dims.heads
        part = slice(head * size, (head + 1) * size)
        q, k, v = (qkv[:, i * self.dims.width :][:, part] for i in range(3))
        attend(q[wanted], np.ascontiguousarray(k.T), np.ascontiguousarray(v), out=mixed[:, part])


_BLOCK = tuple(
    f"{layer}.{kind}" for layer in ("norm1", "qkv", "out", "norm2", "up", "down") for kind in ("weight", "bias")
)
