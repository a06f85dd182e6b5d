"""The speech rig: what each channel of the speech model moves, as a mix of the head's shapes (weights/rig.safetensors).

As a table, it fits any Duet head; `deltas` says what it is on one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..checkpoints import load_checkpoint
from ..errors import WeightsError
from ..head.canonical import Head


@dataclass(frozen=True, eq=False)
class SpeechRig:
    """C channels as amounts of S shapes: the head's ARKit shapes and the extra ones, by name."""

    channels: tuple[str, ...]
    shapes: tuple[str, ...]
    amounts: Floats  # (C, S)

    def deltas(self, head: Head) -> Floats:
        """(C, V, 3) metres on a head; raises WeightsError where it lacks a shape."""
        known = (*head.arkit_names, *head.extra_names)
        lacking = [name for name in self.shapes if name not in known]
        if lacking:
            raise WeightsError(
                f"The speech rig moves '{lacking[0]}', which the head lacks.", "Install Duet again from its zip."
            )
        shapes = np.concatenate([head.arkit, head.extra])[[known.index(name) for name in self.shapes]]
        return np.tensordot(self.amounts, shapes, 1)


def load_rig(path: Path) -> SpeechRig:
    """Read a rig; raises WeightsError where the file is unusable."""
    checkpoint = load_checkpoint(path)
    checkpoint.require({"amounts"})
    channels, shapes = (tuple(checkpoint.json(name)) for name in ("channels", "shapes"))
    amounts = np.ascontiguousarray(checkpoint.array("amounts"), np.float32)
    if amounts.shape != (len(channels), len(shapes)):
        raise WeightsError(
            f"{path} is no speech rig: its table is {amounts.shape}.", "Install Duet again from its zip."
        )
    return SpeechRig(channels, shapes, amounts)
