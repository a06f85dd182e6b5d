"""Styles on every voice: each set's voices, in the manner of the other set.

A captured voice gives its set away, so a model that only ever hears it with captured motion learns the manner from
the sound and leaves the style unused. Two small models, each trained on one set alone, therefore say how the other
set's voices would move in their manner, and the speech model learns that as well (self-training).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .speech_examples import CAPTURED, ENUNCIATED, Example

Floats = NDArray[np.float32]
Predict = Callable[[Example], Floats]
RELAXED = 0.5  # share of the teacher's motion where it knows the manner but never heard such a voice


def taught_examples(examples: Sequence[Example], like_captured: Predict, enunciated: Predict) -> Iterator[Example]:
    """The same stretches in the other style.

    The teacher of captured motion has heard one voice in one language: of its motion on others only half is taken,
    and the rest is what the phones call for, so that closures stay. Channels that nobody captured keep their motion.
    """
    captured = next(e for e in examples if e.captured)
    known = ~np.isnan(captured.channels).any(axis=0)
    for example in examples:
        if example.captured:
            motion = np.clip(enunciated(example), 0.0, 1.0)
            yield Example(example.features, motion, ENUNCIATED, True, taught=True)
        else:
            found = np.clip(like_captured(example), 0.0, 1.0)
            mixed = np.where(known, RELAXED * found + (1 - RELAXED) * example.channels, example.channels)
            yield Example(example.features, mixed.astype(np.float32), CAPTURED, False, taught=True)
