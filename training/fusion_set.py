"""The two sets that the fusion module learns from, both with the other domain's deformations mixed in.

Speech: captured frames, some with a faint expression on top. Expressions: recipes of FACS units at any intensity,
lopsided and varied, some with a speaking mouth on top. All are amounts of the canonical head's shapes, turned
into displacements that vary with the person by the identity modes' local scale (deformation_space.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..inference.expressions import RECIPES
from ..inference.head import ARKIT_NAMES, EXTRA_NAMES, Head
from .captured import TRAINING_TAKES, load_captured
from .deformation_space import DeformationSpace
from .named_expressions import NAMED
from .speech_rig import rig_shapes

Floats = NDArray[np.float32]
IDENTITIES = 32
SHIPPED_SHARE = 0.35  # of the expressions are of the kinds that the sliders offer
SHAPES = (*ARKIT_NAMES, *EXTRA_NAMES)


@dataclass(frozen=True)
class Sample:
    """A batch: amounts (N, 55) of SHAPES, of its own domain and of the other domain's share."""

    own: Floats
    other: Floats


def speech_frames(rng: np.random.Generator, takes: tuple[str, ...] = TRAINING_TAKES) -> Floats:
    """Shape amounts (T, 55) of every captured frame; channels that takes do not capture move at random.

    Each of those (the tongue's, the bite) is at rest in six frames of ten.
    """
    channels = np.concatenate([load_captured(name).channels for name in takes])
    at_random = rng.beta(1, 2, channels.shape) * (rng.random(channels.shape) < 0.4)
    return np.where(np.isnan(channels), at_random, channels).astype(np.float32) @ rig_shapes()


class FusionSet:
    """Draws batches of both domains, from a seed."""

    def __init__(self, seed: int, takes: tuple[str, ...] = TRAINING_TAKES) -> None:
        self.rng = np.random.default_rng(seed)
        self.speech_frames = speech_frames(self.rng, takes)
        self.mirror = np.array([SHAPES.index(_mirrored(name)) for name in SHAPES])
        self.recipes = np.zeros((len(NAMED), len(SHAPES)), np.float32)
        for row, recipe in enumerate(NAMED.values()):
            for name, amount in recipe.items():
                self.recipes[row, SHAPES.index(name)] = amount
        shipped = np.array([name in RECIPES for name in NAMED])
        self.chances = np.where(shipped, SHIPPED_SHARE / shipped.sum(), (1 - SHIPPED_SHARE) / (~shipped).sum())

    def speech(self, count: int) -> Sample:
        """Captured frames; four in ten smile, frown or raise a brow faintly."""
        frames = self.speech_frames[self.rng.integers(0, len(self.speech_frames), count)]
        frames = frames * self.rng.uniform(0.6, 1.3, (count, 1)).astype(np.float32)
        faint = self.rng.uniform(0, 0.35, (count, 1)) * (self.rng.random((count, 1)) < 0.4)
        return Sample(frames, (self._expressions(count) * faint).astype(np.float32))

    def expressions(self, count: int) -> Sample:
        """Expressions from rest to apex; six in ten with a mouth that speaks at the same time."""
        apex = np.sin(np.pi / 2 * self.rng.random((count, 1))) * self.rng.uniform(0.4, 1.2, (count, 1))
        frames = self.speech_frames[self.rng.integers(0, len(self.speech_frames), count)]
        speaking = self.rng.uniform(0.2, 1.2, (count, 1)) * (self.rng.random((count, 1)) < 0.6)
        own = (self._expressions(count) * apex).astype(np.float32)
        return Sample(own, (frames * speaking).astype(np.float32))

    def _expressions(self, count: int) -> Floats:
        """Apex amounts (N, 55): a recipe, mirrored half the time, each unit more or less than written,
        left and right not quite alike; a third are random single units, so that every direction is seen.
        """
        chosen = self.recipes[self.rng.choice(len(self.recipes), count, p=self.chances)]
        flip = self.rng.random((count, 1)) < 0.5
        chosen = np.where(flip, chosen[:, self.mirror], chosen)
        vary = self.rng.normal(1, 0.25, chosen.shape) * self.rng.normal(1, 0.1, chosen.shape)
        used = self.recipes.any(axis=0)
        single = (self.rng.random(chosen.shape) < 3 / used.sum()) * used * self.rng.uniform(0.3, 1, chosen.shape)
        alone = self.rng.random((count, 1)) < 0.33
        return np.clip(np.where(alone, single, chosen * vary), 0, 1.3).astype(np.float32)

    def coefficients(self, sample: Sample, space: DeformationSpace) -> Floats:
        """The batch in the space's components (N, D), each on a random person (canonical half the time)."""
        count = len(sample.own)
        person = self.rng.integers(1, len(space.people), count) * (self.rng.random(count) < 0.5)
        return np.einsum("ns,nsd->nd", sample.own + sample.other, space.people[person])


def _mirrored(name: str) -> str:
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    return name.removesuffix("Right") + "Left" if name.endswith("Right") else name


def identity_scales(head: Head, rng: np.random.Generator) -> Floats:
    """Local size (IDENTITIES, V) of random people over the canonical head's: ratio of edge lengths at each vertex."""
    a, b = head.edges.T
    ends, count = np.r_[a, b], len(head.vertices)
    degree = np.maximum(np.bincount(ends, minlength=count), 1)

    def size(vertices: Floats) -> NDArray[np.float64]:
        length = np.linalg.norm(vertices[a] - vertices[b], axis=1)
        return np.bincount(ends, np.r_[length, length], count) / degree + 1e-9

    amounts = rng.normal(0, 1, (IDENTITIES, len(head.identity))).clip(-2, 2)
    people = head.vertices + np.tensordot(amounts, head.identity, axes=(1, 0))
    ratios = np.stack([size(person) for person in people]) / size(head.vertices)
    for _ in range(10):  # smooth over the surface, so that a displacement stays smooth
        summed = np.stack([np.bincount(ends, np.r_[r[b], r[a]], count) for r in ratios])
        ratios = (ratios + summed / degree) / 2
    return ratios.clip(0.7, 1.4).astype(np.float32)
