"""Training of the alternatives that learn: one loop, one budget and one loss for all, with checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...inference.arrays import Floats
from ...inference.engine.speech_numpy import SpeechDims
from ...inference.engine.speech_torch import SpeechTorch
from ...inference.engine.windows import FRAME_RATE, join, windows
from .. import loop
from ..features import CACHE, cached_features
from ..read_at import read_at
from ..speech.examples import PEOPLE, SYNTHETIC
from ..speech_rig import CHANNEL_NAMES
from .data import MEL_WIDTH, Example, mel_bands, people_examples, synthetic_examples
from .faceformer import RATE, FaceFormer, FaceFormerDims

FOLDER = CACHE / "alternatives"
STYLES = 1  # the natural one
_STRIDE = FRAME_RATE // RATE
_SAVE_EVERY = 50


@dataclass(frozen=True)
class Budget:
    """The same for every alternative, and for our own model where it is compared at the same budget."""

    steps: int = 400
    batch: int = 8
    crop: int = 100  # feature frames: 2 s
    rate: float = 6e-4
    seed: int = 0


@dataclass(frozen=True)
class Alternative:
    """A model to train: what it is made of, what it hears and what it learns from."""

    title: str
    make: Callable[[], nn.Module]
    sources: tuple[str, ...] = (PEOPLE, SYNTHETIC)  # those that it learns from
    hears_mel: bool = False
    stride: int = 1  # feature frames between its frames


def _ours(layers: int = 5, width: int = 384) -> SpeechTorch:
    dims = SpeechDims(channels=len(CHANNEL_NAMES), styles=STYLES, encoder_layers=layers, encoder_width=width)
    return SpeechTorch(dims, dropout=0.2)


ALTERNATIVES = {
    "ours": Alternative("this model, same small budget", _ours),
    "people": Alternative("this model, people alone", _ours, sources=(PEOPLE,)),
    "synthetic": Alternative("this model, synthetic speech alone", _ours, sources=(SYNTHETIC,)),
    "mel": Alternative("mel bands in place of the encoder", lambda: _ours(1, MEL_WIDTH), hears_mel=True),
    "faceformer": Alternative(
        "FaceFormer's autoregressive decoder",
        lambda: FaceFormer(FaceFormerDims(len(CHANNEL_NAMES), STYLES)),
        stride=_STRIDE,
    ),
}


def examples_for(alternative: Alternative) -> list[Example]:
    """The part of the data that an alternative learns from."""
    parts: list[Iterator[Example]] = []
    if PEOPLE in alternative.sources:
        parts.append(people_examples())
    if SYNTHETIC in alternative.sources:
        parts.append(synthetic_examples())
    return list(chain.from_iterable(parts))


def heard(alternative: Alternative, example: Example, part: slice) -> Floats:
    """What the model is given of a stretch: (T, layers, width)."""
    if alternative.hears_mel:
        return np.asarray(example.mel[part], np.float32)[:, None]
    return np.asarray(example.features[part], np.float32)


def batch_of(
    alternative: Alternative, examples: list[Example], budget: Budget, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Random crops, as many from each source: what is heard, and channels."""
    long = [e for e in examples if len(e.channels) > budget.crop]
    weights = np.zeros(len(long))
    for source in alternative.sources:
        own = np.array([len(e.channels) * (e.source == source) for e in long], float)
        weights += own / max(own.sum(), 1.0)
    chosen = rng.choice(len(long), budget.batch, p=weights / weights.sum())
    crops = [(long[i], int(rng.integers(len(long[i].channels) - budget.crop)) // 2 * 2) for i in chosen]
    parts = [(e, slice(start, start + budget.crop)) for e, start in crops]
    inputs = np.stack([heard(alternative, e, part) for e, part in parts])
    channels = np.stack([e.channels[part][:: alternative.stride] for e, part in parts])
    return torch.from_numpy(inputs), torch.from_numpy(channels)


def loss_of(predicted: Tensor, target: Tensor, scale: Tensor) -> Tensor:
    """Squared error over each channel's variance, and of its change between frames; unknown targets do not count."""
    known = ~target.isnan()
    error = torch.where(known, predicted - target.nan_to_num(), 0.0) / scale
    return (error.square().sum() + 5.0 * error.diff(dim=1).square().sum()) / known.sum()


def scale_of(examples: list[Example]) -> Tensor:
    """Each channel's standard deviation (C,), at least 0.02."""
    every = np.concatenate([e.channels for e in examples])
    known = np.isfinite(every).any(axis=0)
    scale = np.ones(every.shape[1], np.float32)
    scale[known] = np.maximum(np.nanstd(every[:, known], axis=0), 0.02)
    return torch.from_numpy(scale)


def fit(name: str, budget: Budget, folder: Path = FOLDER) -> nn.Module:
    """Train an alternative, or go on from its checkpoint; the finished model is kept."""
    alternative, path = ALTERNATIVES[name], folder / f"{name}.pt"
    torch.manual_seed(budget.seed)
    model, rng = alternative.make(), np.random.default_rng(budget.seed)
    optimiser = torch.optim.AdamW(model.parameters(), budget.rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, budget.rate, total_steps=budget.steps)
    run = loop.Run(model, optimiser, schedule, rng, clip=1.0)
    if run.resume(path) and run.step >= budget.steps:
        return model.eval()
    examples = examples_for(alternative)
    scale = scale_of(examples)

    def loss() -> Tensor:
        inputs, channels = batch_of(alternative, examples, budget, rng)
        return loss_of(model(inputs, _only_style(len(inputs))), channels, scale)

    loop.train(run, budget.steps, loss, _SAVE_EVERY, lambda last: f"{name}, loss {last:.3f}", path)
    return model.eval()


def predict(name: str, model: nn.Module, samples: Floats) -> Floats:
    """Rig channels (T, C) at 50 Hz of a recording (N,) at 16 kHz."""
    alternative = ALTERNATIVES[name]
    if alternative.hears_mel:
        inputs = mel_bands(samples).astype(np.float32)[:, None]
    else:
        inputs = np.asarray(cached_features(samples), np.float32)
    if alternative.stride == 1:
        cut = windows(len(inputs))
        return join(((w, _run(model, inputs[w.start : w.stop])) for w in cut), len(inputs))
    found = _run(model, inputs[: len(inputs) // alternative.stride * alternative.stride])
    at = np.arange(len(found)) * alternative.stride
    return read_at(np.arange(len(inputs)), at, found)


def _run(model: nn.Module, inputs: Floats) -> Floats:
    with torch.no_grad():
        result: Floats = model(torch.from_numpy(inputs)[None], _only_style(1))[0].numpy()
    return result


def _only_style(count: int) -> Tensor:
    return torch.zeros(count, dtype=torch.long)
