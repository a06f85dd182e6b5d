"""Making the learned blendshapes fit for animators without changing any face they can make.

Ordered by energy, scaled so that 1.0 is a strong but natural value, and named by what each moves, with the sign that
makes the name true (key_names.py). What is done to a blendshape is undone in its encoder's last layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..inference.fusion_torch import FusionEncoder
from ..inference.head import Head
from .deformation_space import MILLIMETRE, DeformationSpace
from .fusion_module import FusionModule
from .fusion_set import FusionSet, Sample
from .key_names import described, movements

Floats = NDArray[np.float32]
STRONG_QUANTILE = 0.98
SAMPLES = 1024


@dataclass(frozen=True, eq=False)
class Readable:
    """Blendshapes in metres at weight 1, (K, V, 3), and their names."""

    speech: Floats
    expression: Floats
    speech_names: tuple[str, ...]
    expression_names: tuple[str, ...]


def make_readable(module: FusionModule, data: FusionSet, space: DeformationSpace, head: Head) -> Readable:
    """Reorder, rescale and name both bases; the encoders are changed in place to match."""
    parts, names = [], []
    for domain, batch in (("Speech", data.speech(SAMPLES)), ("Expression", data.expressions(SAMPLES))):
        encoder: FusionEncoder = getattr(module, f"{domain.lower()}_encoder")
        basis = module.unit(getattr(module, f"{domain.lower()}_basis").detach())
        with torch.no_grad():
            images = torch.from_numpy(data.coefficients(Sample(batch.own, 0 * batch.own), space) @ space.images)
            weights = torch.cat([encoder(part.view(-1, *module.dims.shape)) for part in images.split(64)])
        flat = space.components.reshape(len(space.components), -1) * np.float32(MILLIMETRE)
        known = movements(head, domain)
        words = [described(row @ flat, *known) for row in basis.numpy()]
        sign = torch.tensor([sign for _, sign in words])
        strong = torch.quantile(weights.abs(), STRONG_QUANTILE, dim=0)
        scale = torch.where(strong < 1e-4, torch.ones_like(strong), strong) * sign
        order = (basis.norm(dim=1) * weights.square().mean(0).sqrt()).argsort(descending=True)
        _rescale(encoder, scale, order)
        shapes = (basis * scale[:, None])[order].numpy() @ flat
        parts.append(shapes.reshape(len(order), *head.vertices.shape))
        names.append(tuple(f"{domain} {n + 1:02d} {words[k][0]}" for n, k in enumerate(order.tolist())))
    return Readable(parts[0], parts[1], names[0], names[1])


def _rescale(encoder: FusionEncoder, scale: Tensor, order: Tensor) -> None:
    """Divide the encoder's outputs by `scale`, then put them in `order`; its blendshapes' images the other way."""
    with torch.no_grad():
        for layer in (encoder.out, encoder.skip):
            layer.weight.copy_((layer.weight / scale[:, None])[order])
        encoder.known.copy_((encoder.known * scale[:, None])[order])
