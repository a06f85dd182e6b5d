"""Do faces stay sound in any mix of emotions while speaking? `python -m duet.training.soundness` prints the limits.

Measured on the Duet head: how far lips part where the same speech without emotion closes them, how far the upper
inner lip comes below the lower, and how far teeth stand out of the skin around the mouth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..inference.binding.mesh import Mesh
from ..inference.binding.nearest import Surface
from ..inference.blendshapes import Blendshapes
from ..inference.head import Head
from ..inference.pipeline import Pipeline
from ..inference.take import MAX_INTENSITY, MIX_LIMIT, within_limit
from .captured import TEST_TAKE, load_captured
from .features import WEIGHTS
from .fusion_measures import CLOSED, lip_gap

_REACH = 0.02  # metres from a tooth to the skin
_AROUND = 0.05  # metres around the mouth
_SHOWN = 400  # random mixes

Floats = NDArray[np.float32]


def random_mixes(rng: np.random.Generator, count: int, emotions: int) -> Floats:
    """Sliders (count, E): one to all emotions at once, each to its end, held together by the mix limit."""
    few = rng.random((count, emotions)) < rng.uniform(0.15, 1.0, (count, 1))
    mix = rng.uniform(0, MAX_INTENSITY, (count, emotions)) * few
    mix[:, 0] = 0.0
    return within_limit(mix, MIX_LIMIT)


def emotion_faces(shapes: Blendshapes, mixes: Floats) -> Floats:
    """Displacements (n, V, 3) of mixes of the emotions."""
    return np.tensordot(mixes @ shapes.emotion_weights, shapes.expression_basis, axes=1)


def lips_inverted(head: Head, faces: Floats) -> NDArray[np.float64]:
    """How far (n,) the upper inner lip comes below the lower at the worst pair, in mm beyond the neutral head."""
    upper, lower = head.regions["inner_lip_upper"], head.regions["inner_lip_lower"]
    height = faces[:, upper, 2] - faces[:, lower, 2] - (head.vertices[upper, 2] - head.vertices[lower, 2])
    return np.maximum(-height.min(axis=1) * 1000, 0.0)


class Teeth:
    """How far teeth come through the skin around the mouth; teeth that show between the lips do not count."""

    def __init__(self, head: Head) -> None:
        self.teeth = np.concatenate([head.regions["upper_teeth"], head.regions["lower_teeth"]])
        skin = np.zeros(len(head.vertices), bool)
        skin[head.regions["skin"]] = True
        near = (
            np.linalg.norm(head.vertices - head.vertices[head.regions["mouth_corners"]].mean(axis=0), axis=1) < _AROUND
        )
        self.triangles = head.triangles[(skin & near)[head.triangles].all(axis=1)].astype(np.int64)
        edges = np.sort(self.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        unique, count = np.unique(edges, axis=0, return_counts=True)
        self.rim = np.zeros((len(head.vertices), 1))
        self.rim[unique[count == 1]] = 1.0

    def out(self, face: Floats) -> float:
        """Of the vertex that stands out furthest, in mm; negative is how far behind the skin the nearest one is."""
        mesh = Mesh(face.astype(np.float64), self.triangles)
        points = mesh.vertices[self.teeth]
        hit = Surface(mesh, subset=np.unique(self.triangles)).closest(points, reach=_REACH)
        counts = (hit.triangle >= 0) & (hit.values(self.triangles, self.rim)[:, 0] < 0.5)
        if not counts.any():
            return -1000 * _REACH
        normals = hit.values(self.triangles, mesh.normals)[counts]
        return float(1000 * ((points - hit.position)[counts] * normals).sum(axis=1).max())


@dataclass(frozen=True)
class Limits:
    """The worst of many mixes, in mm."""

    closure: float  # gap added where speech closes the lips
    inverted: float  # beyond what the same speech does without emotion
    teeth: float  # how far the foremost stands out of the skin; negative: behind it


def limits(head: Head, shapes: Blendshapes, speech: Floats, mixes: Floats) -> Limits:
    """Of each mix (n, E) on one of the spoken faces, given as speech weights (n, Ks)."""
    spoken = head.vertices + np.tensordot(speech, shapes.speech_basis, axes=1)
    faces = (spoken + emotion_faces(shapes, mixes)).astype(np.float32)
    closed = lip_gap(head, spoken) < CLOSED
    teeth = Teeth(head)
    return Limits(
        closure=float((lip_gap(head, faces) - lip_gap(head, spoken))[closed].max(initial=0.0)),
        inverted=float((lips_inverted(head, faces) - lips_inverted(head, spoken)).max()),
        teeth=max(teeth.out(face) for face in faces),
    )


def spoken_weights(pipeline: Pipeline, rng: np.random.Generator, count: int) -> Floats:
    """w_A (count, Ks) of frames of the captured test take, half of them closures."""
    channels = np.nan_to_num(load_captured(TEST_TAKE).channels)
    weights = pipeline.speech_weights(channels, lambda *_: None)
    faces = pipeline.head.vertices + np.tensordot(weights, pipeline.shapes.speech_basis, axes=1)
    closed = np.flatnonzero(lip_gap(pipeline.head, faces) < CLOSED)
    chosen = np.where(rng.random(count) < 0.5, rng.choice(closed, count), rng.integers(0, len(weights), count))
    return weights[chosen]


def main() -> None:
    """Print the limits of the shipped weights."""
    pipeline, rng = Pipeline(WEIGHTS, "numpy"), np.random.default_rng(0)
    speech = spoken_weights(pipeline, rng, _SHOWN)
    mixes = random_mixes(rng, _SHOWN, len(pipeline.shapes.emotion_weights))
    found = limits(pipeline.head, pipeline.shapes, speech, mixes)
    print(f"{_SHOWN} random mixes of emotions, up to {MIX_LIMIT} in all, on frames of the test take; the worst:")
    print(f"gap added at closures {found.closure:.3f} mm, upper lip below lower {found.inverted:.3f} mm more,")
    print(f"teeth {-found.teeth:.2f} mm behind the skin")


if __name__ == "__main__":
    main()
