"""The speech model's loss: error of the channels, of what the face shows, of the motion of both, and of closures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (its customary name)

from ..video.face_measures import SHOWN
from .examples import SYNTHETIC, Example

VELOCITY, FACE_VELOCITY = 5.0, 10.0
SHUT, SLIGHT = 0.3, 0.5  # mm: lips this near are held closed; beyond the second the cost of an opening grows linearly
# mm of each measure that cost alike, and what it counts: the rig follows lip heights and rises less well than the rest
_UNITS = {
    "gap": (5.0, 1.0),
    "width": (3.5, 1.0),
    "upper_lip": (2.0, 0.3),
    "lower_lip": (2.0, 0.3),
    "chin_drop": (5.0, 0.8),
    "upper_rise": (4.0, 0.2),
    "corner_rise": (4.0, 0.2),
    "protrusion": (3.0, 0.7),
}
_LEAST = 0.02  # deviation below which a channel's errors are not made larger


@dataclass(frozen=True)
class Costs:
    """What counts how much: channels, what the face shows of them, and lips that stand open where they should not."""

    channels: float = 0.3
    face: float = 1.0
    closure: float = 2.0


CLOSED = Costs()
OPEN = Costs(channels=1.0, face=0.3, closure=0.0)  # lips that follow people, whether or not they close


@dataclass(frozen=True, eq=False)
class SpeechLoss:
    """What errors cost.

    scale: (C,) deviation of each channel, so that small channels are learned beside the jaw. rig: (M, C) mm of each
    measure of the face that a channel moves. weight: (M,) by which an error in mm is multiplied.
    """

    scale: Tensor
    rig: Tensor
    weight: Tensor
    costs: Costs = CLOSED

    def __call__(self, predicted: Tensor, target: Tensor, measures: Tensor) -> Tensor:
        """Loss of channels (B, T, C). In frames that video measured (B, T, M; else NaN) the measures themselves count.

        Unknown channels are NaN and do not count, nor do single measures that video does not show.
        """
        known = ~target.isnan()
        error = torch.where(known, predicted - target.nan_to_num(), 0.0) / self.scale
        channels = (error.square().sum() + VELOCITY * error.diff(dim=-2).square().sum()) / known.sum()
        # the face shows channels in [0, 1] alone; beyond them the gradient goes on as if it did
        held = predicted + (predicted.clamp(0.0, 1.0) - predicted).detach()
        shown = held @ self.rig.T
        unseen = measures.isnan()
        fitted = torch.where(known, target, held) @ self.rig.T
        wanted = torch.where(unseen.all(dim=-1, keepdim=True), fitted, torch.where(unseen, shown, measures))
        off = (shown - wanted) * self.weight
        face = off.square().mean() + FACE_VELOCITY * off.diff(dim=-2).square().mean()
        open_by = torch.where(wanted[..., 0] < SHUT, (shown[..., 0] - wanted[..., 0]).relu(), 0.0)
        closures = F.smooth_l1_loss(open_by, torch.zeros_like(open_by), beta=SLIGHT)
        return self.costs.channels * channels + self.costs.face * face + self.costs.closure * closures


def loss_for(examples: Sequence[Example], rig: NDArray[np.float32], costs: Costs = CLOSED) -> SpeechLoss:
    """The loss with the deviations found in some examples, for a rig (M, C) in mm."""
    units = np.array([_UNITS[name] for name in SHOWN], np.float32)
    arrays = channel_scale(examples), rig, np.sqrt(units[:, 1]) / units[:, 0]
    scale, shown, weight = (torch.from_numpy(np.ascontiguousarray(array, np.float32)) for array in arrays)
    return SpeechLoss(scale, shown, weight, costs)


def channel_scale(examples: Sequence[Example]) -> NDArray[np.float32]:
    """Deviation (C,) of each channel in synthetic speech, which has them all, or else in whatever there is."""
    chosen = [e for e in examples if e.source == SYNTHETIC] or list(examples)
    found = np.nanstd(np.concatenate([e.channels for e in chosen]), axis=0)
    return np.nan_to_num(found, nan=0.1) + np.float32(_LEAST)
