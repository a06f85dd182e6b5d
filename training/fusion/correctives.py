"""The correctives that are shipped with the blendshapes: what no sum of keys can do (docs/fusion.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...inference.head.canonical import Head
from ...inference.head.correctives import Corrective
from .lid_correctives import lid_correctives
from .lip_correctives import lip_correctives


@dataclass(frozen=True, eq=False)
class Correctives:
    """Names and keys of C correctives, and their deltas (C, V, 3) in metres."""

    names: tuple[Corrective, ...]
    basis: NDArray[np.float32]


def correctives(head: Head) -> Correctives:
    """Of one head; the same each time."""
    found = {}
    for pair in lip_correctives(head):
        keys = (f"Speech {pair.first}", f"Speech {pair.second}")
        found[Corrective(f"Corrective {pair.first}, {pair.second}", *keys)] = pair.delta
    for blink, delta in lid_correctives(head).items():
        found[Corrective(f"Corrective {blink}", blink, blink)] = delta
    return Correctives(tuple(found), np.stack(list(found.values())))
