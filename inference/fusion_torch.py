"""The fusion module's encoder as a torch module (Mao et al. 2025; see fusion_numpy for its size)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (its customary name)

from .fusion_numpy import FusionDims


class FusionEncoder(nn.Module):
    """Displacement image to blendshape weights: a strided CNN, plus a linear path that carries the exact part.

    Nothing has a bias, so the map is homogeneous: rest gives exactly zero weights, and half a smile half of a
    smile's weights.
    """

    def __init__(self, dims: FusionDims, outputs: int) -> None:
        super().__init__()
        widths = (3, *dims.widths)
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False) for a, b in pairwise(widths))
        cells = (dims.side // 2 ** len(dims.widths)) ** 2
        self.out = nn.Linear(cells * dims.widths[-1], outputs, bias=False)
        self.skip = nn.Linear(dims.side**2 * 3, outputs, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Weights (N, outputs) of images (N, side, side, 3)."""
        x = images.permute(0, 3, 1, 2)
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.1)
        x = x.permute(0, 2, 3, 1).flatten(1)  # channels last, as the NumPy pass flattens
        return self.out(x) + self.skip(images.flatten(1))
