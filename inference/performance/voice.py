"""What life goes by: the voice of a recording, and keys in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Keys = tuple[NDArray[np.float64], NDArray[np.float64]]  # seconds, values; eased between them
Spans = Sequence[tuple[float, float]]

_ACCENT, ACCENT_APART = 0.4, 0.5  # how far the voice stands out at an accent; seconds between two


@dataclass(frozen=True, eq=False)
class Voice:
    """What life goes by: pauses in seconds, and how loud it is (T,) and how far it stands out (T,) at `rate` Hz."""

    pauses: Spans = ()
    loud: NDArray[np.floating] = field(default_factory=lambda: np.zeros(0))
    standing_out: NDArray[np.floating] = field(default_factory=lambda: np.zeros(0))
    rate: float = 1.0

    @property
    def accents(self) -> list[tuple[float, float]]:
        """(second, strength) of the moments at which it stands out most."""
        curve = self.standing_out
        found: list[tuple[float, float]] = []
        inner = curve[1:-1]
        peaks = 1 + np.flatnonzero((inner > curve[:-2]) & (inner >= curve[2:]) & (inner > _ACCENT))
        for at in peaks[np.argsort(-curve[peaks], kind="stable")]:
            if all(abs(at / self.rate - second) >= ACCENT_APART for second, _ in found):
                found.append((float(at / self.rate), float(curve[at])))
        return sorted(found)
