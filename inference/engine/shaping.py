"""From the rig channels that the speech model gives to the weights of the head's speech blendshapes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays import Floats
from ..head.canonical import Head
from .fusion_numpy import BATCH
from .lip_contact import LipContact, lip_contact
from .models import Models

_MIXES, _LINEAR = 4, 1e-4  # mixes of channels that the fusion module is tried on, and how near a linear one must come


class Shaping:
    """What each rig channel does: as a displacement image, between the lips, and as weights where that is a matrix."""

    def __init__(self, contact: LipContact, images: Floats, encode: Callable[[Floats], Floats]) -> None:
        """As `on_head` says; `encode` is the fusion module: w_A (N, Ks) of displacement images (N, side, side, 3)."""
        self.contact, self.images, self._encode = contact, images, encode
        self.matrix = self.folded(images)

    def folded(self, images: Floats) -> Floats | None:
        """The fusion module's weights (C, Ks) of a rig's images (C, side, side, 3), None where mixes are not mixed.

        Its CNN reads what its blendshapes cannot make; where they make all that the rig does, it is a matrix.
        """
        mixes = np.random.default_rng(0).random((_MIXES, len(images)), np.float32)
        mixed = np.tensordot(mixes, images, 1)
        found = self._encode(np.concatenate([images, mixed]))
        alone, together = found[: len(images)], found[len(images) :]
        return alone if np.abs(mixes @ alone - together).max() < _LINEAR else None

    def weights(self, channels: Floats, progress: Callable[[float], None] = lambda _: None) -> Floats:
        """w_A (T, Ks) of rig channels (T, C); `progress` is told the share that is done and may raise."""
        if self.matrix is not None:
            return channels @ self.matrix
        parts, flat = [], self.images.reshape(len(self.images), -1)
        for start in range(0, len(channels), BATCH):
            progress(start / len(channels))
            images = (channels[start : start + BATCH] @ flat).reshape(-1, *self.images.shape[1:])
            parts.append(self._encode(images))
        return np.concatenate(parts)


def on_head(models: Models, head: Head) -> tuple[LipContact, Floats]:
    """What the rig's channels do on a head: between the lips, and as images (C, side, side, 3)."""
    deltas = models.rig.deltas(head)
    yielding, uneven = (models.rig.channels.index(name) for name in ("lower_down", "roll_lower"))
    return lip_contact(head, deltas, yielding, uneven), models.grid.image(deltas)
