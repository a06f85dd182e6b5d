"""Lips that meet and do not pass: where rolled lips would go through each other, the lower one gives way.

Channels are learned one by one, and the sum of a rolled, a pressed and a closed mouth goes further than lips can. The
lower lip is drawn down by as little as it takes. It comes down in the middle most, where lips press most, so that
they stay closed to the corners; and no tooth shows, as it would if the jaw opened.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .head import Head

_OPENS = 0.5  # of the largest gap that the channel makes: pairs of inner lips where it makes less are near the corners
_GIVE = 0.1e-3  # metres: soft lips are pressed flat by as much, and so are shut to the corners

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class LipContact:
    """What channels of a rig do to the height between P pairs of inner lips."""

    parting: Floats  # (C, P) metres at 1
    yielding: int  # the channel that draws the lower lip down

    def hold(self, channels: Floats) -> Floats:
        """Channels (T, C) in which no pair of inner lips is nearer than at rest by more than lips give; one differs."""
        overlap = np.maximum(-(channels @ self.parting) - _GIVE, 0.0)
        result = channels.copy()
        result[:, self.yielding] += (overlap / self.parting[self.yielding]).max(axis=1)
        return result


def lip_contact(head: Head, rig: Floats, yielding: int) -> LipContact:
    """The contact of a rig (C, V, 3) on the canonical head, between the middle pairs of its inner lips."""
    upper, lower = head.regions["inner_lip_upper"], head.regions["inner_lip_lower"]
    parting = rig[:, upper, 2] - rig[:, lower, 2]
    middle = parting[yielding] > _OPENS * parting[yielding].max()
    return LipContact(np.ascontiguousarray(parting[:, middle]), yielding)
