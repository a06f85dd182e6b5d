"""Lips that meet and do not pass: where rolled lips would go through each other, the jaw opens behind them.

Channels are learned one by one, and the sum of a rolled, a pressed and a closed mouth goes further than lips can. A
person's teeth are apart at p, b and m; so the jaw gives way, by as little as it takes, and the roll stays seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .head import Head

_OPENS = 0.5  # of the jaw's largest gap: pairs of inner lips where it opens less are near the corners

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class LipContact:
    """What channels of a rig do to the height between P pairs of inner lips."""

    parting: Floats  # (C, P) metres at 1
    jaw: int  # the channel that opens the jaw

    def hold(self, channels: Floats) -> Floats:
        """Channels (T, C) in which no pair of inner lips is nearer than at rest; the jaw's alone differs."""
        overlap = np.maximum(-(channels @ self.parting), 0.0)
        result = channels.copy()
        result[:, self.jaw] += (overlap / self.parting[self.jaw]).max(axis=1)
        return result


def lip_contact(head: Head, rig: Floats, jaw: int) -> LipContact:
    """The contact of a rig (C, V, 3) on the canonical head, between the middle pairs of its inner lips."""
    upper, lower = head.regions["inner_lip_upper"], head.regions["inner_lip_lower"]
    parting = rig[:, upper, 2] - rig[:, lower, 2]
    middle = parting[jaw] > _OPENS * parting[jaw].max()
    return LipContact(np.ascontiguousarray(parting[:, middle]), jaw)
