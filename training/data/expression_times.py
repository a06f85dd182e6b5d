"""How far an expression has come at a moment of it: neutral, apex, neutral, as in Florence4D's sequences.

Florence4D (Principi et al. 2023) goes from neutral to the apex and back, and from one expression to another. Here the
onset is quicker than the release, the apex is held for a while, and brows, eyes, cheeks and mouth do not all go at
the same time.
"""

from __future__ import annotations

import numpy as np

from ...inference.arrays import Floats, Numbers
from ...inference.head.canonical import ARKIT_NAMES, EXTRA_NAMES

PARTS = ("brow", "eye", "cheek", "nose", "mouth", "jaw", "tongue")
_PART_OF = np.array([next(i for i, p in enumerate(PARTS) if n.startswith(p)) for n in (*ARKIT_NAMES, *EXTRA_NAMES)])
_ONSET, _RELEASE = (0.15, 0.4), (0.25, 0.5)  # shares of the sequence
_APART = 0.06  # of the sequence: standard deviation of a part's delay


def shares(rng: np.random.Generator, count: int) -> Floats:
    """How much of each of the 55 shapes' apex there is (count, 55), in [0, 1]; each at a random moment."""
    moment = rng.random((count, 1))
    onset, release = (rng.uniform(*span, (count, 1)) for span in (_ONSET, _RELEASE))
    delay = rng.normal(0, _APART, (count, len(PARTS)))[:, _PART_OF]
    return at(moment - delay, onset, release).astype(np.float32)


def at(moment: Numbers, onset: Numbers, release: Numbers) -> Numbers:
    """Eased share of the apex at a moment in [0, 1] of a sequence; all arrays broadcast."""
    line = np.minimum(moment / onset, (1 - moment) / release)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(line, 0.0, 1.0)))
