"""Whisper's audio encoder as a torch module (Radford et al. 2022), returning every layer's output."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (its customary name)

from .encoder_numpy import EncoderDims


class EncoderBlock(nn.Module):
    """Pre-norm transformer block: attention, then a GELU perceptron four times as wide."""

    def __init__(self, dims: EncoderDims) -> None:
        super().__init__()
        self.heads = dims.heads
        self.norm1 = nn.LayerNorm(dims.width)
        self.qkv = nn.Linear(dims.width, 3 * dims.width)
        self.out = nn.Linear(dims.width, dims.width)
        self.norm2 = nn.LayerNorm(dims.width)
        self.up = nn.Linear(dims.width, 4 * dims.width)
        self.down = nn.Linear(4 * dims.width, dims.width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> the same shape."""
        batch, frames, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, frames, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, T, width / heads) each
        y = F.scaled_dot_product_attention(q, k, v)
        x = x + self.out(y.transpose(1, 2).reshape(batch, frames, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class EncoderTorch(nn.Module):
    """The encoder. Parameter names are those of weights/encoder.safetensors."""

    positions: Tensor

    def __init__(self, dims: EncoderDims) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(dims.bands, dims.width, 3, padding=1)
        self.conv2 = nn.Conv1d(dims.width, dims.width, 3, stride=2, padding=1)
        self.register_buffer("positions", torch.zeros(dims.context, dims.width))
        self.blocks = nn.ModuleList(EncoderBlock(dims) for _ in range(dims.layers))
        self.norm = nn.LayerNorm(dims.width)

    def forward(self, mel: Tensor) -> Tensor:
        """Features (B, T, layers + 1, width) at 50 Hz of normalised log-mel windows (B, 2 T, 80) at 100 Hz."""
        x = F.gelu(self.conv1(mel.transpose(1, 2)))
        x = F.gelu(self.conv2(x)).transpose(1, 2)
        x = x + self.positions[: x.shape[1]]
        outputs = [x]
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        outputs[-1] = self.norm(x)
        return torch.stack(outputs, dim=2)
