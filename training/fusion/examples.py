"""The two sets that the fusion module learns from, both with the other domain's deformations mixed in.

Speech: animated frames, some with secondary expression: brows that go along with the voice's accents, small smiles,
faint named expressions. Expressions: recipes of FACS units at any moment between neutral, apex and neutral or
the next expression, lopsided and varied, with closed, open and speaking mouths. All are amounts of the canonical
head's shapes, turned into displacements that vary with the person by the identity modes' local scale. Sequences of
Florence4D join where the user has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.audio.prosody import accents
from ...inference.head.canonical import Head
from ...inference.performance.mirror import other_side
from ..data.animated import TRAINING_TAKES, AnimatedTake, load_animated
from ..data.expression_times import shares
from ..features import cached
from ..recipes import rows_of
from ..speech_rig import SHAPE_NAMES, rig_shapes
from .deformation_space import DeformationSpace
from .expressions import RECIPES
from .named_expressions import NAMED

IDENTITIES = 32
SHIPPED_SHARE = 0.5  # of the expressions are of the kinds that the sliders offer
FLORENCE_SHARE = 0.5  # of the expressions are Florence4D's, where there are any
# What goes along with an accent, one of them at a time, and the smiles that come and go with what is said.
_ACCENTED = (
    {"browInnerUp": 0.8, "browOuterUpLeft": 0.7, "browOuterUpRight": 0.7, "eyeWideLeft": 0.2, "eyeWideRight": 0.2},
    {"browInnerUp": 0.9},
    {"browOuterUpLeft": 0.8, "browInnerUp": 0.3},
    {"browDownLeft": 0.6, "browDownRight": 0.6, "eyeSquintLeft": 0.2, "eyeSquintRight": 0.2},
)
_SMILES = (
    {"mouthSmileLeft": 0.4, "mouthSmileRight": 0.4, "cheekSquintLeft": 0.3, "cheekSquintRight": 0.3},
    {"mouthSmileLeft": 0.3, "mouthDimpleLeft": 0.2, "cheekSquintLeft": 0.15},
)
_OPEN = {"jawOpen": 0.4, "mouthLowerDownLeft": 0.3, "mouthLowerDownRight": 0.3, "mouthUpperUpLeft": 0.2}
_OPEN |= {"mouthUpperUpRight": 0.2}


@dataclass(frozen=True)
class Sample:
    """A batch: amounts (N, 55) of SHAPE_NAMES, of its own domain and of the other domain's share."""

    own: Floats
    other: Floats


def speech_frames(rng: np.random.Generator, takes: Sequence[AnimatedTake]) -> Floats:
    """Shape amounts (T, 55) of every animated frame; channels that takes do not move go at random.

    Each of those (the tongue's, the bite) is at rest in six frames of ten.
    """
    channels = np.concatenate([take.channels for take in takes])
    at_random = rng.beta(1, 2, channels.shape) * (rng.random(channels.shape) < 0.4)
    return np.where(np.isnan(channels), at_random, channels).astype(np.float32) @ rig_shapes()


def _accents(take: AnimatedTake) -> Floats:
    """(T,) of the take's voice, whose brows do not move by themselves."""
    source = take.samples.tobytes() + take.times.tobytes()
    return cached("accents", source, lambda: accents(take.samples, take.times))


