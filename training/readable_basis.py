"""Making the learned blendshapes fit for animators without changing any face they can make.

Ordered by energy, scaled so that 1.0 is a strong but natural value, signed so that positive means more, and named by
the ARKit shape that each looks most like. What is done to a blendshape is undone in its encoder's last layers.
"""

from __future__ import annotations

import re
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
from .speech_rig import CHANNEL_NAMES, rig_deltas

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
        high, low = (torch.quantile(sign * weights, STRONG_QUANTILE, dim=0) for sign in (1, -1))
        scale = torch.where(high >= low, high, -low)
        scale = torch.where(scale.abs() < 1e-4, torch.ones_like(scale), scale)
        order = (basis.norm(dim=1) * weights.square().mean(0).sqrt()).argsort(descending=True)
        _rescale(encoder, scale, order)
        shapes = (
            (basis * scale[:, None])[order].numpy() @ space.components.reshape(len(space.components), -1)
        ).reshape(len(order), -1, 3) * np.float32(MILLIMETRE)
        parts.append(shapes)
        names.append(readable_names(domain, shapes, head))
    return Readable(parts[0], parts[1], names[0], names[1])


def _rescale(encoder: FusionEncoder, scale: Tensor, order: Tensor) -> None:
    """Divide the encoder's outputs by `scale`, then put them in `order`."""
    with torch.no_grad():
        for layer in (encoder.out, encoder.skip):
            layer.weight.copy_((layer.weight / scale[:, None])[order])


def readable_names(domain: str, shapes: Floats, head: Head) -> tuple[str, ...]:
    """'Speech 03 lips oo': each blendshape numbered, and named by the movement it looks most like.

    Speech is compared with the rig's channels, expressions with the ARKit shapes.
    """
    known = rig_deltas(head) if domain == "Speech" else head.arkit
    words = CHANNEL_NAMES if domain == "Speech" else head.arkit_names
    flat = known.reshape(len(known), -1)
    flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    nearest = np.argmax(np.abs(shapes.reshape(len(shapes), -1) @ flat.T), axis=1)
    return tuple(f"{domain} {i + 1:02d} {_in_words(words[k])}" for i, k in enumerate(nearest))


def _in_words(name: str) -> str:
    """'mouthSmileLeft' and 'lips_oo' as 'mouth smile left' and 'lips oo'."""
    return re.sub("([A-Z])", lambda match: " " + match[1].lower(), name).replace("_", " ")
