"""Whisper's encoder and the speech model on sound as it comes: what is settled is kept, what is new is computed.

Attention looks at all that was heard before and at the few frames of look-ahead. A frame is computed each time with
what is known after it, and settles when the look-ahead has been heard: from then on its keys and values stay as they
are. So a step costs what its few new frames cost, however long it goes on. With all sound given at once this is
`EncoderNumpy` and `SpeechNumpy`, to the rounding.
"""

from __future__ import annotations

import itertools

import numpy as np

from ..arrays import Floats
from ..engine.encoder_numpy import EncoderDims
from ..engine.layers_numpy import SAFE, gelu
from ..engine.smoothing import REACH, Smoothing
from ..engine.speech_numpy import SpeechNumpy


class LiveEncoder:
    """The encoder's state: keys and values of settled frames, of each layer.

    Frames are columns: BLAS is a third sooner with weights (out, in) times few columns than with few rows times them.
    """

    def __init__(self, weights: dict[str, Floats], dims: EncoderDims) -> None:
        self.dims = dims
        self._weights = _prepared(weights, dims)
        kept, size = (dims.layers, dims.heads), dims.width // dims.heads
        self._keys = np.empty((*kept, dims.context, size), np.float32)
        self._values = np.empty((*kept, size, dims.context), np.float32)
        self._ones = np.ones((1, dims.context), np.float32)
        self.settled = 0

    def restart(self) -> None:
        """Forget what was heard, as a recording begins."""
        self.settled = 0

    def step(self, mel: Floats, count: int, settling: int) -> Floats:
        """Features (count, layers + 1, width) of the frames after the settled ones; the first `settling` settle.

        `mel` (2 count + k, 80) is their normalised mel after that of k frames before them, an even number: the two
        convolutions see 3, and at a beginning none. Settled and new frames may not be more than the encoder's context.
        """
        w, first = self._weights, self.settled
        x = gelu(_linear(w, "conv1", _neighbours(mel.T)))
        x = gelu(_linear(w, "conv2", _neighbours(x, stride=2)))[:, -count:]
        x = x + w["positions"][:, first : first + count]
        features = np.empty((count, self.dims.layers + 1, self.dims.width), np.float32)
        features[:, 0] = x.T
        for layer in range(self.dims.layers):
            x = self._block(x, layer)
            features[:, layer + 1] = x.T
        features[:, -1] = (_normed(x) * w["norm.weight"] + w["norm.bias"]).T
        self.settled += settling
        return features

    def _block(self, x: Floats, layer: int) -> Floats:
        w, name = self._weights, f"blocks.{layer}."
        x = x + _linear(w, name + "out", self._attended(_linear(w, name + "qkv", _normed(x)), layer))
        return x + _linear(w, name + "down", gelu(_linear(w, name + "up", _normed(x))))

    def _attended(self, y: Floats, layer: int) -> Floats:
        """All heads' attention together, for fused queries, keys and values (3 width, n) of new frames: (width, n)."""
        width, count = self.dims.width, y.shape[1]
        queries, keys, values = y.reshape(3, self.dims.heads, -1, count)
        # Written beyond the settled ones: what does not settle is written over by the next step.
        known = self.settled + count
        self._keys[layer, :, self.settled : known] = keys.transpose(0, 2, 1)
        self._values[layer, :, :, self.settled : known] = values
        scores = self._keys[layer, :, :known] @ queries  # (heads, T, n)
        if max(scores.max(), -scores.min()) > SAFE:
            scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        mixed = self._values[layer, :, :, :known] @ scores
        mixed /= self._ones[:, :known] @ scores
        return mixed.reshape(width, count)


def _prepared(weights: dict[str, Floats], dims: EncoderDims) -> dict[str, Floats]:
    """Weights for frames as columns, with what is linear folded: norms' scale and shift, attention's own scale."""
    found = {"positions": np.ascontiguousarray(weights["positions"].T)}
    for name in ("conv1", "conv2"):
        kernel = weights[name + ".weight"]  # (out, in, k)
        found[name + ".weight"] = np.ascontiguousarray(kernel.transpose(0, 2, 1)).reshape(len(kernel), -1)
        found[name + ".bias"] = weights[name + ".bias"][:, None]
    for layer, (name, norm) in itertools.product(range(dims.layers), _LINEAR.items()):
        weight, bias = (weights[f"blocks.{layer}.{name}.{kind}"] for kind in ("weight", "bias"))
        if norm:
            scale, shift = (weights[f"blocks.{layer}.{norm}.{kind}"] for kind in ("weight", "bias"))
            weight, bias = weight * scale, bias + weight @ shift
        if name == "qkv":
            share = np.float32((dims.width // dims.heads) ** -0.5)
            weight[: dims.width] *= share
            bias[: dims.width] *= share
        found[f"blocks.{layer}.{name}.weight"] = np.ascontiguousarray(weight)
        found[f"blocks.{layer}.{name}.bias"] = bias[:, None]
    return found | {name: weights[name][:, None] for name in ("norm.weight", "norm.bias")}


def _linear(weights: dict[str, Floats], name: str, x: Floats) -> Floats:
    y = weights[name + ".weight"] @ x
    y += weights[name + ".bias"]
    return y


def _normed(x: Floats) -> Floats:
    """Each column of (width, n) with mean 0 and variance 1."""
    share = np.full((1, len(x)), 1 / len(x), np.float32)
    centred = x - share @ x
    centred /= np.sqrt(share @ (centred * centred) + np.float32(1e-5))
    return centred


def _neighbours(x: Floats, stride: int = 1) -> Floats:
    """Columns (3 in, n / stride): each of (in, n) with the one before and the one after it, 0 beyond the ends."""
    padded = np.zeros((len(x), x.shape[1] + 2), np.float32)
    padded[:, 1:-1] = x
    return np.concatenate([padded[:, k : k + x.shape[1] : stride] for k in range(3)])


class LiveSpeech:
    """Rig channels of settled frames, from features as they come: the speech model sees its reach to either side."""

    def __init__(self, model: SpeechNumpy, style: int, smoothing: Smoothing) -> None:
        self._model, self._style, self._smoothing = model, style, smoothing
        self._past: Floats | None = None

    def restart(self) -> None:
        """Forget what was heard."""
        self._past = None

    def step(self, features: Floats, settling: int) -> Floats:
        """Channels (settling, C) of the first of some features (n, layers + 1, width)."""
        past = features[:0] if self._past is None else self._past
        known = np.concatenate([past, features])
        channels = self._smoothing(self._model(known, self._style))[len(past) : len(past) + settling]
        self._past = known[: len(past) + settling][-self._model.dims.reach - REACH :]
        return channels


# A block's layers, and the norm before each.
_LINEAR = {"qkv": "norm1", "out": "", "up": "norm2", "down": ""}
