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

from ..inference.fusion_torch import FusionEncoder, FusionTorch
from ..inference.geometry import Grid
from ..inference.head import Head
from .fusion_set import FusionSet

Floats = NDArray[np.float32]
STRONG_QUANTILE = 0.98
SAMPLES = 1024
MILLIMETRE = 1e-3


@dataclass(frozen=True, eq=False)
class Readable:
    """Blendshapes in metres at weight 1, (K, V, 3), and their names."""

    speech: Floats
    expression: Floats
    speech_names: tuple[str, ...]
    expression_names: tuple[str, ...]


def unit_basis(basis: Tensor, importance: Tensor) -> Tensor:
    """Blendshapes scaled to a weighted norm of one millimetre a vertex on average over 500 vertices.

    The sparsity term measures weights, so blendshapes may not buy small weights with great length.
    """
    norm = (basis.square().sum(-1) * importance).sum(-1).sqrt()
    return basis / norm[:, None, None] * (500**0.5)


def make_readable(module: FusionTorch, head: Head, grid: Grid, importance: Tensor, seed: int) -> Readable:
    """Reorder, rescale and name both bases; the encoders are changed in place to match."""
    data = FusionSet(head, seed + 1)
    parts, names = [], []
    for domain, batch in (("Speech", data.speech(SAMPLES)), ("Expression", data.expressions(SAMPLES))):
        encoder: FusionEncoder = getattr(module, f"{domain.lower()}_encoder")
        basis = unit_basis(getattr(module, f"{domain.lower()}_basis").detach(), importance) * MILLIMETRE
        with torch.no_grad():
            images = torch.from_numpy(grid.image(data.displacements(batch.own)))
            weights = torch.cat([encoder(part) for part in images.split(64)])
        high, low = (torch.quantile(sign * weights, STRONG_QUANTILE, dim=0) for sign in (1, -1))
        scale = torch.where(high >= low, high, -low)
        scale = torch.where(scale.abs() < 1e-4, torch.ones_like(scale), scale)
        order = weights.square().mean(0).argsort(descending=True)
        _rescale(encoder, scale, order)
        shapes = (basis * scale[:, None, None])[order].numpy()
        parts.append(shapes)
        names.append(tuple(f"{domain} {i + 1:02d} {label}" for i, label in enumerate(_labels(shapes, head))))
    return Readable(parts[0], parts[1], names[0], names[1])


def _rescale(encoder: FusionEncoder, scale: Tensor, order: Tensor) -> None:
    """Divide the encoder's outputs by `scale`, then put them in `order`."""
    with torch.no_grad():
        for layer in (encoder.out, encoder.skip):
            layer.weight.copy_((layer.weight / scale[:, None])[order])


def _labels(shapes: Floats, head: Head) -> list[str]:
    """For each blendshape the ARKit shape it looks most like, in words: 'mouthSmileLeft' is 'mouth smile left'."""
    arkit = head.arkit.reshape(len(head.arkit), -1)
    arkit = arkit / np.linalg.norm(arkit, axis=1, keepdims=True)
    nearest = np.argmax(np.abs(shapes.reshape(len(shapes), -1) @ arkit.T), axis=1)
    return [re.sub("([A-Z])", lambda m: " " + m[1].lower(), head.arkit_names[i]) for i in nearest]
