"""Stage 1: the speech model, from encoder features to rig channels.

    python -m duet.training.train_speech --out weights/speech.safetensors

Trains on the captured takes, the test take held out, and on the synthetic set where it has been built. A part of one
take and synthetic voices that are not trained on choose the best step. Writes a checkpoint as it goes and resumes
from it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import scipy.signal
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..inference.checkpoints import save_checkpoint
from ..inference.head import load_head
from ..inference.speech_numpy import SpeechDims
from ..inference.speech_torch import SpeechTorch
from ..inference.windows import FRAME_RATE
from .captured import TRAINING_TAKES, VALIDATION_FROM, VALIDATION_TAKE, CapturedTake, load_captured
from .features import CACHE, cached_features
from .speech_rig import CHANNEL_NAMES, rig_deltas
from .synthetic import streams
from .vocaset import vocaset_streams

STYLES = ("captured", "enunciated")
CAPTURED, ENUNCIATED = range(2)
VALIDATION_STREAMS = 12
SPEEDS = ((1, 1), (9, 10), (11, 10), (19, 20), (21, 20))  # played faster by the first over the second


@dataclass(frozen=True)
class Options:
    """Training settings; every figure in the model card was made with the defaults."""

    steps: int = 2500
    captured: float = 0.45  # share of the crops that are captured
    batch: int = 8
    crop: int = 250  # frames: 5 s
    rate: float = 6e-4
    dropout: float = 0.2
    weight_decay: float = 0.05
    velocity: float = 0.5
    seed: int = 0
    validate_every: int = 100


@dataclass(frozen=True)
class Example:
    """A stretch of speech: features (T, layers, width) and channels (T, C), both at 50 Hz, and its style."""

    features: NDArray[np.float16]
    channels: NDArray[np.float32]
    style: int


def at_feature_rate(channels: NDArray[np.float32], times: NDArray[np.float64], count: int) -> NDArray[np.float32]:
    """Channels (T, C) known at `times` seconds, read at the encoder's frames: (count, C)."""
    frames = np.arange(count) / FRAME_RATE
    return np.stack([np.interp(frames, times, column) for column in channels.T], axis=1).astype(np.float32)


def captured_example(take: CapturedTake, speed: tuple[int, int]) -> Example:
    """A captured take, played at a changed speed (pitch and formants move along)."""
    samples, factor = take.samples, speed[0] / speed[1]
    if factor != 1.0:
        samples = scipy.signal.resample_poly(samples, speed[1], speed[0]).astype(np.float32)
    features = cached_features(samples)
    return Example(features, at_feature_rate(take.channels, take.times / factor, len(features)), CAPTURED)


def synthetic_examples(split: str) -> Iterator[Example]:
    """Every stream of a split of the synthetic set; nothing where it has not been built."""
    for stream in streams(split):
        features = cached_features(stream.samples)
        yield Example(features, stream.channels[: len(features)], ENUNCIATED)


def vocaset_examples(folder: Path) -> tuple[list[Example], list[str]]:
    """VOCASET's training subjects, for those who have it, and their names: a speaking style each, after our own."""
    examples, subjects = [], []
    for subject, stream in vocaset_streams(folder):
        if subject not in subjects:
            subjects.append(subject)
        features = cached_features(stream.samples)
        style = len(STYLES) + subjects.index(subject)
        examples.append(Example(features, stream.channels[: len(features)], style))
    return examples, subjects


def training_examples() -> list[Example]:
    """Every training take at every speed, without the stretch that validates, and every synthetic stream."""
    examples = []
    for name in TRAINING_TAKES:
        take = load_captured(name)
        for speed in SPEEDS:
            example = captured_example(take, speed)
            stop = int(len(example.features) * VALIDATION_FROM) if name == VALIDATION_TAKE else None
            examples.append(Example(example.features[:stop], example.channels[:stop], example.style))
    return examples + list(synthetic_examples("train"))


def validation_examples() -> list[Example]:
    """The captured stretch and the synthetic streams that choose the best step."""
    example = captured_example(load_captured(VALIDATION_TAKE), (1, 1))
    start = int(len(example.features) * VALIDATION_FROM)
    kept_back = Example(example.features[start:], example.channels[start:], example.style)
    return [kept_back, *islice(synthetic_examples("heldout_voice"), VALIDATION_STREAMS)]


def batch_of(examples: list[Example], options: Options, rng: np.random.Generator) -> tuple[Tensor, ...]:
    """Random crops: features (B, T, layers, width), channels (B, T, C), styles (B,), starts (B,)."""
    lengths = np.array([max(len(e.channels) - options.crop, 0) for e in examples], float)
    captured = np.array([e.style != ENUNCIATED for e in examples])
    chances = np.where(captured, options.captured, 1 - options.captured) * lengths
    for group in (captured, ~captured):
        chances[group] /= max(lengths[group].sum(), 1.0)
    chosen = rng.choice(len(examples), options.batch, p=chances / chances.sum())
    starts = [int(rng.integers(0, len(examples[i].channels) - options.crop)) for i in chosen]
    pairs = [(examples[i], slice(s, s + options.crop)) for i, s in zip(chosen, starts, strict=True)]
    features = np.stack([np.asarray(e.features[s], np.float32) for e, s in pairs])
    channels = np.stack([e.channels[s] for e, s in pairs])
    styles = torch.tensor([examples[i].style for i in chosen])
    return torch.from_numpy(features), torch.from_numpy(channels), styles, torch.tensor(starts)


