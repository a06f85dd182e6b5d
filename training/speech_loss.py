"""The speech model's loss: error of the channels, of their motion, of the lips that they make, and of closures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..inference.head import Head
from .mouth import LIPS, mouth_of, vertices_of
from .speech_examples import Example
from .speech_rig import rig_deltas

VELOCITY, LIP_SHAPE, CLOSURE = 5.0, 1.0, 0.3  # weights beside the channels' own error
SHUT = 0.3  # mm: lips this near are held closed
_LEAST = 0.01  # deviation below which a channel's errors are not made larger


@dataclass(frozen=True, eq=False)
class SpeechLoss:
    """What errors cost.

    scale: (C,) deviation of each channel. Without the division the jaw, whose variance is thirty times that of the
    lip rolls, would be all that is learned. lips: (C, C), so that e^T lips e is the mean squared displacement of the
    lip vertices over its own variance: the error that LVE measures. gap: (C,), the lips' gap in mm of each channel.
    """

    scale: Tensor
    lips: Tensor
    gap: Tensor

    def __call__(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Loss of channels (B, T, C); targets that nobody captured are NaN and do not count."""
        known = ~target.isnan()
        target = torch.where(known, target, 0.0)
        difference = torch.where(known, predicted - target, 0.0)
        error = difference / self.scale
        channels = (error.square().sum() + VELOCITY * error.diff(dim=-2).square().sum()) / known.sum()
        lips = torch.einsum("...c,cd,...d->...", difference, self.lips, difference).mean()
        wanted, shown = target @ self.gap, torch.where(known, predicted, 0.0) @ self.gap
        open_by = torch.where(wanted < SHUT, (shown - wanted).relu(), 0.0)
        return channels + LIP_SHAPE * lips + CLOSURE * open_by.square().mean()


def loss_for(examples: Sequence[Example], head: Head) -> SpeechLoss:
    """The loss with the deviations found in some examples, on a head."""
    rig = rig_deltas(head)
    flat = 1000.0 * rig[:, vertices_of(head, LIPS)].reshape(len(rig), -1).astype(np.float64)
    form = flat @ flat.T / (flat.shape[1] / 3)
    known = np.concatenate([np.nan_to_num(e.channels) for e in examples if not e.taught])
    spread = np.einsum("cd,cd->", np.cov(known.T), form)
    gap = mouth_of(head, rig).gap_of
    scale, lips = channel_scale(examples), (form / spread).astype(np.float32)
    return SpeechLoss(*(torch.from_numpy(np.ascontiguousarray(a, np.float32)) for a in (scale, lips, gap)))


def channel_scale(examples: Sequence[Example]) -> NDArray[np.float32]:
    """Deviation (C,) of each channel, in the captured takes where they have it, else in synthetic speech."""
    groups = [[e.channels for e in examples if e.captured == captured and not e.taught] for captured in (True, False)]
    captured, synthetic = (np.concatenate(g).std(axis=0) if g else None for g in groups)
    if captured is None or synthetic is None:
        found = captured if synthetic is None else synthetic
        return np.nan_to_num(np.asarray(found), nan=0.1) + np.float32(_LEAST)
    return np.where(np.isnan(captured), synthetic, captured) + np.float32(_LEAST)
