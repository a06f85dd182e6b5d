"""Where a take is silent, so that emotions may open the mouth: it belongs to speech everywhere else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..numeric import smoothstep

EASE = 0.35  # seconds over which the mouth opens after speech, and closes before it
_MOVES = 1e-4  # of a speech weight: under 0.01 mm


def silence_around(moving: NDArray[np.bool_], rate: float) -> Floats:
    """(T,) in [0, 1] at `rate` Hz: 0 at the frames that move and their neighbours, 1 from EASE away on, smooth between.

    The neighbours are in it so that nothing opens between a frame that moves and one that does not.
    """
    frames, moved = np.arange(len(moving)), np.flatnonzero(moving)
    if not len(moved):
        return np.ones(len(moving), np.float32)
    after = np.searchsorted(moved, frames)
    ahead = np.abs(moved[np.minimum(after, len(moved) - 1)] - frames)
    behind = np.abs(frames - moved[np.maximum(after - 1, 0)])
    away = np.maximum(np.minimum(ahead, behind) - 1, 0)
    return smoothstep(away / rate / EASE).astype(np.float32)


def kept_from_speech(silence: Floats, speech_weights: Floats, rate: float) -> Floats:
    """The silence (T,) at `rate` Hz with all of it taken away where speech weights (T, Ks) move the face."""
    return np.minimum(silence, silence_around(_moving(speech_weights), rate))


def with_surroundings(silence: Floats, speech_weights: Floats, rate: float) -> tuple[Floats, int]:
    """(silence (n + T + n,), n): with as many frames before and after as it takes to become 1, where nobody speaks.

    Speech weights (T, Ks) hold their first and last value there: one that is not at rest leaves no silence.
    """
    count, ends = int(np.ceil(EASE * rate)) + 2, _moving(speech_weights[[0, -1]])
    kept = np.concatenate([np.full(count, ends[0]), silence == 0, np.full(count, ends[1])])
    around = silence_around(kept, rate)
    around[count:-count] = silence
    return around, count


def _moving(speech_weights: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.abs(speech_weights).max(axis=1, initial=0.0) > _MOVES)
