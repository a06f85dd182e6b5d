"""Whether a source's pictures come late or early against its sound, told by the mouth itself.

The teacher's mouth moves by the rules of articulation, a fixed time after the sound. How much later than it the tracked
lips move is, over a whole source, the source's own offset, but for the little that real people differ from the rules.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...inference.arrays import Floats
from ..measures import lag
from ..read_at import at_times
from .manner import Motion

_IGNORED = 0.03  # seconds: less than a frame is no offset


def offset_of(motions: Sequence[Motion], gaps: Sequence[Floats]) -> float:
    """Seconds by which a source's pictures are late; `gaps` (T,) at 50 Hz are the teacher's, in mm."""
    late = [
        lag(motion.measures[:, 0], at_times(motion.clip.times, gap[:, None])[:, 0], motion.clip.fps)
        for motion, gap in zip(motions, gaps, strict=True)
        if np.ptp(gap) > 0
    ]
    found = float(np.median(late)) if late else 0.0
    return found if abs(found) > _IGNORED else 0.0
