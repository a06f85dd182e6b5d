"""What models agree on that learned from people alone: a teacher of voices that no video has.

Stopped early, they follow strangers better than a model that goes on to learn, since most of the minutes on video are
one man's; and their mean follows them better than one of them. What they know less of is kept from an example's own
motion: lips that close, bite or rest, and rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ...inference.arrays import Floats
from ..speech_rig import CHANNEL_NAMES
from ..video.face_measures import MEASURES, SHOWN
from ..video.targets import head_measures
from .examples import NATURAL, PEOPLE, SYNTHETIC, Example
from .predict import predict

OWN_SHARE = {PEOPLE: 0.5, SYNTHETIC: 0.3}  # of an example's own motion, at least
_CLOSING = 1.0, 3.0  # mm: a gap below the first is kept whole, one above the second is not kept for being small
_ROUNDED, _ROUND_SHARE = 2.0, 0.7  # mm that lips come forward for all of that share
_BITTEN = 0.4  # of the bite that is kept whole
_GAP, _FORWARD, _BITE = SHOWN.index("gap"), SHOWN.index("protrusion"), CHANNEL_NAMES.index("bite")


def agreed(models: Sequence[nn.Module], features: NDArray[np.float16]) -> Floats:
    """The models' mean (T, C) of features (T, layers, width), in the natural style."""
    return np.mean([np.clip(predict(model, features, NATURAL), 0.0, 1.0) for model in models], axis=0)


def kept(channels: Floats) -> Floats:
    """The share (T, 1) of a motion (T, C) that is its own: where it closes, bites, rests or rounds."""
    face = channels @ head_measures().T
    low, high = _CLOSING
    closed = (high - face[:, _GAP]) / (high - low)
    rounded = _ROUND_SHARE * np.minimum(face[:, _FORWARD] / _ROUNDED, 1.0)
    share = np.maximum.reduce([closed, rounded, channels[:, _BITE] / _BITTEN])
    return np.clip(share, 0.0, 1.0)[:, None].astype(np.float32)


def taught(example: Example, models: Sequence[nn.Module]) -> Example:
    """An example in the natural style whose motion is partly what the models agree on."""
    said = agreed(models, example.features)
    share = np.maximum(kept(example.channels), OWN_SHARE[example.source])
    channels = share * example.channels + (1 - share) * said
    if example.measures is None:
        return replace(example, channels=channels)
    shown = said @ head_measures()[: len(MEASURES)].T
    return replace(example, channels=channels, measures=share * example.measures + (1 - share) * shown)
