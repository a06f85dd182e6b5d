"""The two sets that the fusion module learns from, both with the other domain's deformations mixed in.

Speech: captured frames, some with a faint expression on top. Expressions: recipes of FACS units at any intensity,
lopsided and varied, some with a speaking mouth on top. All are ARKit coefficients on the canonical head, turned
into displacements that vary with the person by the identity modes' local scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..inference.expressions import RECIPES
from ..inference.head import ARKIT_NAMES, Head
from .captured import TRAINING_TAKES, load_captured
from .speech_rig import rig_arkit

Floats = NDArray[np.float32]
IDENTITIES = 32


@dataclass(frozen=True)
class Sample:
    """A batch: ARKit coefficients (N, 52) of its own domain and of the other domain's share."""

    own: Floats
    other: Floats


def captured_frames(takes: tuple[str, ...] = TRAINING_TAKES) -> Floats:
    """Rig channels (T, C) of every frame of the takes."""
    return np.concatenate([load_captured(name).channels for name in takes])


class FusionSet:
    """Draws batches of both domains, from a seed."""

    def __init__(self, head: Head, seed: int, takes: tuple[str, ...] = TRAINING_TAKES) -> None:
        self.rng = np.random.default_rng(seed)
        self.speech_frames = captured_frames(takes) @ rig_arkit()
        self.shapes = head.arkit.reshape(len(head.arkit), -1)
        self.scales = identity_scales(head, np.random.default_rng(seed))
        self.mirror = np.array([ARKIT_NAMES.index(_mirrored(name)) for name in ARKIT_NAMES])
        self.recipes = np.zeros((len(RECIPES) - 1, len(ARKIT_NAMES)), np.float32)
        for row, recipe in enumerate(list(RECIPES.values())[1:]):
            for name, amount in recipe.items():
                self.recipes[row, ARKIT_NAMES.index(name)] = amount

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
        """Apex coefficients (N, 52): a recipe, mirrored half the time, each unit more or less than written,
        left and right not quite alike; a third are random single units, so that every direction is seen.
        """
        chosen = self.recipes[self.rng.integers(0, len(self.recipes), count)]
        flip = self.rng.random((count, 1)) < 0.5
        chosen = np.where(flip, chosen[:, self.mirror], chosen)
        vary = self.rng.normal(1, 0.25, chosen.shape) * self.rng.normal(1, 0.1, chosen.shape)
        used = self.recipes.any(axis=0)
        single = (self.rng.random(chosen.shape) < 3 / used.sum()) * used * self.rng.uniform(0.3, 1, chosen.shape)
        alone = self.rng.random((count, 1)) < 0.33
        return np.clip(np.where(alone, single, chosen * vary), 0, 1.3).astype(np.float32)

    def displacements(self, coefficients: Floats) -> Floats:
        """Displacements (N, V, 3) in metres, each on a random person (canonical proportions half the time)."""
        count = len(coefficients)
        scale = self.scales[self.rng.integers(0, IDENTITIES, count)]
        scale = np.where(self.rng.random((count, 1)) < 0.5, scale, np.float32(1))
        return (coefficients @ self.shapes).reshape(count, -1, 3) * scale[..., None]


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
