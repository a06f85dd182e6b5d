"""The torch engine: the same weights on CUDA, MPS or the CPU."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from ..arrays import Floats
from ..errors import RequestError
from .encoder_torch import EncoderTorch
from .fusion_torch import FusionEncoder
from .models import Models
from .speech_torch import SpeechTorch
from .threads import VARIABLE

_BATCH = 8  # windows at once on a graphics card
_HALF = 1e-3  # of a rig channel: how near half precision must come to be used
_TRIED = 660  # frames that it is tried on


def torch_device(wanted: str) -> str:
    """The device to use: `auto` takes CUDA, then MPS, then the CPU; raises RequestError where it is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(device for device, found in there.items() if found)
    if not there.get(wanted, False):
        usable = ", ".join(device for device, found in there.items() if found)
        raise RequestError(f"PyTorch finds no device '{wanted}' here.", f"Choose auto or one of: {usable}.")
    return wanted


class TorchEngine:
    """The torch modules with the shipped weights, in float32; on CUDA the encoder in half where that is near."""

    name = "torch"

    def __init__(self, models: Models, device: str) -> None:
        self.device = device
        self.batch = 1 if device == "cpu" else _BATCH
        if device == "cpu" and os.environ.get(VARIABLE, "").isdigit():  # the worker's BLAS has one thread
            torch.set_num_threads(int(os.environ[VARIABLE]))
        dims = models.fusion_dims
        self.encoder = self._ready(EncoderTorch(models.encoder_dims), models.encoder_weights)
        self.speech = self._ready(SpeechTorch(models.speech_dims), models.speech.floats("model."))
        self.fuse_speech = self._ready(FusionEncoder(dims, dims.speech), models.fusion_encoder("speech"))
        self.fuse_expression = self._ready(FusionEncoder(dims, dims.expression), models.fusion_encoder("expression"))
        is_half = device == "cuda" and self.comes_near(torch.float16)
        self.precision = torch.float16 if is_half else torch.float32

    def comes_near(self, precision: torch.dtype) -> bool:
        """Whether channels computed in this precision are within _HALF of those in float32, on made-up sound."""
        mel = torch.from_numpy(np.random.default_rng(0).normal(0, 0.5, (1, 2 * _TRIED, 80)).astype(np.float32))
        style = torch.zeros(1, dtype=torch.long)
        with torch.inference_mode():
            whole, found = (self.computed(mel, style, each).clamp(0, 1) for each in (torch.float32, precision))
        return bool((found - whole).abs().max() < _HALF)

    def computed(self, mels: torch.Tensor, style: torch.Tensor, precision: torch.dtype) -> torch.Tensor:
        """Rig channels (B, T, C) of log-mel windows (B, 2 T, 80) in styles (B,), the encoder in a precision."""
        with torch.autocast(self.device, precision, enabled=precision != torch.float32):
            features = self.encoder(mels.to(self.device))
        found: torch.Tensor = self.speech(features.float(), style.to(self.device))
        return found

    def heard(self, mels: Sequence[Floats], rows: Sequence[slice], style: int) -> list[Floats]:
        """Rig channels (T, C) of log-mel windows (2 T, 80); those of one length are computed together."""
        found: dict[int, Floats] = {}
        for length in {len(mel) for mel in mels}:
            same = [i for i, mel in enumerate(mels) if len(mel) == length]
            together = torch.from_numpy(np.stack([mels[i] for i in same]))
            with torch.inference_mode():
                channels = self.computed(together, torch.full((len(same),), style), self.precision).cpu().numpy()
            found |= dict(zip(same, channels, strict=True))
        return [found[i] for i in range(len(mels))]

    def _ready(self, module: nn.Module, weights: dict[str, Floats]) -> nn.Module:
        module.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
        return module.to(self.device).train(False)

    def _run(self, module: nn.Module, array: Floats, *rest: torch.Tensor) -> Floats:
        with torch.inference_mode():
            result: Floats = module(torch.from_numpy(array).to(self.device), *rest).float().cpu().numpy()
        return result

    def encode(self, mel: Floats) -> Floats:
        """Features (T, layers, width) of a log-mel window (2 T, 80)."""
        return self._run(self.encoder, mel[None])[0]

    def channels(self, features: Floats, style: int) -> Floats:
        """Rig channels (T, C) of features in a style, by its index."""
        return self._run(self.speech, features[None], torch.tensor([style]).to(self.device))[0]

    def speech_weights(self, images: Floats) -> Floats:
        """w_A (N, Ks) of displacement images (N, side, side, 3)."""
        return self._run(self.fuse_speech, images)

    def expression_weights(self, images: Floats) -> Floats:
        """w_E (N, Ke) of displacement images (N, side, side, 3)."""
        return self._run(self.fuse_expression, images)
