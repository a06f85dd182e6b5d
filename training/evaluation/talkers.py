"""Everything that turns speech into rig channels, behind one call, so that all are measured alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ...inference.arrays import Floats
from ...inference.checkpoints import load_checkpoint
from ...inference.engine.pipeline import Pipeline
from ...inference.engine.windows import FRAME_RATE
from ...inference.head.mouth import Mouth, mouth_of
from ..baselines.fitting import ALTERNATIVES, Budget, fit, predict
from ..baselines.loudness import loudness_channels
from ..baselines.visemes import viseme_channels
from ..features import WEIGHTS
from ..speech_rig import CHANNEL_NAMES
from ..synthesis.coarticulation import Manner, channels_of, loudness_gains
from ..video.aligned import phones_of
from ..video.people_rules import people_manner
from ..video.tracks import Clip

SHIPPED = "the shipped model"
RULES = "rules of articulation, true phones"


@dataclass(frozen=True)
class Talker:
    """`channels(samples, style)` gives rig channels (T, C) in [0, 1] at 50 Hz of samples (N,) at 16 kHz.

    `style` is one of the speaking styles; alternatives have the natural one alone.
    """

    name: str
    channels: Callable[[Floats, str], Floats]


class Face:
    """The shipped fusion module: from any talker's channels to the face that users see."""

    def __init__(self, pipeline: Pipeline) -> None:
        names, _ = names_of(WEIGHTS)
        self.pipeline = pipeline
        self.columns = [CHANNEL_NAMES.index(name) for name in names]
        self.mouth: Mouth = mouth_of(pipeline.head, pipeline.shapes.speech_basis)
        self._truths: dict[int, tuple[Floats, Floats]] = {}  # the channels are kept too, so that no id comes again

    def weights(self, channels: Floats) -> Floats:
        """w_A (T, Ks) of rig channels (T, C); those that the pipeline's rig lacks, and unknown ones, count as 0."""
        known = np.ascontiguousarray(np.nan_to_num(channels[:, self.columns]), np.float32)
        return self.pipeline.speech_weights(np.clip(known, 0.0, 1.0), lambda *_: None)

    def in_contact(self, channels: Floats) -> Floats:
        """Channels (T, C) of a talker that knows nothing of lips, which do not pass each other on the shipped face."""
        result = np.clip(np.nan_to_num(channels), 0.0, 1.0)
        result[:, self.columns] = self.pipeline.in_contact(result[:, self.columns])
        return result

    def truth_weights(self, channels: Floats) -> Floats:
        """As `weights`, remembered for the same array: every talker is held against the same truth."""
        if id(channels) not in self._truths:
            self._truths[id(channels)] = (channels, self.weights(channels))
        return self._truths[id(channels)][1]

    def points(self, weights: Floats, vertices: NDArray[np.int32]) -> Floats:
        """Displacements (T, n, 3) in metres of some vertices."""
        return np.tensordot(weights, self.pipeline.shapes.speech_basis[:, vertices], 1)


def names_of(weights: Path) -> tuple[list[str], list[str]]:
    """The channels and the speaking styles of a weights folder's speech model."""
    checkpoint = load_checkpoint(weights / "speech.safetensors")
    return checkpoint.json("channels"), checkpoint.json("styles")


def shipped(pipeline: Pipeline) -> Talker:
    """The pipeline's own speech model."""
    names, _ = names_of(WEIGHTS)
    columns = [CHANNEL_NAMES.index(name) for name in names]

    def channels(samples: Floats, style: str) -> Floats:
        found = pipeline.speech_channels(samples, style, lambda *_: None)
        result = np.zeros((len(found), len(CHANNEL_NAMES)), np.float32)
        result[:, columns] = np.clip(found, 0.0, 1.0)
        return result

    return Talker(SHIPPED, channels)


def _trained(name: str, model: nn.Module, face: Face) -> Talker:
    return Talker(ALTERNATIVES[name].title, lambda samples, _: face.in_contact(predict(name, model, samples)))


def alternatives(budget: Budget, face: Face) -> Iterator[Talker]:
    """Every alternative. Lips of those that learn meet as the shipped model's do; they are trained where not yet."""
    for name in ALTERNATIVES:
        yield _trained(name, fit(name, budget), face)
    yield Talker("phoneme-to-viseme table with cross-fades", lambda samples, _: viseme_channels(samples))
    yield Talker("loudness alone", lambda samples, _: loudness_channels(samples))


def rules(manner: Manner | None, clips: Mapping[str, Sequence[Clip]]) -> Talker:
    """The rules of articulation given the true phones of some clips; None: as they were fitted to people.

    Clips whose phones are not known stay at rest.
    """
    found = {}
    for clip in (clip for own in clips.values() for clip in own):
        segments, count = phones_of(clip), len(clip.samples) * FRAME_RATE // 16000
        found[clip.samples.tobytes()] = (
            np.zeros((count, len(CHANNEL_NAMES)), np.float32)
            if segments is None
            else channels_of(segments, count, loudness_gains(segments, clip.samples), manner or people_manner())
        )
    name = f"{RULES}, {'as fitted to people' if manner is None else 'before'}"
    return Talker(name, lambda samples, _: found[samples.tobytes()])
