"""Do faces stay sound? `python -m duet.training.evaluation.soundness [--synthetic FOLDER]` prints what is worst.

Faces are the frames of the bundled recordings and of up to twenty minutes of synthetic speech, as the pipeline makes
them, spoken as loudly as they come and theatrically, with each emotion, and with random mixes of all; each emotion in
silence; and on the way of a blink. Of all frames those are looked at that differ most from each other, with every
key's furthest among them: faces are nearly linear in the weights, so what breaks breaks at an extreme. The measures
are in sound_measures.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate
from tqdm import tqdm

from ...inference.arrays import Floats
from ...inference.audio.decode import load_audio
from ...inference.engine.pipeline import Pipeline
from ...inference.head.blendshapes import Blendshapes
from ...inference.head.canonical import Head
from ...inference.take import DEFAULT_STYLE, EMOTIONS, MAX_INTENSITY, MIX_LIMIT, within_limit
from ..data.synthetic import FOLDER, streams
from ..features import WEIGHTS
from ..mouth import LIPS, vertices_of
from .sound_measures import LIMITS, Flaws, SoundMeasures, worst

MINUTES = 20
_RATE = 50.0  # frames a second of speech channels
_RECORDINGS = Path(__file__).resolve().parents[2] / "examples" / "recordings"
_MIXES = 400
BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")
_SHUT = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class SpokenFrames:
    """Frames of speech: weights (n, Ks), and where each is from."""

    weights: Floats
    names: tuple[str, ...]


def spoken(pipeline: Pipeline, synthetic: Path | None = None) -> SpokenFrames:
    """Every frame of the bundled recordings, and of synthetic speech where it has been made."""
    sounds = [(path.stem, load_audio(path)) for path in sorted(_RECORDINGS.glob("*.wav"))]
    minutes = 0.0
    for number, stream in enumerate(streams("train", folder=synthetic) if synthetic and synthetic.is_dir() else ()):
        if minutes >= MINUTES:
            break
        sounds.append((f"synthetic {number}", stream.samples))
        minutes += len(stream.channels) / _RATE / 60
    weights, names = [], []
    for name, samples in sounds:
        channels = pipeline.speech_channels(samples, DEFAULT_STYLE, lambda *_: None)
        weights.append(pipeline.speech_weights(np.clip(channels, 0, 1), lambda *_: None))
        names += [f"{name} at {frame / _RATE:.2f} s" for frame in range(len(channels))]
    print(f"{len(names)} frames: {len(sounds)} sounds, {minutes:.1f} minutes of them synthetic", flush=True)
    return SpokenFrames(np.concatenate(weights), tuple(names))


def most_unlike(speech: SpokenFrames, lengths: Floats, count: int) -> SpokenFrames:
    """The `count` frames most unlike each other, each key's furthest first (Gonzalez 1985: the furthest point next).

    `lengths` (Ks,) is how far each key moves the lips.
    """
    scaled = speech.weights * lengths
    chosen = list(dict.fromkeys(scaled.argmax(axis=0).tolist()))[:count]
    away = np.min([np.linalg.norm(scaled - scaled[k], axis=1) for k in chosen], axis=0)
    while len(chosen) < min(count, len(scaled)):
        chosen.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(scaled - scaled[chosen[-1]], axis=1))
    return SpokenFrames(speech.weights[chosen], tuple(speech.names[k] for k in chosen))


def random_mixes(rng: np.random.Generator, count: int, emotions: int) -> Floats:
    """Sliders (count, E): one to all emotions at once, each to its end, held together by the mix limit."""
    few = rng.random((count, emotions)) < rng.uniform(0.15, 1.0, (count, 1))
    mix = rng.uniform(0, MAX_INTENSITY, (count, emotions)) * few
    mix[:, 0] = 0.0
    return within_limit(mix, MIX_LIMIT)


@dataclass(frozen=True, eq=False)
class Kind:
    """Faces of one kind: (n, Ks) and (n, Ke) weights, and their names."""

    title: str
    speech: Floats
    expression: Floats
    names: tuple[str, ...]
    blink: float = 0.0  # of both eyes, as life shuts them


def kinds(shapes: Blendshapes, speech: SpokenFrames, count: int, rng: np.random.Generator) -> Iterator[Kind]:
    """All kinds, `count` faces of speech in each."""
    few = SpokenFrames(speech.weights[:count], speech.names[:count])
    still = np.zeros((len(few.weights), len(shapes.expression_names)), np.float32)
    for loud in (1.0, MAX_INTENSITY):
        yield Kind(f"speech, articulation {loud:g}", few.weights * np.float32(loud), still, few.names)
    for i, emotion in enumerate(EMOTIONS[1:], start=1):
        for amount in (np.float32(1.0), np.float32(MAX_INTENSITY)):
            felt = amount * shapes.emotion_weights[i][None]
            silent = amount * shapes.emotion_opening[i][None]
            both = np.concatenate([few.weights, silent])
            yield Kind(f"{emotion} {amount:g}", both, np.repeat(felt, len(both), axis=0), (*few.names, "silence"))
    felt = shapes.emotion_weights[: len(EMOTIONS)]
    for blink in _SHUT:
        still = np.zeros((len(felt), few.weights.shape[1]), np.float32)
        for loud in (1.0, MAX_INTENSITY):
            title = f"blink {blink:g}, all emotions {loud:g}"
            yield Kind(title, still, np.float32(loud) * felt, EMOTIONS, blink)
    chosen = rng.integers(0, len(speech.weights), _MIXES)
    mixes = random_mixes(rng, _MIXES, len(EMOTIONS)) @ shapes.emotion_weights[: len(EMOTIONS)]
    yield Kind("random mixes", speech.weights[chosen], mixes, tuple(speech.names[k] for k in chosen))


def measured(kind: Kind, shapes: Blendshapes, measures: SoundMeasures) -> dict[str, Flaws]:
    """The flaws of each face, by its name."""
    shut = {name: np.full(1, kind.blink, np.float32) for name in BLINKS if kind.blink}
    rest = measures.head.vertices + blinking(measures.head, kind.blink)
    weights = np.concatenate([kind.speech, kind.expression], axis=1)
    return {
        name: measures.flaws(shapes.faces(rest, row[None], shut)[0])
        for name, row in zip(kind.names, weights, strict=True)
    }


def blinking(head: Head, blink: float) -> Floats:
    """(V, 3) what both eyes' blinks of an amount add to the face, without the correctives that follow them."""
    return np.float32(blink) * head.arkit[[head.arkit_names.index(name) for name in BLINKS]].sum(axis=0)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synthetic", type=Path, default=FOLDER, help="made by training.synthesis.build")
    parser.add_argument("--faces", type=int, default=60, help="frames of speech in each kind")
    arguments = parser.parse_args()
    pipeline = Pipeline(WEIGHTS, "numpy")
    head, shapes = pipeline.head, pipeline.shapes
    lengths = np.linalg.norm(shapes.speech_basis[:, vertices_of(head, LIPS)], axis=-1).max(axis=1)
    speech = most_unlike(spoken(pipeline, arguments.synthetic), lengths, _MIXES)
    measures = SoundMeasures(head)
    columns = ["through the skin (mm)", "lip in lip (mm)", "lid in eye (mm)", "turned triangles", "fold (°)", "worst"]
    rows = []
    for kind in tqdm(list(kinds(shapes, speech, arguments.faces, np.random.default_rng(0))), unit="kind", disable=None):
        found = measured(kind, shapes, measures)
        worsts = worst(found)
        cells = [f"{worsts[name][0]:.2f}" for name in ("through", "lips", "lids")]
        cells += [f"{worsts['turned'][0]:.0f}", f"{worsts['fold'][0]:.0f}"]
        broken = [f"{name}: {where}" for name, (value, where) in worsts.items() if value > getattr(LIMITS, name)]
        rows.append([kind.title, *cells, "; ".join(broken) or "within limits"])
    print(tabulate(rows, ["faces", *columns], "github", disable_numparse=True))


if __name__ == "__main__":
    main()
