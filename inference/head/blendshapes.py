"""The learned blendshapes of the Duet head, read from weights/fusion.safetensors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..checkpoints import Checkpoint, of_this_version
from ..errors import WeightsError
from ..stamps import BUILT_ON, load_weights
from ..take import EMOTIONS

DEFAULT_PATH = Path(__file__).resolve().parents[2] / "weights" / "fusion.safetensors"

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Blendshapes:
    """Columns of the fusion module's linear decoder: deltas in metres on the canonical head at weight 1."""

    speech_basis: Floats  # (Ks, V, 3)
    expression_basis: Floats  # (Ke, V, 3)
    speech_names: tuple[str, ...]
    expression_names: tuple[str, ...]
    emotions: tuple[str, ...]  # N names: EMOTIONS in their order, then the library's named expressions
    emotion_weights: Floats  # (N, Ke), w_E of each at intensity 1: its recipe through E_E
    emotion_opening: Floats  # (N, Ks) >= 0, on speech keys: the parted lips and dropped jaw of its w_A, for silence

    @cached_property
    def id(self) -> str:
        """12 hex digits over names and deltas: which blendshapes a head has."""
        digest = hashlib.sha256("\n".join((*self.speech_names, *self.expression_names)).encode())
        for basis in (self.speech_basis, self.expression_basis):
            digest.update(np.ascontiguousarray(basis).tobytes())
        return digest.hexdigest()[:12]


@cache
def shipped_id() -> str:
    """The id of the shipped blendshapes; raises WeightsError as `load_blendshapes` does."""
    return load_blendshapes().id


def load_blendshapes(path: Path | None = None) -> Blendshapes:
    """Read the learned blendshapes (default: the shipped ones).

    Raises WeightsError where the file is unusable or was not built on the head beside it.
    """
    checkpoint = load_weights(path or DEFAULT_PATH, BUILT_ON["fusion"])
    with of_this_version(checkpoint.path):
        names = [tuple(checkpoint.json(f"{domain}_names")) for domain in ("speech", "expression")]
        speech, expression = (_floats(checkpoint, f"basis.{domain}") for domain in ("speech", "expression"))
        return Blendshapes(speech, expression, names[0], names[1], *_emotions(checkpoint, len(speech)))


def _floats(checkpoint: Checkpoint, name: str) -> Floats:
    return np.ascontiguousarray(checkpoint.array(name), np.float32)


def _emotions(checkpoint: Checkpoint, speech: int) -> tuple[tuple[str, ...], Floats, Floats]:
    """Names (N,), weights (N, Ke) and openings (N, Ks); a file without names knows EMOTIONS, and opens no mouth."""
    weights = _floats(checkpoint, "emotion_weights")
    names = tuple(checkpoint.json("emotions")) if "emotions" in checkpoint.metadata else EMOTIONS
    known = "emotion_opening" in checkpoint.arrays
    opening = _floats(checkpoint, "emotion_opening") if known else np.zeros((len(weights), speech), np.float32)
    if names[: len(EMOTIONS)] != EMOTIONS or not len(names) == len(weights) == len(opening):
        raise WeightsError(
            f"{checkpoint.path} names {len(names)} emotions, and has weights of {len(weights)}.",
            "Train it again as docs/fusion.md says.",
        )
    return names, weights, opening
