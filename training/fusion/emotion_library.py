"""The emotions and named expressions as the shipped file has them: each recipe read by the encoders as shipped."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import torch
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.engine.fusion_torch import FusionEncoder
from ...inference.engine.uv_grid import Grid
from ...inference.head.canonical import Head
from ..speech_rig import SPEECH_KEYS
from .emotion_measures import read_vertices
from .module import FusionModule
from .named_expressions import LIBRARY, library_arkit
from .readable_basis import Readable

OPENING = (
    "jaw open",
    "lips funnel",
    "lower lip down",
    "upper lip up",
)  # speech keys that an expression may turn up in silence


@dataclass(frozen=True, eq=False)
class Library:
    """N named expressions at intensity 1: weights of expression blendshapes, and of speech keys in silence."""

    names: tuple[str, ...]
    weights: Floats  # (N, Ke): w_E of each recipe; its w_A is dropped, for the mouth's opening belongs to speech
    opening: Floats  # (N, Ks) >= 0: parted lips and dropped jaw that w_E leaves out, for where nothing is said


def library(module: FusionModule, head: Head, grid: Grid, readable: Readable) -> Library:
    """All of LIBRARY, through encoders that know the blendshapes as shipped (expressions in float16)."""
    deltas = np.tensordot(library_arkit(), head.arkit, axes=1)
    shipped = readable.expression.astype(np.float16).astype(np.float32)
    weights = read(module.expression_encoder, deltas, grid, shipped, half=True)
    left = deltas - np.tensordot(weights, shipped, axes=1)
    return Library(
        LIBRARY, weights, opening_of(left, readable.speech, np.union1d(read_vertices(head), head.regions["jaw"]))
    )


def opening_of(left: Floats, keys: Floats, seen: NDArray[np.integer]) -> Floats:
    """Weights (n, Ks) >= 0 of the keys (Ks, V, 3) that open a mouth, nearest to what is left (n, V, 3) as it shows.

    E_A's own w_A would not do: it sees the whole recipe, and reads into a raised lip what E_E has given it already.
    """
    at = [tuple(SPEECH_KEYS).index(name) for name in OPENING]
    basis = keys[at][:, seen].reshape(len(at), -1).T.astype(np.float64)
    result = np.zeros((len(left), len(keys)), np.float32)
    for row, field in zip(result, left, strict=True):
        row[at] = scipy.optimize.nnls(basis, field[seen].ravel().astype(np.float64))[0]
    return result


def read(encoder: FusionEncoder, deltas: Floats, grid: Grid, basis: Floats, half: bool = False) -> Floats:
    """Weights (n, K) that an encoder gives displacements (n, V, 3), as it is shipped with a basis (K, V, 3)."""
    shipped = copy.deepcopy(encoder).half().float() if half else copy.deepcopy(encoder)
    shipped.known.copy_(torch.from_numpy(grid.image(basis).reshape(len(basis), -1)))
    with torch.no_grad():
        return np.asarray(shipped(torch.from_numpy(grid.image(deltas))))
