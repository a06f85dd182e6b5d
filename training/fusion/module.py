"""The deformation fusion module in training: both encoders and the linear decoder (Mao et al. 2025).

dV = B_A w_A + B_E w_E, here with the bases in the coefficients of the deformation space.

Two things hold by construction. Neutral speech passes unchanged: B_A spans what neutral speech does, and E_A's linear
reading is made exact on it, so that its CNN has nothing to look at there. And the mouth's opening belongs to speech:
expression blendshapes are sealed (lip_seal.py). In the span of neutral speech any axes make the same faces; B_A has
those that an animator would name (speech_rig.SPEECH_KEYS). What training decides is B_E, both encoders, and so which
domain takes what.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ...inference.engine.fusion_numpy import FusionDims
from ...inference.engine.fusion_torch import FusionEncoder
from .deformation_space import DeformationSpace

UNIT_LENGTH = 500**0.5  # of a blendshape: one millimetre at each of 500 vertices of mean importance


@dataclass(frozen=True, eq=False)
class Maps:
    """The deformation space's linear maps as tensors (see DeformationSpace); D components, P values of an image."""

    images: Tensor  # (D, P)
    sealed_images: Tensor  # (D, P)
    sealed: Tensor  # (D, D)
    roughness: Tensor  # (D, D)

    @classmethod
    def of(cls, space: DeformationSpace) -> Maps:
        """Of a space."""
        parts = (space.images, space.sealed.images, space.sealed.coefficients, space.roughness)
        return cls(*(torch.from_numpy(np.ascontiguousarray(part)) for part in parts))


class FusionModule(nn.Module):
    """Two CNN encoders and two bases without bias; D is the number of the deformation space's components.

    Every blendshape has one length: the sparsity term measures weights, so blendshapes may not buy small weights with
    great length.
    """

    def __init__(self, dims: FusionDims, keys: Tensor, maps: Maps) -> None:
        """`keys` (Ks, D) are the speech keys in the space's components."""
        super().__init__()
        self.dims, self.maps = dims, maps
        self.speech_encoder = FusionEncoder(dims, dims.speech)
        self.expression_encoder = FusionEncoder(dims, dims.expression)
        self.key_lengths = self.lengths_of(keys)
        self.speech_basis = keys / self.key_lengths
        self.free = nn.Parameter(torch.randn(dims.expression, keys.shape[1]))  # what is sealed to become B_E

    @staticmethod
    def lengths_of(basis: Tensor) -> Tensor:
        """(K, 1) of a basis (K, D), over UNIT_LENGTH."""
        return basis.norm(dim=1, keepdim=True) / UNIT_LENGTH

    def unsealed_basis(self) -> Tensor:
        """(Ke, D) whose sealed form is B_E."""
        return self.free / self.lengths_of(self.free @ self.maps.sealed)

    def expression_basis(self) -> Tensor:
        """(Ke, D)."""
        return self.unsealed_basis() @ self.maps.sealed

    def bases(self) -> Tensor:
        """B_A, then B_E: (Ks + Ke, D)."""
        return torch.cat([self.speech_basis, self.expression_basis()])

    def images(self) -> tuple[Tensor, Tensor]:
        """Of both bases: (Ks, P), (Ke, P)."""
        return self.speech_basis @ self.maps.images, self.unsealed_basis() @ self.maps.sealed_images

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(w_A, w_E) of images (N, P)."""
        shaped = images.view(-1, *self.dims.shape)
        speech, expression = self.images()
        return self.speech_encoder(shaped, speech), self.expression_encoder(shaped, expression)

    def leave_out_reading(self) -> None:
        """The CNNs alone, which then see the whole image."""
        for encoder in (self.speech_encoder, self.expression_encoder):
            encoder.skip.weight.requires_grad_(False).zero_()

    @torch.no_grad()
    def settle(self, key_images: Tensor) -> None:
        """After training: E_A's linear reading becomes exact on neutral speech, by the least change that makes it so.

        `key_images` (Ks, P) are the speech keys' own, of which all neutral speech is made. Both encoders get the images
        of the blendshapes as they have become.
        """
        exact = (key_images / self.key_lengths).double()
        self.speech_encoder.known.copy_(exact)
        self.expression_encoder.known.copy_(self.images()[1])
        skip = self.speech_encoder.skip.weight
        missing = torch.eye(len(exact), dtype=torch.float64) - skip.double() @ exact.T
        skip.add_((missing @ torch.linalg.pinv(exact.T)).float())
