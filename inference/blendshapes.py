"""The learned blendshapes of the Duet head, read from weights/fusion.safetensors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .checkpoints import load_checkpoint

DEFAULT_PATH = Path(__file__).resolve().parent.parent / "weights" / "fusion.safetensors"

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Blendshapes:
    """Columns of the fusion module's linear decoder: deltas in metres on the canonical head at weight 1."""

    speech_basis: Floats  # (Ks, V, 3)
    expression_basis: Floats  # (Ke, V, 3)
    speech_names: tuple[str, ...]
    expression_names: tuple[str, ...]
    emotion_weights: Floats  # (E, Ke), w_E of each of EMOTIONS at intensity 1: its recipe through E_E


def load_blendshapes(path: Path | None = None) -> Blendshapes:
    """Read the learned blendshapes (default: the shipped ones); raises WeightsError where the file is unusable."""
    checkpoint = load_checkpoint(path or DEFAULT_PATH)
    names = [tuple(checkpoint.json(f"{domain}_names")) for domain in ("speech", "expression")]
    speech, expression, emotions = (
        np.ascontiguousarray(checkpoint.array(name), np.float32)
        for name in ("basis.speech", "basis.expression", "emotion_weights")
    )
    return Blendshapes(speech, expression, names[0], names[1], emotions)
