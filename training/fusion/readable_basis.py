"""Making the learned blendshapes fit for animators without changing any face they can make.

Speech blendshapes are the speech keys, each at 1 a shape of the head. Expression blendshapes are ordered by energy,
scaled so that 1.0 is a strong but natural value, and named by what each moves, with the sign that makes the name true
(key_names.py). What is done to a blendshape is undone in its encoder's last layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...inference.arrays import Floats
from ...inference.engine.fusion_torch import FusionEncoder
from ...inference.head.canonical import Head
from ..speech_rig import SPEECH_KEYS, key_deltas
from .deformation_space import MILLIMETRE, DeformationSpace
from .examples import FusionSet, Sample
from .key_names import described, movements, seen
from .module import FusionModule

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
    keys = tuple(f"Speech {key}" for key in SPEECH_KEYS)
    _rescale(module.speech_encoder, module.key_lengths[:, 0], torch.arange(len(keys)))
    expression, names = _readable_expressions(module, data, space, head)
    return Readable(key_deltas(head), expression, keys, names)


def _readable_expressions(
    module: FusionModule, data: FusionSet, space: DeformationSpace, head: Head
) -> tuple[Floats, tuple[str, ...]]:
    """(Ke, V, 3) and their names."""
    encoder, batch = module.expression_encoder, data.expressions(SAMPLES)
    with torch.no_grad():
        images = torch.from_numpy(data.coefficients(Sample(batch.own, 0 * batch.own), space) @ space.images)
        weights = torch.cat([encoder(part.view(-1, *module.dims.shape)) for part in images.split(64)])
        basis = module.unsealed_basis()
    flat = space.sealed.components.reshape(len(space.components), -1) * np.float32(MILLIMETRE)
    shapes = basis.numpy() @ flat
    known = movements(head, (space.people[0] @ flat).reshape(-1, *head.vertices.shape))
    words = [described(shape.reshape(-1, 3)[seen(head)], *known) for shape in shapes]
    strong = torch.quantile(weights.abs(), STRONG_QUANTILE, dim=0)
    scale = torch.where(strong < 1e-4, torch.ones_like(strong), strong)
    scale = scale * torch.tensor([sign for _, sign in words])
    order = weights.square().mean(0).argsort(descending=True)  # all have one length
    _rescale(encoder, scale, order)
    names = tuple(f"Expression {n + 1:02d} {words[k][0]}" for n, k in enumerate(order.tolist()))
    return (shapes * scale.numpy()[:, None])[order.numpy()].reshape(len(order), *head.vertices.shape), names


def _rescale(encoder: FusionEncoder, scale: Tensor, order: Tensor) -> None:
    """Divide the encoder's outputs by `scale`, then put them in `order`; its blendshapes' images the other way."""
    with torch.no_grad():
        for layer in (encoder.out, encoder.skip):
            layer.weight.copy_((layer.weight / scale[:, None])[order])
        encoder.known.copy_((encoder.known * scale[:, None])[order])
