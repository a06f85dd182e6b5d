"""The speech model as a torch module (after FaceFormer, Fan et al. 2022; see speech_numpy for its size)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (its customary name)

from .speech_numpy import SpeechDims, attention_bias, periodic_positions


class SpeechBlock(nn.Module):
    """Pre-norm transformer block with a bias added to the attention scores."""

    def __init__(self, dims: SpeechDims, dropout: float) -> None:
        super().__init__()
        self.heads = dims.heads
        self.norm1 = nn.LayerNorm(dims.width)
        self.qkv = nn.Linear(dims.width, 3 * dims.width)
        self.mix = nn.Linear(dims.width, dims.width)
        self.norm2 = nn.LayerNorm(dims.width)
        self.up = nn.Linear(dims.width, 2 * dims.width)
        self.down = nn.Linear(2 * dims.width, dims.width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """x (B, T, width), bias (heads, T, T) -> (B, T, width)."""
        batch, frames, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, frames, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, T, width / heads) each
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        x = x + self.dropout(self.mix(y.transpose(1, 2).reshape(batch, frames, width)))
        return x + self.dropout(self.down(F.gelu(self.up(self.norm2(x)))))


class SpeechTorch(nn.Module):
    """Encoder features to rig channels. Parameter names are those of weights/speech.safetensors."""

    def __init__(self, dims: SpeechDims, dropout: float = 0.0) -> None:
        super().__init__()
        self.dims = dims
        self.layer_mix = nn.Parameter(torch.zeros(dims.encoder_layers))
        self.norm_in = nn.LayerNorm(dims.encoder_width)
        self.conv_in = nn.Conv1d(dims.encoder_width, dims.width, 5, padding=2)
        # far apart from the start: a voice gives its set away, and a faint style would be ignored
        self.style = nn.Parameter(0.5 * torch.randn(dims.styles, dims.width))
        self.blocks = nn.ModuleList(SpeechBlock(dims, dropout) for _ in range(dims.layers))
        self.norm_out = nn.LayerNorm(dims.width)
        self.out = nn.Linear(dims.width, dims.channels)
        nn.init.zeros_(self.out.weight)  # training begins at rest: from a random face it takes many more steps
        nn.init.zeros_(self.out.bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor, style: Tensor, start: Tensor) -> Tensor:
        """Rig channels (B, T, channels) of features (B, T, encoder_layers, encoder_width).

        `style` (B,) holds style indices and `start` (B,) each window's first frame in its recording.
        """
        frames = features.shape[1]
        # mixed before the norm's scale and shift, which is the same and needs no gradient as large as the features
        x = torch.einsum("btlf,l->btf", F.layer_norm(features, features.shape[-1:]), self.layer_mix.softmax(0))
        x = x * self.norm_in.weight + self.norm_in.bias
        x = F.gelu(self.conv_in(self.dropout(x).transpose(1, 2))).transpose(1, 2)
        positions = [torch.from_numpy(periodic_positions(int(s), frames, self.dims)) for s in start]
        x = x + torch.stack(positions).to(x) + self.style[style][:, None]
        bias = torch.from_numpy(attention_bias(frames, self.dims)).to(x)
        for block in self.blocks:
            x = block(x, bias)
        return self.out(self.norm_out(x))
