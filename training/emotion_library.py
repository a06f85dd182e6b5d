"""The emotions and named expressions as the shipped file has them: each recipe read by the encoders as shipped."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..inference.fusion_torch import FusionEncoder
from ..inference.geometry import Grid
from ..inference.head import Head
from .fusion_module import FusionModule
from .mouth import mouth_of
from .named_expressions import LIBRARY, library_arkit
from .readable_basis import Readable

_OPENS = 1.0  # mm: a speech key that parts the lips by more opens the mouth

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Library:
    """N named expressions at intensity 1: weights of expression blendshapes, and of speech keys in silence."""

    names: tuple[str, ...]
    weights: Floats  # (N, Ke): w_E of each recipe; its w_A is dropped, for the mouth's opening belongs to speech
    opening: Floats  # (N, Ks) >= 0: what of its w_A opens the mouth, for where nothing is said


def library(module: FusionModule, head: Head, grid: Grid, readable: Readable) -> Library:
    """All of LIBRARY, through encoders that know the blendshapes as shipped (expressions in float16)."""
    deltas = np.tensordot(library_arkit(), head.arkit, axes=1)
    shipped = readable.expression.astype(np.float16).astype(np.float32)
    weights = read(module.expression_encoder, deltas, grid, shipped, half=True)
    opening = read(module.speech_encoder, deltas, grid, readable.speech)
    opens = mouth_of(head, readable.speech).gap_of > _OPENS
    return Library(LIBRARY, weights, np.where(opens, np.maximum(opening, 0.0), 0.0).astype(np.float32))


def read(encoder: FusionEncoder, deltas: Floats, grid: Grid, basis: Floats, half: bool = False) -> Floats:
    """Weights (n, K) that an encoder gives displacements (n, V, 3), as it is shipped with a basis (K, V, 3)."""
    shipped = copy.deepcopy(encoder).half().float() if half else copy.deepcopy(encoder)
    shipped.known.copy_(torch.from_numpy(grid.image(basis).reshape(len(basis), -1)))
    with torch.no_grad():
        return np.asarray(shipped(torch.from_numpy(grid.image(deltas))))
