"""Lips that meet where they nearly meet, and do not pass.

Nobody speaks with lips half a millimetre apart, and no network closes them to the last tenth: where channels bring lips
as near as NEARLY they meet, and up to APART they come nearer. What parts them is less by one factor.

Channels are learned one by one, and the sum of a rolled, a pressed and a closed mouth goes further than lips can. What
rolls the lower lip in presses most in the very middle, and would leave a slit on either side: it is carried out until
the lips meet there. What would press them further than FURTHEST is not carried out, and the lower lip is drawn down by
as little as it takes. It comes down in the middle most, where lips press most, so that they stay closed to the
corners; and no tooth shows, as it would if the jaw opened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..arrays import Floats
from ..head.canonical import Head
from ..numeric import smoothstep

FURTHEST = 0.0005  # metres that lips may be pressed past contact before the lower one gives way
NEARLY, APART = 0.0005, 0.002  # metres between lips, mean of the pairs
_GIVE = 0.1e-3  # metres: soft lips are pressed flat by as much, and so are shut to the corners
_BLOCK = 4096  # frames at a time, so that memory does not grow with the recording
_OPENS = 0.5  # of the largest gap that the channel makes: pairs of inner lips where it makes less are near the corners


@dataclass(frozen=True, eq=False)
class LipContact:
    """What channels of a rig do to the height between P pairs of inner lips."""

    parting: Floats  # (C, P) metres at 1
    yielding: int  # the channel that draws the lower lip down
    uneven: int | None = None  # the closing channel that presses in the middle most, and goes no further than contact

    def settled(self, channels: Floats) -> Floats:
        """Channels (T, C) whose lips meet where they nearly do, and do not pass.

        Twice: where lips press in the middle alone, the lip that gives way parts them beside it.
        """
        return _in_blocks(lambda part: self._held(self.met(self._held(self.met(part)))), channels)

    def met(self, channels: Floats) -> Floats:
        """Channels (T, C) in which lips that nearly meet do meet: those that part them are less.

        Lips that are further apart than APART stay where they are, and what is nearer stays nearer.
        """
        parting = self.parting.mean(axis=1)
        gap, parts = channels @ parting, parting > 0
        near = APART * smoothstep(gap, NEARLY, APART)
        less = np.where(gap < APART, np.maximum(gap - near, 0.0), 0.0)
        kept = 1.0 - np.minimum(less / np.maximum(channels[:, parts] @ parting[parts], 1e-9), 1.0)
        return np.where(parts, channels * kept[:, None], channels)

    def hold(self, channels: Floats) -> Floats:
        """Channels (T, C) in which no pair of inner lips is nearer than at rest by more than lips give.

        Closing channels are less, the yielding one is more.
        """
        return _in_blocks(self._held, channels)

    def _held(self, channels: Floats) -> Floats:
        result = channels.copy()
        if self.uneven is not None:
            result[:, self.uneven] = 0.0
            room = (result @ self.parting + _GIVE) / -self.parting[self.uneven]
            result[:, self.uneven] = np.clip(room.min(axis=1), 0.0, channels[:, self.uneven])
        closing = self.parting.mean(axis=1) < 0
        shut, apart = -(result[:, closing] @ self.parting[closing]), result[:, ~closing] @ self.parting[~closing]
        kept = np.where(shut - apart > FURTHEST, (apart + FURTHEST) / np.maximum(shut, 1e-9), 1.0)
        result[:, closing] *= np.clip(kept.min(axis=1), 0.0, 1.0)[:, None]
        overlap = np.maximum(-(result @ self.parting) - _GIVE, 0.0)
        result[:, self.yielding] += (overlap / self.parting[self.yielding]).max(axis=1)
        return result


def _in_blocks(change: Callable[[Floats], Floats], channels: Floats) -> Floats:
    blocks = [change(channels[start : start + _BLOCK]) for start in range(0, len(channels), _BLOCK)]
    return np.concatenate([channels[:0], *blocks])


def lip_contact(head: Head, rig: Floats, yielding: int, uneven: int | None = None) -> LipContact:
    """The contact of a rig (C, V, 3) on the canonical head, between the middle pairs of its inner lips."""
    upper, lower = head.regions["inner_lip_upper"], head.regions["inner_lip_lower"]
    parting = rig[:, upper, 2] - rig[:, lower, 2]
    middle = parting[yielding] > _OPENS * parting[yielding].max()
    return LipContact(np.ascontiguousarray(parting[:, middle]), yielding, uneven)
