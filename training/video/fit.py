"""Rig channels from what video shows of a mouth: non-negative, smooth in time, near a prior where video is blind.

For every frame the channels c minimise

    sum over measures of ((A c - y) / tolerance)^2 + PRIOR sum over channels of ((c - prior) / spread)^2

with c in [0, 1], and SMOOTH times the squared change of c from frame to frame. Channels that no measure shows (the
tongue's) are the prior itself. All frames of a clip are solved at once
by accelerated projected gradient steps (Beck and Teboulle 2009), since neighbours depend on each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...inference.arrays import Floats
from .face_measures import MEASURES

# mm that each measure may be off by for the same cost: corners and lip heights are tracked less surely than the gap
TOLERANCE = {
    "gap": 0.4,
    "width": 0.5,
    "upper_lip": 1.0,
    "lower_lip": 1.0,
    "chin_drop": 0.5,
    "upper_rise": 1.2,
    "corner_rise": 1.5,
}
PRIOR, SMOOTH = 0.6, 40.0
_SEEN = 0.2  # mm: a channel that moves no measure by as much at 1 is not seen
_STEPS = 250


@dataclass(frozen=True, eq=False)
class Fit:
    """Channels (T, C), and what they leave of each measure (T, M) in mm: the head's less the video's."""

    channels: Floats
    residual: Floats


def fit_channels(rig: Floats, measures: Floats, prior: Floats, spread: Floats) -> Fit:
    """Channels of one clip's frames, whose measures (T, M) are what `rig` (M or more, C) times them should be.

    `prior` (T, C) is what the synthetic teacher says of the same sound, `spread` (C,) how far each channel varies.
    """
    rig, wanted = rig[: len(MEASURES)], measures.astype(np.float64)
    tolerance = np.array([TOLERANCE[name] for name in MEASURES])
    weighted = rig / tolerance[:, None]
    form = weighted.T @ weighted
    pull = PRIOR / np.square(spread.astype(np.float64))
    linear = (wanted / tolerance) @ weighted + pull * prior
    smooth = np.where(np.abs(rig).max(axis=0) > _SEEN, SMOOTH, 0.0)
    step = 1.0 / (np.linalg.eigvalsh(form + np.diag(pull))[-1] + 4 * SMOOTH)
    channels = ahead = np.clip(prior, 0.0, 1.0).astype(np.float64)
    momentum = 1.0
    for _ in range(_STEPS):
        change = np.diff(ahead, axis=0)
        gradient = ahead @ form + pull * ahead - linear
        gradient[:-1] -= smooth * change
        gradient[1:] += smooth * change
        new = np.clip(ahead - step * gradient, 0.0, 1.0)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = new + (momentum - 1) / following * (new - channels)
        channels, momentum = new, following
    return Fit(channels.astype(np.float32), (channels @ rig.T - measures).astype(np.float32))
