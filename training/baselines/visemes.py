"""A phoneme-to-viseme table with cross-fades: what tools without a learned model do (Rhubarb, Papagayo, Oculus).

Phones are recognised without a transcript. Each has one fixed mouth shape, its target in the synthesis' table, which
is held for the phone's time; neighbouring shapes are cross-faded.
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage

from ...inference.arrays import Floats
from ...inference.engine.windows import FRAME_RATE
from ..data.alignment import recognised_phones
from ..speech_rig import CHANNEL_NAMES
from ..synthesis.coarticulation import LAG
from ..synthesis.phones import gesture_of
from ..synthesis.utterance import Segment

CROSS_FADE = 0.06  # seconds


def shapes_of(segments: tuple[Segment, ...], count: int) -> Floats:
    """Channels (count, C) at 50 Hz: each phone's shape, faded linearly into the next over CROSS_FADE."""
    steps = np.zeros((count, len(CHANNEL_NAMES)), np.float32)
    times = np.arange(count) / FRAME_RATE - LAG  # late by as much as real faces are
    for segment in segments:
        targets = gesture_of(segment.phone).targets
        steps[(times >= segment.start) & (times < segment.end)] = [targets.get(name, 0.0) for name in CHANNEL_NAMES]
    return scipy.ndimage.uniform_filter1d(steps, int(CROSS_FADE * FRAME_RATE), axis=0, mode="nearest")


def viseme_channels(samples: Floats) -> Floats:
    """Rig channels (T, C) at 50 Hz of a recording (N,) at 16 kHz."""
    return shapes_of(recognised_phones(samples), int(len(samples) / 16000 * FRAME_RATE))
