"""The torch engine: the same weights on CUDA, MPS or the CPU."""

from __future__ import annotations

import torch
from torch import nn

from ..arrays import Floats
from ..errors import RequestError
from .encoder_torch import EncoderTorch
from .fusion_torch import FusionEncoder
from .models import Models
from .speech_torch import SpeechTorch


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
    """The torch modules with the shipped weights, in float32."""

    name = "torch"

    def __init__(self, models: Models, device: str) -> None:
        self.device = device
        dims = models.fusion_dims
        self.encoder = self._ready(EncoderTorch(models.encoder_dims), models.encoder_weights)
        self.speech = self._ready(SpeechTorch(models.speech_dims), models.speech.floats("model."))
        self.fuse_speech = self._ready(FusionEncoder(dims, dims.speech), models.fusion_encoder("speech"))
        self.fuse_expression = self._ready(FusionEncoder(dims, dims.expression), models.fusion_encoder("expression"))

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
