"""The correctives that are shipped with the blendshapes: what no sum of keys can do (docs/fusion.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...inference.head.canonical import Head
from ...inference.head.correctives import Corrective, LidCorrective
from .emotion_library import Library
from .felt_lids import felt_lids
from .lid_correctives import lid_correctives
from .lip_correctives import lip_correctives
from .readable_basis import Readable


@dataclass(frozen=True, eq=False)
class Correctives:
    """Names and keys of those of pairs, then of those of lids, and the deltas (C, V, 3) of all in metres."""

    pairs: tuple[Corrective, ...]
    lids: tuple[LidCorrective, ...]
    basis: NDArray[np.float32]


def correctives(head: Head, readable: Readable, emotions: Library) -> Correctives:
    """Of one head and its expressions; the same each time."""
    pairs: dict[Corrective, NDArray[np.float32]] = {}
    for pair in lip_correctives(head):
        keys = (f"Speech {pair.first}", f"Speech {pair.second}")
        named = ", ".join(dict.fromkeys((pair.first, pair.second)))
        pairs[Corrective(f"Corrective {named}", *keys)] = pair.delta
    for blink, delta in lid_correctives(head).items():
        pairs[Corrective(f"Corrective {blink}", blink, blink)] = delta
    lids = felt_lids(head, readable.expression_names, readable.expression, emotions.weights)
    return Correctives(
        tuple(pairs), tuple(own for own, _ in lids), np.stack([*pairs.values(), *(delta for _, delta in lids)])
    )