class FusionSet:
    """Draws batches of both domains, from a seed.

    `takes` are the speech (default: the animated training takes); `florence` (n, D) are Florence4D's displacements in
    the deformation space.
    """

    def __init__(self, seed: int, takes: Sequence[AnimatedTake] | None = None, florence: Floats | None = None) -> None:
        self.rng = np.random.default_rng(seed)
        takes = takes or [load_animated(name) for name in TRAINING_TAKES]
        self.speech_frames = speech_frames(self.rng, takes)
        self.accents = np.concatenate([_accents(take) for take in takes])[:, None]
        self.florence = florence
        self.mirror = np.array([SHAPE_NAMES.index(other_side(name)) for name in SHAPE_NAMES])
        self.recipes = rows_of(list(NAMED.values()), SHAPE_NAMES)
        self.accented, self.smiles = rows_of(_ACCENTED, SHAPE_NAMES), rows_of(_SMILES, SHAPE_NAMES)
        self.open = rows_of([_OPEN], SHAPE_NAMES)
        shipped = np.array([name in RECIPES for name in NAMED])
        self.chances = np.where(shipped, SHIPPED_SHARE / shipped.sum(), (1 - SHIPPED_SHARE) / (~shipped).sum())

    def speech(self, count: int) -> Sample:
        """Animated frames; in six of ten, brows go with accents, and there may be a smile or a faint expression."""
        rng, chosen = self.rng, self.rng.integers(0, len(self.speech_frames), count)
        frames = self.speech_frames[chosen] * rng.uniform(0.6, 1.3, (count, 1)).astype(np.float32)
        brows = self._mirrored_half(self.accented[rng.integers(0, len(self.accented), count)])
        smiles = self._mirrored_half(self.smiles[rng.integers(0, len(self.smiles), count)])
        secondary = self.accents[chosen] * rng.uniform(0.3, 1.2, (count, 1)) * brows
        secondary += self._some(count, 0.3) * rng.beta(1.5, 3, (count, 1)) * smiles
        secondary += self._some(count, 0.3) * rng.uniform(0, 0.35, (count, 1)) * self._apexes(count)
        return Sample(frames, (secondary * self._some(count, 0.6)).astype(np.float32))

    def expressions(self, count: int) -> Sample:
        """Moments of expressions; half with a mouth that speaks meanwhile, one in seven with one that hangs open."""
        rng, apex = self.rng, self._apexes(count) * shares(self.rng, count)
        onward = self._some(count, 0.2)  # on the way to another expression
        apex = np.where(onward, apex + self._apexes(count) * rng.random((count, 1)) * (1 - apex.clip(0, 1)), apex)
        own = (apex * rng.uniform(0.6, 1.25, (count, 1))).clip(0, 1.3).astype(np.float32)
        frames = self.speech_frames[rng.integers(0, len(self.speech_frames), count)]
        speaking = rng.uniform(0.2, 1.2, (count, 1)) * self._some(count, 0.5)
        hanging = rng.random((count, 1)) * self._some(count, 0.15)
        return Sample(own, (frames * speaking + self.open * hanging).astype(np.float32))

    def neutral(self, count: int) -> Floats:
        """Shape amounts (N, 55) of animated frames without secondary expression."""
        return self.speech_frames[self.rng.integers(0, len(self.speech_frames), count)]

    def _some(self, count: int, share: float) -> NDArray[np.bool_]:
        return self.rng.random((count, 1)) < share

    def _mirrored_half(self, amounts: Floats) -> Floats:
        return np.where(self._some(len(amounts), 0.5), amounts[:, self.mirror], amounts)

    def _apexes(self, count: int) -> Floats:
        """Apex amounts (N, 55): a recipe, mirrored half the time, each unit more or less than written,
        left and right not quite alike; a third are random single units, so that every direction is seen.
        """
        chosen = self._mirrored_half(self.recipes[self.rng.choice(len(self.recipes), count, p=self.chances)])
        vary = self.rng.normal(1, 0.25, chosen.shape)
        lopsided = 1 + self.rng.normal(0, 0.15, (count, 1)) * _SIDES
        used = self.recipes.any(axis=0)
        single = (self.rng.random(chosen.shape) < 3 / used.sum()) * used * self.rng.uniform(0.3, 1, chosen.shape)
        return np.where(self._some(count, 0.33), single, chosen * vary * lopsided).clip(0, 1.3).astype(np.float32)

    def coefficients(self, sample: Sample, space: DeformationSpace, expressions: bool = False) -> Floats:
        """The batch in the space's components (N, D), each on a random person (canonical half the time).

        Of expressions, some are Florence4D's.
        """
        count = len(sample.own)
        person = self.rng.integers(1, len(space.people), count) * (self.rng.random(count) < 0.5)
        own = np.einsum("ns,nsd->nd", sample.own, space.people[person])
        if expressions and self.florence is not None:
            drawn = self.florence[self.rng.integers(0, len(self.florence), count)]
            own = np.where(self._some(count, FLORENCE_SHARE), drawn, own)
        return own + np.einsum("ns,nsd->nd", sample.other, space.people[person])

    def batch(self, count: int, space: DeformationSpace) -> Floats:
        """(2 N, D): speech, then expressions."""
        return np.concatenate(
            [
                self.coefficients(self.speech(count), space),
                self.coefficients(self.expressions(count), space, expressions=True),
            ]
        )


_SIDES = np.array([name.endswith("Left") * 1 - name.endswith("Right") * 1 for name in SHAPE_NAMES], np.float32)


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