def loss_of(predicted: Tensor, target: Tensor, scale: Tensor, velocity: float) -> Tensor:
    """Squared error of each channel over its own variance, plus that of its frame-to-frame change.

    Without the division the jaw, whose variance is thirty times that of the lip rolls, would be all that is learned.
    Targets that nobody captured are NaN and do not count.
    """
    known = ~target.isnan()
    error = torch.where(known, predicted - target.nan_to_num(), 0.0) / scale
    change = error.diff(dim=-2)
    return (error.square().sum() + velocity * 10.0 * change.square().sum()) / known.sum()


def predict(model: SpeechTorch, example: Example) -> NDArray[np.float32]:
    """Rig channels (T, C) of a whole stretch in one pass."""
    model.eval()
    with torch.no_grad():
        features = torch.from_numpy(np.asarray(example.features, np.float32))[None]
        result = model(features, torch.tensor([example.style]), torch.tensor([0]))[0].numpy()
    model.train()
    return result


def channel_scale(examples: list[Example]) -> NDArray[np.float32]:
    """Deviation (C,) of each channel, in the captured takes where they have it, else in synthetic speech."""
    groups = [[e.channels for e in examples if (e.style == ENUNCIATED) == made] for made in (False, True)]
    captured, synthetic = (np.concatenate(g).std(axis=0) if g else None for g in groups)
    if captured is None or synthetic is None:
        found = captured if synthetic is None else synthetic
        return np.nan_to_num(np.asarray(found), nan=0.1) + np.float32(0.01)
    return np.where(np.isnan(captured), synthetic, captured) + np.float32(0.01)


def validation_error(model: SpeechTorch, example: Example, scale: Tensor) -> float:
    """Squared error over the channels' variance on a stretch that is not trained on."""
    predicted = torch.from_numpy(predict(model, example))
    return float(loss_of(predicted, torch.from_numpy(example.channels), scale, 0.0))


def train(options: Options, resume: Path, more: Sequence[Example] = (), styles: Sequence[str] = STYLES) -> SpeechTorch:
    """Train, on more than our own examples where there are more, and return the model of the best validation step."""
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    examples, validation = [*training_examples(), *more], validation_examples()
    scale = torch.from_numpy(channel_scale(examples))
    model = SpeechTorch(SpeechDims(len(CHANNEL_NAMES), len(styles)), options.dropout)
    optimiser = torch.optim.AdamW(model.parameters(), options.rate, weight_decay=options.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=options.steps)
    best, step = (np.inf, model.state_dict()), 0
    if resume.exists():
        state = torch.load(resume, weights_only=False)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        best, step, rng = state["best"], state["step"], state["rng"]
        torch.set_rng_state(state["dropout"])
    while step < options.steps:
        features, channels, chosen, starts = batch_of(examples, options, rng)
        loss = loss_of(model(features, chosen, starts), channels, scale, options.velocity)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        step += 1
        if step % options.validate_every == 0:
            errors = [validation_error(model, example, scale) for example in validation]
            captured, rest = errors[0], float(np.mean(errors[1:] or [0.0]))
            if captured + rest < best[0]:
                best = (captured + rest, {k: v.clone() for k, v in model.state_dict().items()})
            print(f"step {step}: loss {loss.item():.3f}, captured {captured:.3f}, voices {rest:.3f}", flush=True)
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "best": best}
            state |= {"schedule": schedule.state_dict(), "step": step, "rng": rng, "dropout": torch.get_rng_state()}
            torch.save(state, resume)
    model.load_state_dict(best[1])
    return model.eval()


def save(model: SpeechTorch, path: Path, styles: Sequence[str] = STYLES) -> None:
    """The shipped file: float16 weights under `model.`, the rig on the canonical head, and their names."""
    arrays = {f"model.{k}": v.numpy().astype(np.float16) for k, v in model.state_dict().items()}
    arrays["rig"] = rig_deltas(load_head()).astype(np.float16)
    metadata = {"dims": asdict(model.dims), "channels": CHANNEL_NAMES, "styles": styles}
    save_checkpoint(path, arrays, {k: json.dumps(v) for k, v in metadata.items()})


def main() -> None:
    """Train, then save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("weights/speech.safetensors"))
    parser.add_argument("--seed", type=int, default=Options.seed)
    parser.add_argument("--steps", type=int, default=Options.steps)
    parser.add_argument("--vocaset", type=Path, help="folder of VOCASET, as published or as FaceFormer prepares it")
    arguments = parser.parse_args()
    resume = CACHE / f"speech_{arguments.seed}.pt"
    resume.parent.mkdir(exist_ok=True)
    more, subjects = vocaset_examples(arguments.vocaset) if arguments.vocaset else ([], [])
    styles = [*STYLES, *subjects]
    model = train(Options(seed=arguments.seed, steps=arguments.steps), resume, more, styles)
    save(model, arguments.out, styles)
    resume.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
