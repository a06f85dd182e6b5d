"""Stage 1: the speech model, from encoder features to rig channels.

    python -m duet.training.train_speech --out weights/speech.safetensors

Trains on the captured takes, the test take held out, and on the synthetic set where it has been built: first a
teacher on each set alone, then the model on both. A part of one take and synthetic voices that are not trained on
choose the best step. Writes checkpoints as it goes and resumes from them.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..inference.head import load_head
from ..inference.speech_numpy import SpeechDims
from ..inference.speech_torch import SpeechTorch
from ..inference.stamps import Stamp
from ..inference.windows import Window, join, windows
from .features import load_encoder
from .refined_encoder import RefinedSpeech
from .speech_examples import STYLES, Example, training_examples, validation_examples, vocaset_examples
from .speech_loss import SpeechLoss, loss_for
from .speech_rig import CHANNEL_NAMES
from .speech_teachers import taught_examples
from .stamping import begin, save_weights, working_folder

Model = TypeVar("Model", bound=nn.Module)

# Share of the crops: (a captured voice?, motion of a teacher?). With more of them the nine captured minutes are learned
# by heart: at 0.40 their validation error rises from step 500 on.
SHARES = {(True, False): 0.20, (True, True): 0.05, (False, False): 0.58, (False, True): 0.17}


@dataclass(frozen=True)
class Options:
    """Training settings; every figure in the model card was made with the defaults."""

    steps: int = 1300
    teacher_steps: int = 300
    batch: int = 8
    crop: int = 250  # frames: 5 s
    rate: float = 6e-4
    encoder_rate: float = 4e-5
    dropout: float = 0.3
    weight_decay: float = 0.05
    seed: int = 0
    validate_every: int = 100


def chances(examples: Sequence[Example], crop: int) -> NDArray[np.float64]:
    """Of each example to be drawn: each kind has its share, within it the longer have more."""
    lengths = np.array([max(len(e.channels) - crop, 0) for e in examples], float)
    found = np.zeros(len(examples))
    for kind, share in SHARES.items():
        own = np.array([(e.captured, e.taught) == kind for e in examples]) * lengths
        found += share * own / max(own.sum(), 1.0)
    return found / found.sum()


def batch_of(
    examples: Sequence[Example], drawn: NDArray[np.float64], options: Options, rng: np.random.Generator
) -> tuple[Tensor, ...]:
    """Random crops: features (B, T, layers, width), channels (B, T, C), styles (B,), starts (B,)."""
    chosen = rng.choice(len(examples), options.batch, p=drawn)
    starts = [int(rng.integers(0, len(examples[i].channels) - options.crop)) for i in chosen]
    pairs = [(examples[i], slice(s, s + options.crop)) for i, s in zip(chosen, starts, strict=True)]
    features = np.stack([np.asarray(e.features[s], np.float32) for e, s in pairs])
    channels = np.stack([e.channels[s] for e, s in pairs])
    styles = torch.tensor([examples[i].style for i in chosen])
    return torch.from_numpy(features), torch.from_numpy(channels), styles, torch.tensor(starts)


def predict(model: nn.Module, example: Example) -> NDArray[np.float32]:
    """Rig channels (T, C) of a stretch in its own style, window by window as in inference."""
    model.eval()
    style, count = torch.tensor([example.style]), len(example.features)

    def channels(window: Window) -> NDArray[np.float32]:
        features = torch.from_numpy(np.asarray(example.features[window.start : window.stop], np.float32))[None]
        with torch.no_grad():
            return model(features, style, torch.tensor([window.start]))[0].numpy()

    result = join(((w, channels(w)) for w in windows(count)), count)
    model.train()
    return result


def validation_errors(model: nn.Module, examples: Sequence[Example], loss: SpeechLoss) -> dict[str, float]:
    """The mean loss on stretches that are not trained on, of the captured voice and of the others."""
    errors: dict[str, list[float]] = {}
    for example in examples:
        error = loss(torch.from_numpy(predict(model, example)), torch.from_numpy(example.channels))
        errors.setdefault("captured" if example.captured else "voices", []).append(float(error))
    return {name: float(np.mean(found)) for name, found in errors.items()}


def parameter_groups(model: nn.Module, options: Options) -> list[dict[str, Any]]:
    """All that is trained; what Whisper learned before moves more slowly and does not decay."""
    own = model.speech if isinstance(model, RefinedSpeech) else model
    groups: list[dict[str, Any]] = [
        {"params": list(own.parameters()), "lr": options.rate, "weight_decay": options.weight_decay}
    ]
    if own is not model:
        upper = [p for name, p in model.named_parameters() if not name.startswith("speech.")]
        groups.append({"params": upper, "lr": options.encoder_rate, "weight_decay": 0.0})
    return groups


class _Run:
    """A training in progress: all that a checkpoint must hold for an interrupted run to end as an unbroken one."""

    def __init__(self, model: nn.Module, options: Options) -> None:
        self.model = model
        groups = parameter_groups(model, options)
        self.optimiser = torch.optim.AdamW(groups)
        rates = [group["lr"] for group in groups]
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimiser, rates, total_steps=options.steps)
        self.rng = np.random.default_rng(options.seed)
        self.best = (np.inf, model.state_dict())
        self.step = 0

    def learn(self, loss: Tensor) -> None:
        """One step down the loss."""
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.step += 1

    def judge(self, error: float) -> None:
        """Keep the weights where they are the best so far."""
        if error < self.best[0]:
            self.best = (error, {k: v.clone() for k, v in self.model.state_dict().items()})

    def save(self, path: Path) -> None:
        """Write the checkpoint."""
        parts = {name: getattr(self, name).state_dict() for name in ("model", "optimiser", "schedule")}
        rest = {"best": self.best, "step": self.step, "rng": self.rng, "dropout": torch.get_rng_state()}
        torch.save(parts | rest, path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, weights_only=False)
        for name in ("model", "optimiser", "schedule"):
            getattr(self, name).load_state_dict(state[name])
        self.best, self.step, self.rng = state["best"], state["step"], state["rng"]
        torch.set_rng_state(state["dropout"])


def train(
    make: Callable[[], Model],
    options: Options,
    examples: Sequence[Example],
    validation: Sequence[Example],
    resume: Path,
) -> Model:
    """Train on examples and return the model of the best validation step; captured and other voices weigh alike."""
    torch.manual_seed(options.seed)
    loss_of, drawn = loss_for(examples, load_head()), chances(examples, options.crop)
    model = make()
    run = _Run(model, options)
    if resume.exists():
        run.load(resume)
    while run.step < options.steps:
        features, channels, chosen, starts = batch_of(examples, drawn, options, run.rng)
        loss = loss_of(model(features, chosen, starts), channels)
        run.learn(loss)
        if run.step % options.validate_every == 0 or run.step == options.steps:
            errors = validation_errors(model, validation, loss_of)
            run.judge(sum(errors.values()))
            shown = ", ".join(f"{name} {error:.3f}" for name, error in errors.items())
            print(f"step {run.step}: loss {loss.item():.3f}, {shown}", flush=True)
            run.save(resume)
    model.load_state_dict(run.best[1])
    return model.eval()


def speech_model(options: Options, styles: int) -> SpeechTorch:
    """The speech model on the encoder as it is."""
    return SpeechTorch(SpeechDims(len(CHANNEL_NAMES), styles), options.dropout)


def teacher(
    captured: bool, options: Options, examples: Sequence[Example], validation: Sequence[Example], folder: Path
) -> SpeechTorch:
    """A model of one set alone."""
    own, kept = ([e for e in group if e.captured == captured] for group in (examples, validation))
    resume = folder / f"teacher_{int(captured)}.pt"
    return train(
        lambda: speech_model(options, len(STYLES)), replace(options, steps=options.teacher_steps), own, kept, resume
    )


def with_taught(
    options: Options, examples: Sequence[Example], validation: Sequence[Example], folder: Path
) -> list[Example]:
    """The examples, and the same in the other style where there are both sets."""
    if len({e.captured for e in examples}) < len(STYLES):
        return list(examples)
    models = [teacher(captured, options, examples, validation, folder) for captured in (True, False)]
    # a teacher knows its own style alone
    like_captured, enunciated = (
        lambda e, model=model, style=style: predict(model, replace(e, style=style))
        for style, model in enumerate(models)
    )
    return [*examples, *taught_examples(examples, like_captured, enunciated)]


def save(model: RefinedSpeech, path: Path, stamp: Stamp, styles: Sequence[str] = STYLES) -> None:
    """The shipped file: float16 weights under `model.` and `encoder.`, the names of its channels and styles."""
    parts = {"model": model.speech.state_dict(), "encoder": model.encoder_state()}
    arrays = {f"{part}.{k}": v.numpy().astype(np.float16) for part, state in parts.items() for k, v in state.items()}
    metadata: Mapping[str, object] = {"dims": asdict(model.dims), "channels": CHANNEL_NAMES, "styles": styles}
    save_weights(path, arrays, {k: json.dumps(v) for k, v in metadata.items()}, stamp)


def main() -> None:
    """Train, then save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("weights/speech.safetensors"))
    parser.add_argument("--seed", type=int, default=Options.seed)
    parser.add_argument("--steps", type=int, default=Options.steps)
    parser.add_argument("--vocaset", type=Path, help="folder of VOCASET, as published or as FaceFormer prepares it")
    arguments = parser.parse_args()
    stamp = begin("speech", arguments.seed)
    folder = working_folder("speech", stamp)
    options = Options(seed=arguments.seed, steps=arguments.steps)
    more, subjects = vocaset_examples(arguments.vocaset) if arguments.vocaset else ([], [])
    examples, validation = training_examples(), validation_examples()
    styles = [*STYLES, *subjects]
    everything = [*with_taught(options, examples, validation, folder), *more]
    resume = folder / "model.pt"
    dims = SpeechDims(len(CHANNEL_NAMES), len(styles))
    model = train(lambda: RefinedSpeech(dims, options.dropout, load_encoder()), options, everything, validation, resume)
    save(model, arguments.out, stamp, styles)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
