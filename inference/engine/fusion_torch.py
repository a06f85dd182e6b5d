"""The fusion module's encoder as a torch module (Mao et al. 2025; see fusion_numpy for its size)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (its customary name)

from .fusion_numpy import FusionDims


class FusionEncoder(nn.Module):
    """Displacement image to blendshape weights: a linear reading, then a CNN that looks at what the reading missed.

    What is missed is the image less `known`, the blendshapes' own images, times the weights read. Nothing has a bias,
    so the map is homogeneous: rest gives exactly zero weights, and half a smile half of a smile's weights.
    """

    def __init__(self, dims: FusionDims, outputs: int) -> None:
        super().__init__()
        widths = (3, *dims.widths)
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False) for a, b in pairwise(widths))
        cells = (dims.side // 2 ** len(dims.widths)) ** 2
        self.out = nn.Linear(cells * dims.widths[-1], outputs, bias=False)
        self.skip = nn.Linear(dims.side**2 * 3, outputs, bias=False)
        self.register_buffer("known", torch.zeros(outputs, dims.side**2 * 3))
        self.known: Tensor

    def forward(self, images: Tensor, known: Tensor | None = None) -> Tensor:
        """Weights (N, outputs) of images (N, side, side, 3); training gives the blendshapes' images of the moment."""
        flat = images.flatten(1)
        read = self.skip(flat)
        missed = flat - read @ (self.known if known is None else known)
        x = missed.view(images.shape).permute(0, 3, 1, 2)
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.1)
        x = x.permute(0, 2, 3, 1).flatten(1)  # channels last, as the NumPy pass flattens
        return self.out(x) + read
