"""Stage 1: the speech model, from encoder features to rig channels.

    python -m duet.training.speech.train --out weights/speech.safetensors [--people FOLDER] [--own FOLDER ...]
    python -m duet.training.speech.train --start weights/speech.safetensors --out weights/speech.safetensors

First a teacher learns from synthetic speech alone; it says what video does not show of people, and how people would
enunciate. Then the model learns from people on video, in the natural style, and from synthetic speech in both styles:
first with a cost of lips that stand open where they should not, then for a short while without it. The mean of the
weights before and after is kept, for lips that still close and follow people more nearly (`followed`). With --start
the weights of a file take the place of both trainings before that.
Sentences of a person and synthetic voices that are not trained on choose the best step. Each --own folder of tracks
(training.video.track makes them) adds a style of that person's, named after the folder. Writes checkpoints as it goes
and resumes from them.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...inference.checkpoints import load_checkpoint
from ...inference.engine.speech_numpy import SpeechDims
from ...inference.engine.speech_torch import SpeechTorch
from ...inference.engine.windows import Window, join, windows
from ...inference.stamps import Stamp
from ...inference.take import STYLES
from .. import loop
from ..speech_rig import CHANNEL_NAMES
from ..stamping import begin, save_weights, working_folder
from ..video.face_measures import MEASURES, SHOWN
from ..video.people import common_size, people_of, talking_folder, training_people
from ..video.targets import head_measures
from .examples import (
    ENUNCIATED,
    NATURAL,
    OWN,
    PEOPLE,
    STILL,
    SYNTHETIC,
    Example,
    synthetic_examples,
    synthetic_validation,
    vocaset_examples,
)
from .loss import CLOSED, OPEN, Costs, SpeechLoss, loss_for
from .people_examples import own_examples, people_examples
from .still import still_examples

Model = TypeVar("Model", bound=nn.Module)

# Share of the crops by source and style; within it the longer have more, so that people are drawn by their minutes.
SHARES = {
    (PEOPLE, NATURAL): 0.50,
    (PEOPLE, ENUNCIATED): 0.05,
    (SYNTHETIC, NATURAL): 0.32,
    (SYNTHETIC, ENUNCIATED): 0.10,
    (OWN, -1): 0.20,
    (STILL, NATURAL): 0.03,
    (STILL, ENUNCIATED): 0.01,
}
FOLLOWS = 0.3  # of what lips learn without the cost of closures is kept: more, and p, b, m stay open
WARM = 100  # steps over which the rate of learning rises


@dataclass(frozen=True)
class Options:
    """Training settings; every figure in the model card was made with the defaults."""

    steps: int = 1600
    teacher_steps: int = 500
    follow_steps: int = 300
    batch: int = 16
    crop: int = 100  # frames: 2 s
    rate: float = 1e-3  # after WARM steps
    averaged: float = 0.995  # of the weights' running mean is kept at each step
    dropout: float = 0.3
    weight_decay: float = 0.05
    seed: int = 0
    validate_every: int = 100


def chances(examples: Sequence[Example], crop: int) -> NDArray[np.float64]:
    """Of each example to be drawn: each kind has its share, within it the longer have more."""
    lengths = np.array([max(len(e.channels) - crop, 0) * e.weight for e in examples], float)
    found = np.zeros(len(examples))
    for kind, share in SHARES.items():
        own = np.array([e.kind == kind for e in examples]) * lengths
        found += share * own / max(own.sum(), 1.0)
    return found / found.sum()


def batch_of(
    examples: Sequence[Example], drawn: NDArray[np.float64], options: Options, rng: np.random.Generator
) -> tuple[Tensor, ...]:
    """Random crops: features (B, T, layers, width), styles (B,), channels (B, T, C), measures (B, T, M)."""
    chosen = rng.choice(len(examples), options.batch, p=drawn)
    starts = [int(rng.integers(0, len(examples[i].channels) - options.crop)) for i in chosen]
    pairs = [(examples[i], slice(s, s + options.crop)) for i, s in zip(chosen, starts, strict=True)]
    features = np.stack([np.asarray(e.features[s], np.float32) for e, s in pairs])
    styles = torch.tensor([examples[i].style for i in chosen])
    channels = np.stack([e.channels[s] for e, s in pairs])
    measures = np.stack([measured(e)[s] for e, s in pairs])
    return torch.from_numpy(features), styles, torch.from_numpy(channels), torch.from_numpy(measures)


def measured(example: Example) -> NDArray[np.float32]:
    """What is known (T, M) of SHOWN in an example: NaN for the rest, or all over where nothing was measured."""
    found = np.full((len(example.channels), len(SHOWN)), np.nan, np.float32)
    if example.measures is not None:
        found[:, : len(MEASURES)] = example.measures
    return found


def predict(model: nn.Module, features: NDArray[np.float16], style: int) -> NDArray[np.float32]:
    """Rig channels (T, C) of features (T, layers, width) in a style, window by window as in inference."""
    training = model.training
    model.eval()
    count = len(features)

    def channels(window: Window) -> NDArray[np.float32]:
        part = torch.from_numpy(np.asarray(features[window.start : window.stop], np.float32))[None]
        with torch.no_grad():
            return model(part, torch.tensor([style]))[0].numpy()

    result = join(((w, channels(w)) for w in windows(count)), count)
    model.train(training)
    return result


def validation_errors(model: nn.Module, examples: Sequence[Example], loss: SpeechLoss) -> dict[str, float]:
    """The mean loss on stretches that are not trained on, each by its weight, by their source."""
    errors: dict[str, list[float]] = {}
    weights: dict[str, list[float]] = {}
    for example in examples:
        found = predict(model, example.features, example.style)
        rows = (torch.from_numpy(np.array(a)) for a in (found, example.channels, measured(example)))
        errors.setdefault(example.source, []).append(float(loss(*rows)))
        weights.setdefault(example.source, []).append(example.weight)
    return {name: float(np.average(found, weights=weights[name])) for name, found in errors.items()}


def train(
    make: Callable[[], Model],
    options: Options,
    examples: Sequence[Example],
    validation: Sequence[Example],
    resume: Path,
    costs: Costs = CLOSED,
) -> Model:
    """Train on examples and return the model of the best validation step; every source weighs alike there."""
    torch.manual_seed(options.seed)
    loss_of, drawn = loss_for(examples, head_measures(), costs), chances(examples, options.crop)
    model = make()
    optimiser = torch.optim.AdamW(model.parameters(), options.rate, weight_decay=options.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / WARM))
    run = loop.Run(model, optimiser, schedule, np.random.default_rng(options.seed), 1.0, options.averaged)
    run.resume(resume)

    def loss() -> Tensor:
        features, styles, channels, measures = batch_of(examples, drawn, options, run.rng)
        return loss_of(model(features, styles), channels, measures)

    def look(last: float) -> str:
        errors = validation_errors(run.average, validation, loss_of)
        run.judge(sum(errors.values()))
        return ", ".join([f"loss {last:.3f}", *(f"{name} {error:.3f}" for name, error in errors.items())])

    loop.train(run, options.steps, loss, options.validate_every, look, resume)
    model.load_state_dict(run.best[1])
    return model.eval()


def followed(
    model: SpeechTorch, options: Options, examples: Sequence[Example], validation: Sequence[Example], resume: Path
) -> SpeechTorch:
    """A trained model whose lips follow people more nearly and still close.

    It goes on to learn without the cost of open closures, and the mean of its weights before and after is kept
    (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
    """
    short = replace(options, steps=options.follow_steps)
    after = train(lambda: copy.deepcopy(model).train(), short, examples, validation, resume, OPEN).state_dict()
    result = copy.deepcopy(model)
    result.load_state_dict({name: torch.lerp(own, after[name], FOLLOWS) for name, own in model.state_dict().items()})
    return result.eval()


def started(path: Path, options: Options, styles: Sequence[str]) -> SpeechTorch:
    """The model of a file of weights, which must have these styles."""
    checkpoint = load_checkpoint(path)
    if checkpoint.json("styles") != list(styles):
        raise SystemExit(f"{path} has other styles than {', '.join(styles)}: leave out --start")
    model = speech_model(options, len(styles))
    model.load_state_dict({k: torch.from_numpy(v) for k, v in checkpoint.floats("model.").items()})
    return model.eval()


def speech_model(options: Options, styles: int) -> SpeechTorch:
    """The model as it begins."""
    return SpeechTorch(SpeechDims(len(CHANNEL_NAMES), styles), options.dropout)


def save(model: SpeechTorch, path: Path, stamp: Stamp, styles: Sequence[str] = STYLES) -> None:
    """The shipped file: float16 weights under `model.`, the names of its channels and styles."""
    arrays = {f"model.{k}": v.numpy().astype(np.float16) for k, v in model.state_dict().items()}
    metadata: Mapping[str, object] = {"dims": asdict(model.dims), "channels": CHANNEL_NAMES, "styles": styles}
    save_weights(path, arrays, {k: json.dumps(v) for k, v in metadata.items()}, stamp)


def main() -> None:
    """Train, then save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("weights/speech.safetensors"))
    parser.add_argument("--seed", type=int, default=Options.seed)
    parser.add_argument("--steps", type=int, default=Options.steps)
    parser.add_argument("--people", type=Path, help="folder of folders of tracks; default: talking/ in DUET_DATA")
    parser.add_argument("--own", type=Path, nargs="*", default=[], help="tracks of one person, a style of their own")
    parser.add_argument("--vocaset", type=Path, help="folder of VOCASET, as published or as FaceFormer prepares it")
    parser.add_argument("--start", type=Path, help="weights of the same styles to go on from, in place of training")
    arguments = parser.parse_args()
    stamp = begin("speech", arguments.seed)
    folder = working_folder("speech", stamp)
    options = Options(seed=arguments.seed, steps=arguments.steps)

    synthetic = [e for style in (NATURAL, ENUNCIATED) for e in synthetic_examples("train", style, changed=True)]
    voices = synthetic_validation()
    start = started(arguments.start, options, STYLES) if arguments.start else None
    teacher = start or _teacher(options, synthetic, voices, folder)

    def says(features: NDArray[np.float16]) -> NDArray[np.float32]:
        return predict(teacher, features, ENUNCIATED)

    people = training_people(arguments.people or talking_folder())
    examples, validation = people_examples(people, says, common_size(people))
    more, styles = vocaset_examples(arguments.vocaset) if arguments.vocaset else ([], [])
    for path in arguments.own:
        more += [e for person in people_of(path) for e in own_examples(person, says, len(STYLES) + len(styles))]
        styles.append(path.name)
    names = [*STYLES, *styles]
    everything, judged = [*examples, *synthetic, *still_examples(), *more], [*validation, *voices]
    model = start or train(lambda: speech_model(options, len(names)), options, everything, judged, folder / "model.pt")
    save(followed(model, options, everything, judged, folder / "follow.pt"), arguments.out, stamp, names)
    shutil.rmtree(folder)


def _teacher(options: Options, synthetic: Sequence[Example], voices: Sequence[Example], folder: Path) -> SpeechTorch:
    """What synthetic speech alone teaches of the enunciated style."""
    clear, heard = ([e for e in some if e.style == ENUNCIATED] for some in (synthetic, voices))
    short = replace(options, steps=options.teacher_steps)
    return train(lambda: speech_model(options, len(STYLES)), short, clear, heard, folder / "teacher.pt")


if __name__ == "__main__":
    main()
