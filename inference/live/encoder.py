"""Whisper's encoder and the speech model on sound as it comes: what is settled is kept, what is new is computed.

Attention looks at all that was heard before and at the few frames of look-ahead. A frame is computed each time with
what is known after it, and settles when the look-ahead has been heard: from then on its keys and values stay as they
are. So a step costs what its few new frames cost, however long it goes on. With all sound given at once this is
`EncoderNumpy` and `SpeechNumpy`, to the rounding.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Floats
from ..engine.encoder_numpy import EncoderDims
from ..engine.layers_numpy import conv1d, gelu, laid_out, layer_norm, linear
from ..engine.speech_numpy import SpeechNumpy
from ..engine.threads import Team


class LiveEncoder:
    """The encoder's state: keys and values of settled frames, of each layer."""

    def __init__(self, weights: dict[str, Floats], dims: EncoderDims) -> None:
        self.dims = dims
        self._weights = laid_out(weights)
        self._team = Team(1)
        self._keys = np.empty((dims.layers, dims.width, dims.context), np.float32)  # turned, as `attend` takes them
        self._values = np.empty((dims.layers, dims.context, dims.width), np.float32)
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
        x = conv1d(mel, w["conv1.weight"], w["conv1.bias"], self._team, after=gelu)
        x = conv1d(x, w["conv2.weight"], w["conv2.bias"], self._team, stride=2, after=gelu)[-count:]
        x += w["positions"][first : first + count]
        features = np.empty((count, self.dims.layers + 1, self.dims.width), np.float32)
        features[:, 0] = x
        for layer in range(self.dims.layers):
            x = self._block(x, layer)
            features[:, layer + 1] = x
        features[:, -1] = layer_norm(x, w["norm.weight"], w["norm.bias"])
        self.settled += settling
        return features

    def _block(self, x: Floats, layer: int) -> Floats:
        w = {key: self._weights[f"blocks.{layer}.{key}"] for key in _BLOCK}
        first, count, width = self.settled, *x.shape
        y = linear(layer_norm(x, w["norm1.weight"], w["norm1.bias"]), w["qkv.weight"], w["qkv.bias"])
        # Written beyond the settled ones: what does not settle is written over by the next step.
        self._keys[layer, :, first : first + count] = y[:, width : 2 * width].T
        self._values[layer, first : first + count] = y[:, 2 * width :]
        keys, values = self._keys[layer, :, : first + count], self._values[layer, : first + count]
        mixed = self._attended(y[:, :width], keys, values)
        x = x + linear(mixed, w["out.weight"], w["out.bias"])
        y = layer_norm(x, w["norm2.weight"], w["norm2.bias"])
        return x + linear(gelu(linear(y, w["up.weight"], w["up.bias"])), w["down.weight"], w["down.bias"])

    def _attended(self, queries: Floats, keys: Floats, values: Floats) -> Floats:
        """All heads' attention together, for a few queries (n, width): keys (width, T), values (T, width)."""
        heads, (count, width) = self.dims.heads, queries.shape
        q, v = (array.reshape(len(array), heads, -1).transpose(1, 0, 2) for array in (queries, values))
        scores = (q * np.float32((width // heads) ** -0.5)) @ keys.reshape(heads, width // heads, -1)
        scores -= scores.max(axis=2, keepdims=True)
        np.exp(scores, out=scores)
        mixed = scores @ v
        mixed /= scores.sum(axis=2, keepdims=True)
        return mixed.transpose(1, 0, 2).reshape(count, width)


class LiveSpeech:
    """Rig channels of settled frames, from features as they come: the speech model sees its reach to either side."""

    def __init__(self, model: SpeechNumpy, style: int) -> None:
        self._model, self._style = model, style
        self._past: Floats | None = None

    def restart(self) -> None:
        """Forget what was heard."""
        self._past = None

    def step(self, features: Floats, settling: int) -> Floats:
        """Channels (settling, C) of the first of some features (n, layers + 1, width)."""
        past = features[:0] if self._past is None else self._past
        known = np.concatenate([past, features])
        channels = self._model(known, self._style)[len(past) : len(past) + settling]
        self._past = known[: len(past) + settling][-self._model.dims.reach :]
        return channels


_LAYERS = ("norm1", "qkv", "out", "norm2", "up", "down")
_BLOCK = tuple(f"{layer}.{kind}" for layer in _LAYERS for kind in ("weight", "bias"))
