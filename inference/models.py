"""The three weights files of the networks, read but not yet put on an engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .checkpoints import Checkpoint, load_checkpoint
from .encoder_numpy import EncoderDims
from .fusion_numpy import FusionDims
from .speech_numpy import SpeechDims


@dataclass(frozen=True, eq=False)
class Models:
    """The three weights files, read but not yet put on an engine."""

    encoder: Checkpoint
    speech: Checkpoint
    fusion: Checkpoint

    @property
    def encoder_dims(self) -> EncoderDims:
        """Size of the speech encoder."""
        return EncoderDims(**self.encoder.json("dims"))

    @property
    def encoder_weights(self) -> dict[str, NDArray[np.float32]]:
        """The encoder's, with the blocks that were trained along with the speech model in place of Whisper's."""
        return self.encoder.floats() | self.speech.floats("encoder.")

    @property
    def speech_dims(self) -> SpeechDims:
        """Size of the speech model."""
        return SpeechDims(**self.speech.json("dims"))

    @property
    def fusion_dims(self) -> FusionDims:
        """Size of the fusion module."""
        dims = self.fusion.json("dims")
        return FusionDims(**dims | {"widths": tuple(dims["widths"])})


def load_models(folder: Path) -> Models:
    """The three checkpoints of a weights folder; raises WeightsError naming the file that is unusable."""
    return Models(*(load_checkpoint(folder / f"{name}.safetensors") for name in ("encoder", "speech", "fusion")))
