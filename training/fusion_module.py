"""The deformation fusion module in training: both encoders and the linear decoder (Mao et al. 2025).

dV = B_A w_A + B_E w_E, here with the bases in the coefficients of the deformation space.

Two things hold by construction, kept by projecting back on to them after every step (`Bounds`). Neutral speech passes
unchanged: B_A stays in the span of neutral speech, and E_A's linear reading stays exact on it, so that its CNN has
nothing to look at there. And the mouth's opening belongs to speech: no expression blendshape moves the upper inner lip
from the lower. What training decides is the axes of B_A, the rest of B_E, and which domain takes what.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..inference.fusion_numpy import FusionDims
from ..inference.fusion_torch import FusionEncoder

Floats = NDArray[np.float32]
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

    def forward(self, images: Tensor, of_components: Tensor) -> tuple[Tensor, Tensor]:
        """(w_A, w_E) of images (N, side * side * 3); `of_components` (D, side * side * 3) are the components' own."""
        shaped = images.view(-1, *self.dims.shape)
        known = (self.unit(basis) @ of_components for basis in (self.speech_basis, self.expression_basis))
        return self.speech_encoder(shaped, next(known)), self.expression_encoder(shaped, next(known))

    def leave_out_reading(self) -> None:
        """The CNNs alone, which then see the whole image."""
        for encoder in (self.speech_encoder, self.expression_encoder):
            encoder.skip.weight.requires_grad_(False).zero_()

    @staticmethod
    def unit(basis: Tensor) -> Tensor:
        """A basis (K, D) with every blendshape at one length.

        The sparsity term measures weights, so blendshapes may not buy small weights with great length.
        """
        return basis / basis.norm(dim=1, keepdim=True) * UNIT_LENGTH


@dataclass(frozen=True, eq=False)
class Bounds:
    """What the module's parameters are held to; K blendshapes, D components, P pixels' values of an image."""

    axes: Tensor  # (Ks, D) orthonormal: the span of neutral speech
    images: Tensor  # (Ks, P) of the axes
    reading: Tensor  # (P, Ks): takes an image of neutral speech to its amounts of the axes
    opening: Tensor  # (D, n) orthonormal columns: what moves the inner lips apart; none where they may

    @classmethod
    def found(cls, frames: Floats, count: int, of_components: Floats, lip_gap: Floats | None) -> Bounds:
        """By the first principal components of frames (N, D) of neutral speech, and the lips' gaps (D, pairs)."""
        axes = np.linalg.svd(frames, full_matrices=False)[2][:count]
        images = axes.astype(np.float64) @ of_components
        parting = np.zeros((axes.shape[1], 0)) if lip_gap is None else np.linalg.qr(lip_gap.astype(np.float64))[0]
        parts = (axes, images, np.linalg.pinv(images), parting)
        return cls(*(torch.from_numpy(np.ascontiguousarray(part, np.float32)) for part in parts))

    @torch.no_grad()
    def keep(self, module: FusionModule) -> None:
        """Project both bases back on to what they are held to."""
        b_a, b_e = module.speech_basis, module.expression_basis
        b_a.copy_(b_a @ self.axes.T @ self.axes)
        b_e.sub_(b_e @ self.opening @ self.opening.T)

    @torch.no_grad()
    def settle(self, module: FusionModule, of_components: Tensor) -> None:
        """After training: E_A's linear reading becomes exact on neutral speech, by the least change that makes it so.

        Both encoders get the images of the blendshapes as they have become.
        """
        for basis, encoder in (
            (module.speech_basis, module.speech_encoder),
            (module.expression_basis, module.expression_encoder),
        ):
            encoder.known.copy_(module.unit(basis) @ of_components)
        skip = module.speech_encoder.skip.weight
        wanted = torch.linalg.pinv(module.unit(module.speech_basis) @ self.axes.T).T  # its columns: each axis' weights
        skip.add_((wanted - skip @ self.images.T) @ self.reading.T)
