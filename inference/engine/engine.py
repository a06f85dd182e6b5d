"""What both engines do, the embedded one, and the choice between them."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import numpy as np

from ..arrays import Floats
from ..errors import RequestError
from .encoder_numpy import EncoderNumpy
from .fusion_numpy import FusionEncoderNumpy
from .models import Models
from .speech_numpy import SpeechNumpy
from .threads import Team


class Engine(Protocol):
    """The networks on some device; arrays in and out are NumPy float32."""

    name: str
    device: str
    batch: int  # windows that are best heard together

    def heard(self, mels: Sequence[Floats], rows: Sequence[slice], style: int) -> list[Floats]:
        """Rig channels (T, C) of log-mel windows (2 T, 80) in a style: right in those rows of each, else 0."""

    def encode(self, mel: Floats) -> Floats:
        """Features (T, layers, width) of a log-mel window (2 T, 80)."""

    def channels(self, features: Floats, style: int) -> Floats:
        """Rig channels (T, C) of features in a style, by its index."""

    def speech_weights(self, images: Floats) -> Floats:
        """w_A (N, Ks) of displacement images (N, side, side, 3)."""

    def expression_weights(self, images: Floats) -> Floats:
        """w_E (N, Ke) of displacement images (N, side, side, 3)."""


class EmbeddedEngine:
    """NumPy alone: what Blender ships."""

    name = "numpy"
    device = "cpu"

    def __init__(self, models: Models) -> None:
        self._team = Team()
        self.batch = self._team.size
        self._reach = models.speech_dims.reach
        self.encode = EncoderNumpy(models.encoder_weights, models.encoder_dims, self._team)
        self.channels = SpeechNumpy(models.speech.floats("model."), models.speech_dims, self._team)
        self.speech_weights = FusionEncoderNumpy(models.fusion_encoder("speech"), models.fusion_dims)
        self.expression_weights = FusionEncoderNumpy(models.fusion_encoder("expression"), models.fusion_dims)

    def heard(self, mels: Sequence[Floats], rows: Sequence[slice], style: int) -> list[Floats]:
        """Rig channels (T, C) of log-mel windows (2 T, 80): only what is told of the rows is computed to the end.

        Each thread hears a window where there are as many; else all of them hear one window after another.
        """
        each = list(zip(mels, rows, strict=True))
        if len(each) < self.batch:
            return [self._window(*window, style, self._team) for window in each]
        found: dict[int, Floats] = {}

        def alone(i: int) -> None:
            found[i] = self._window(*each[i], style, Team(1))

        self._team.each([partial(alone, i) for i in range(len(each))])
        return [found[i] for i in range(len(each))]

    def _window(self, mel: Floats, wanted: slice, style: int, team: Team) -> Floats:
        """Rig channels (T, C) of a window (2 T, 80), by a team."""
        first, last = max(wanted.start - self._reach, 0), wanted.stop + self._reach
        part = self.channels(self.encode(mel, slice(first, last), team), style, team)
        channels = np.zeros((len(mel) // 2, part.shape[1]), np.float32)
        channels[wanted] = part[wanted.start - first :][: wanted.stop - wanted.start]
        return channels


def make_engine(models: Models, engine: str, device: str) -> Engine:
    """The engine asked for; `auto` takes torch on CUDA, then on MPS, then the embedded engine.

    Raises RequestError where torch or the device asked for is not there.
    """
    if engine == "numpy":
        return EmbeddedEngine(models)
    if engine not in ("auto", "torch"):
        raise RequestError(f"There is no engine '{engine}'.", "Choose auto, numpy or torch.")
    if importlib.util.find_spec("torch") is None:
        if engine == "auto":
            return EmbeddedEngine(models)
        raise RequestError(
            "The torch engine needs PyTorch, which this Python lacks.",
            "Run Duet's install_torch.py, set DUET_PYTHON to a Python that has it, or use the embedded engine.",
        )
    from .engine_torch import TorchEngine, torch_device

    found = torch_device(device)
    if engine == "auto" and found == "cpu":
        return EmbeddedEngine(models)
    return TorchEngine(models, found)
