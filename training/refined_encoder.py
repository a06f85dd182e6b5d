"""The speech model with the encoder's upper blocks, which are trained along with it.

The lower blocks stay as Whisper made them, so their outputs are cached, and only what follows is computed again. The
blocks that changed go into weights/speech.safetensors and replace Whisper's own when the models are loaded.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from ..inference.encoder_torch import EncoderTorch
from ..inference.speech_numpy import SpeechDims
from ..inference.speech_torch import SpeechTorch

REFINED = 2  # blocks; more take several times as long to train


class RefinedSpeech(nn.Module):
    """Features of the encoder as it was to rig channels, by way of its upper blocks as they are becoming."""

    def __init__(self, dims: SpeechDims, dropout: float, encoder: EncoderTorch) -> None:
        super().__init__()
        self.dims = dims
        self.first = len(encoder.blocks) - REFINED
        self.blocks = copy.deepcopy(encoder.blocks[self.first :])
        self.norm = copy.deepcopy(encoder.norm)
        self.speech = SpeechTorch(dims, dropout)

    def forward(self, features: Tensor, style: Tensor, start: Tensor) -> Tensor:
        """As SpeechTorch's: rig channels (B, T, channels) of features (B, T, encoder_layers, encoder_width)."""
        outputs = list(features[:, :, : self.first + 1].unbind(dim=2))
        for block in self.blocks:
            outputs.append(block(outputs[-1]))
        outputs[-1] = self.norm(outputs[-1])
        return self.speech(torch.stack(outputs, dim=2), style, start)

    def encoder_state(self) -> dict[str, Tensor]:
        """The refined weights, named as in weights/encoder.safetensors."""
        blocks = {
            f"blocks.{self.first + i}.{name}": tensor
            for i, block in enumerate(self.blocks)
            for name, tensor in block.state_dict().items()
        }
        return blocks | {f"norm.{name}": tensor for name, tensor in self.norm.state_dict().items()}
