"""FaceFormer's decoder (Fan et al. 2022, arXiv 2112.05329): autoregressive, with biased attention.

As published: one decoder layer over what was predicted so far, periodic positional encoding, a causal bias that steps
down by whole periods, cross-attention that lets each frame see its own audio alone, one-hot speaking styles, and
training on its own predictions. Changed here: the encoder is ours and frozen, the output is the rig's channels rather
than vertices (both are linear in the decoder's output), at 25 frames a second with two feature frames each, as
FaceFormer does on BIWI.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

RATE = 25  # frames a second
PER_FRAME = 2  # feature frames a frame
MEMORY = 50  # frames of its own past that a prediction sees: 2 s, the length that it is trained on


@dataclass(frozen=True)
class FaceFormerDims:
    """Size of the decoder: FaceFormer's own is 64 or 128 wide with four heads and one layer."""

    channels: int
    styles: int
    encoder_layers: int = 5
    encoder_width: int = 384
    width: int = 128
    heads: int = 4
    period: int = 25


def periodic_encoding(start: int, frames: int, dims: FaceFormerDims) -> Tensor:
    """Periodic positional encoding (frames, width), equation 3."""
    position = ((start + torch.arange(frames)) % dims.period)[:, None]
    rate = torch.exp(torch.arange(0, dims.width, 2) * (-math.log(10_000.0) / dims.width))
    return torch.stack([torch.sin(position * rate), torch.cos(position * rate)], dim=-1).flatten(1)


def causal_bias(frames: int, dims: FaceFormerDims) -> Tensor:
    """Bias (heads, frames, frames), equation 4: minus the distance in periods times a slope a head; no future."""
    distance = torch.arange(frames)[:, None] - torch.arange(frames)[None]
    slopes = 2.0 ** (-8.0 * torch.arange(1, dims.heads + 1) / dims.heads)
    bias = -slopes[:, None, None] * torch.div(distance, dims.period, rounding_mode="floor")
    return torch.where(distance >= 0, bias, float("-inf"))


class FaceFormer(nn.Module):
    """Encoder features to rig channels, a frame at a time."""

    def __init__(self, dims: FaceFormerDims) -> None:
        super().__init__()
        self.dims = dims
        self.layer_mix = nn.Parameter(torch.zeros(dims.encoder_layers))
        self.norm_in = nn.LayerNorm(dims.encoder_width)
        self.audio_map = nn.Linear(dims.encoder_width, dims.width)
        self.face_map = nn.Linear(dims.channels, dims.width)
        self.style = nn.Embedding(dims.styles, dims.width)
        self.past = nn.MultiheadAttention(dims.width, dims.heads, batch_first=True)
        self.hear = nn.MultiheadAttention(dims.width, dims.heads, batch_first=True)
        self.feed = nn.Sequential(
            nn.Linear(dims.width, 2 * dims.width), nn.ReLU(), nn.Linear(2 * dims.width, dims.width)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(dims.width) for _ in range(3))
        self.out = nn.Linear(dims.width, dims.channels)
        nn.init.zeros_(self.out.weight)  # as published: begins at rest
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Channels (B, T, channels) at 25 Hz of features (B, 2 T, layers, width)."""
        mixed = torch.einsum("btlf,l->btf", self.norm_in(features), self.layer_mix.softmax(0))
        audio, style_row = self.audio_map(mixed), self.style(style)[:, None]
        inputs, outputs = style_row, []
        for frame in range(features.shape[1] // PER_FRAME):
            first = max(0, frame + 1 - MEMORY)
            seen = inputs[:, first:]
            own = audio[:, frame * PER_FRAME : (frame + 1) * PER_FRAME]
            newest = self._next(seen, own, first)
            outputs.append(newest)
            inputs = torch.cat([inputs, self.face_map(newest)[:, None] + style_row], dim=1)
        return torch.stack(outputs, dim=1)

    def _next(self, seen: Tensor, own_audio: Tensor, first: int) -> Tensor:
        """The channels (B, C) of the frame after `seen` (B, T, width), whose own audio is (B, PER_FRAME, width).

        With one layer, only the newest frame's query is needed: the same numbers as the whole layer's last row.
        """
        frames = seen.shape[1]
        x = seen + periodic_encoding(first, frames, self.dims)
        bias = causal_bias(frames, self.dims)[:, -1:].repeat(len(seen), 1, 1)
        newest = x[:, -1:]
        newest = self.norms[0](newest + self.past(newest, x, x, attn_mask=bias, need_weights=False)[0])
        newest = self.norms[1](newest + self.hear(newest, own_audio, own_audio, need_weights=False)[0])
        return self.out(self.norms[2](newest + self.feed(newest))[:, 0])
