"""The speech model as a torch module (see speech_numpy for its shape)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (its customary name)

from .speech_numpy import SpeechDims


class SpeechTorch(nn.Module):
    """Encoder features to rig channels. Parameter names are those of weights/speech.safetensors."""

    def __init__(self, dims: SpeechDims, dropout: float = 0.0) -> None:
        super().__init__()
        self.dims = dims
        self.layer_mix = nn.Parameter(torch.zeros(dims.encoder_layers))
        self.norm_in = nn.LayerNorm(dims.encoder_width)
        self.conv_in = nn.Conv1d(dims.encoder_width, dims.width, 3, padding=1)
        self.style = nn.Parameter(0.1 * torch.randn(dims.styles, dims.width))
        self.convs = nn.ModuleList(
            nn.Conv1d(dims.width, dims.width, 5, padding=2 * dilation, dilation=dilation) for dilation in dims.dilations
        )
        self.out = nn.Linear(dims.width, dims.channels)
        nn.init.zeros_(self.out.weight)  # training begins at rest: from a random face it takes many more steps
        nn.init.zeros_(self.out.bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Rig channels (B, T, channels) of features (B, T, encoder_layers, encoder_width); `style` (B,) are indices."""
        # mixed before the norm's scale and shift, which is the same and needs no gradient as large as the features
        x = torch.einsum("btlf,l->btf", F.layer_norm(features, features.shape[-1:]), self.layer_mix.softmax(0))
        x = self.dropout(x * self.norm_in.weight + self.norm_in.bias)
        x = F.gelu(self.conv_in(x.transpose(1, 2)) + self.style[style][:, :, None])
        for conv in self.convs:
            x = x + self.dropout(F.gelu(conv(x)))
        return self.out(x.transpose(1, 2))
