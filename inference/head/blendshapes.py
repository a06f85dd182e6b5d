"""The learned blendshapes of the Duet head, read from weights/fusion.safetensors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..checkpoints import Checkpoint, of_this_version
from ..errors import WeightsError
from ..stamps import BUILT_ON, load_weights
from ..take import EMOTIONS
from .correctives import Corrective, LidCorrective, values_of

_UNSEEN = 1.7e-6  # metres that one corrective moves a vertex: of all at once, under a hundredth of a millimetre
DEFAULT_PATH = Path(__file__).resolve().parents[2] / "weights" / "fusion.safetensors"


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
    correctives: tuple[Corrective | LidCorrective, ...] = ()
    corrective_basis: Floats = field(default_factory=lambda: np.zeros((0, 0, 3), np.float32))  # (C, V, 3)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of all that a face is mixed of: speech, expression, correctives."""
        return (*self.speech_names, *self.expression_names, *(each.name for each in self.correctives))

    @cached_property
    def basis(self) -> Floats:
        """(K + C, V, 3) in the order of `names`."""
        parts = [self.speech_basis, self.expression_basis]
        return np.concatenate([*parts, self.corrective_basis] if self.correctives else parts)

    def mixed(self, weights: Floats, life: Mapping[str, Floats] | None = None) -> Floats:
        """(T, K + C) of `basis`: weights (T, K) of speech and expression, and the correctives that follow from them.

        And from `life`, the values (T,) of ARKit's shapes by name.
        """
        names = (*self.speech_names, *self.expression_names, *(life or ()))
        known = np.column_stack([weights, *(life or {}).values()])
        return np.concatenate([weights, values_of(self.correctives, names, known)], axis=1)

    def faces(self, rest: Floats, weights: Floats, life: Mapping[str, Floats] | None = None) -> Floats:
        """Faces (T, V, 3) of a head at rest (V, 3), in metres, of weights (T, K) of speech and expression.

        Of `life`, as `mixed` has it, the correctives alone: its own shapes are the head's.
        """
        moved = self.mixed(weights, life) @ self.basis.reshape(len(self.basis), -1)
        return np.asarray(rest + moved.reshape(len(weights), -1, 3), np.float32)

    @cached_property
    def id(self) -> str:
        """12 hex digits over names and deltas: which blendshapes a head has."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        for basis in (self.speech_basis, self.expression_basis, self.corrective_basis):
            digest.update(np.ascontiguousarray(basis).tobytes())
        return digest.hexdigest()[:12]


@cache
def shipped() -> Blendshapes:
    """The shipped blendshapes, read once; raises WeightsError as `load_blendshapes` does."""
    return load_blendshapes()


def shipped_id() -> str:
    """The id of those."""
    return shipped().id


def load_blendshapes(path: Path | None = None) -> Blendshapes:
    """Read the learned blendshapes (default: the shipped ones).

    Raises WeightsError where the file is unusable or was not built on the head beside it.
    """
    checkpoint = load_weights(path or DEFAULT_PATH, BUILT_ON["fusion"])
    with of_this_version(checkpoint.path):
        speech, expression = (_floats(checkpoint, f"basis.{domain}") for domain in ("speech", "expression"))
        return Blendshapes(speech, expression, *names_and_emotions(checkpoint), *_correctives(checkpoint))


Names = tuple[str, ...]


def names_and_emotions(checkpoint: Checkpoint) -> tuple[Names, Names, Names, Floats, Floats]:
    """The fields of Blendshapes between the bases and the correctives, in their order; raises WeightsError."""
    names = ("speech_names", "expression_names", "emotions")
    speech, expression, emotions = (tuple(checkpoint.json(name)) for name in names)
    weights, opening = (_floats(checkpoint, f"emotion_{each}") for each in ("weights", "opening"))
    if emotions[: len(EMOTIONS)] != EMOTIONS or not len(emotions) == len(weights) == len(opening):
        raise WeightsError(
            f"{checkpoint.path} names {len(emotions)} emotions, and has weights of {len(weights)}.",
            "Train it again as docs/fusion.md says.",
        )
    return speech, expression, emotions, weights, opening


def _floats(checkpoint: Checkpoint, name: str) -> Floats:
    return checkpoint.array(name).astype(np.float32)


def _correctives(checkpoint: Checkpoint) -> tuple[tuple[Corrective | LidCorrective, ...], Floats]:
    """The correctives and their deltas (C, V, 3)."""
    products = [Corrective(*each) for each in checkpoint.json("correctives")]
    expressions = checkpoint.json("expression_names")
    rows = zip(checkpoint.json("lid_correctives"), checkpoint.array("lid_weights").tolist(), strict=True)
    lids = [LidCorrective(name, blink, dict(zip(expressions, row, strict=True))) for (name, blink), row in rows]
    basis = _floats(checkpoint, "basis.corrective")
    if len(products) + len(lids) != len(basis):
        raise WeightsError(
            f"{checkpoint.path} names {len(products) + len(lids)} correctives, and has {len(basis)}.",
            "Train it again as docs/fusion.md says.",
        )
    seen = [replace(each, unseen=_unseen(delta)) for each, delta in zip(products, basis, strict=False)]
    return (*seen, *lids), basis


def _unseen(delta: Floats) -> float:
    """The weight up to which nobody sees a shape's deltas (V, 3), in three digits."""
    reach = float(np.linalg.norm(delta, axis=1).max(initial=0.0))
    return float(f"{_UNSEEN / reach:.3g}") if reach else 0.0
