"""The deformation fusion module in training: both encoders and the linear decoder (Mao et al. 2025).

dV = B_A w_A + B_E w_E, here with the bases in the coefficients of the deformation space.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..inference.fusion_numpy import FusionDims
from ..inference.fusion_torch import FusionEncoder

UNIT_LENGTH = 500**0.5  # of a blendshape: one millimetre at each of 500 vertices of mean importance


class FusionModule(nn.Module):
    """Two CNN encoders and two bases without bias; D is the number of the deformation space's components."""

    def __init__(self, dims: FusionDims, components: int) -> None:
        super().__init__()
        self.dims = dims
        self.speech_encoder = FusionEncoder(dims, dims.speech)
        self.expression_encoder = FusionEncoder(dims, dims.expression)
        self.speech_basis = nn.Parameter(torch.randn(dims.speech, components))
        self.expression_basis = nn.Parameter(torch.randn(dims.expression, components))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(w_A, w_E) of displacement images (N, side, side, 3)."""
        return self.speech_encoder(images), self.expression_encoder(images)

    @staticmethod
    def unit(basis: Tensor) -> Tensor:
        """A basis (K, D) with every blendshape at one length.

        The sparsity term measures weights, so blendshapes may not buy small weights with great length.
        """
        return basis / basis.norm(dim=1, keepdim=True) * UNIT_LENGTH
