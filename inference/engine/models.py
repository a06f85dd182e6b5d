"""The weights of the networks, read but not yet put on an engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..checkpoints import Checkpoint, load_checkpoint
from ..stamps import BUILT_ON, load_weights
from .encoder_numpy import EncoderDims
from .fusion_numpy import FusionDims
from .speech_numpy import SpeechDims
from .speech_rig import SpeechRig, load_rig
from .uv_grid import Grid


@dataclass(frozen=True, eq=False)
class Models:
    """The networks' weights files and the rig that their channels move."""

    rig: SpeechRig
    encoder: Checkpoint
    speech: Checkpoint
    fusion: Checkpoint

    @property
    def encoder_dims(self) -> EncoderDims:
        """Size of the speech encoder."""
        return EncoderDims(**self.encoder.json("dims"))

    @property
    def encoder_weights(self) -> dict[str, NDArray[np.float32]]:
        """The encoder's."""
        return self.encoder.floats()

    @property
    def speech_dims(self) -> SpeechDims:
        """Size of the speech model."""
        dims = self.speech.json("dims")
        return SpeechDims(**dims | {"dilations": tuple(dims["dilations"])})

    def fusion_encoder(self, domain: str) -> dict[str, NDArray[np.float32]]:
        """Weights of the fusion module's encoder of "speech" or "expression", and `known`: its blendshapes' images."""
        basis = np.ascontiguousarray(self.fusion.array(f"basis.{domain}"), np.float32)
        images = self.grid.image(basis).reshape(len(basis), -1)
        return self.fusion.floats(f"{domain}_encoder.") | {"known": images}

    @property
    def grid(self) -> Grid:
        """The geometric mapping."""
        return Grid(self.fusion.array("grid_index"), self.fusion.array("grid_weight"))

    @property
    def fusion_dims(self) -> FusionDims:
        """Size of the fusion module."""
        dims = self.fusion.json("dims")
        return FusionDims(**dims | {"widths": tuple(dims["widths"])})


def load_models(folder: Path) -> Models:
    """Those of a weights folder; raises WeightsError naming the file that is unusable or does not belong to others."""
    path = {name: folder / f"{name}.safetensors" for name in ("rig", "encoder", "speech", "fusion")}
    return Models(
        load_rig(path["rig"]),
        load_checkpoint(path["encoder"]),
        *(load_weights(path[name], BUILT_ON[name]) for name in ("speech", "fusion")),
    )
