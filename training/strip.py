"""Faces for docs/pictures/speech_strip.png: ten seconds of the captured test take, by the capture and every talker.

    python -m duet.training.strip --out .cache/strip.npz && python -m duet.examples.speech_strip

The moments shown are chosen by the capture alone: in each of twelve equal parts of the ten seconds the frame at which
its mouth is most open, or, in every second part, most closed.
"""

from __future__ import annotations

import argparse
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..inference.pipeline import Pipeline
from .alternatives.fitting import Budget
from .captured import FPS, TEST_TAKE, load_captured
from .features import CACHE, WEIGHTS
from .mouth import mouth_of
from .read_at import at_times
from .speech_rig import rig_deltas
from .talkers import Face, alternatives, shipped

SECONDS, PARTS = 10.0, 12

Floats = NDArray[np.float32]


def busiest(gap: Floats, count: int) -> int:
    """First frame of the stretch of `count` frames over which the gap changes most."""
    change = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(gap)))])
    return int(np.argmax(change[count:] - change[:-count]))


def moments(gap: Floats, moved: Floats, parts: int = PARTS) -> NDArray[np.int64]:
    """Frame (parts,) of a gap curve in each of its equal parts: where it is largest, smallest, largest, ...

    `moved` is how far the face is from rest; a smallest gap is looked for where that is most, so not in pauses.
    """
    edges = np.linspace(0, len(gap), parts + 1).astype(int)
    closed = gap - 1e3 * (moved > 0.5 * moved.mean())
    chosen = [(closed if i % 2 else -gap)[a:b].argmin() + a for i, (a, b) in enumerate(pairwise(edges))]
    return np.array(chosen)


def strip_faces(budget: Budget) -> dict[str, NDArray[np.generic]]:
    """Arrays for the drawing: names (N,), moments (P,) s, vertices (N, P, V, 3) m, gaps (N, T) mm, samples, rate."""
    face, take = Face(Pipeline(WEIGHTS, "numpy")), load_captured(TEST_TAKE)
    head, rig = face.pipeline.head, rig_deltas(face.pipeline.head)
    truth = np.nan_to_num(take.channels)
    gap, count = mouth_of(head, rig).gap(truth), int(SECONDS * FPS)
    first = busiest(gap, count)
    part = slice(first, first + count)
    shown = moments(gap[part], np.abs(truth[part]).max(axis=1))
    names, gaps = ["the capture"], [gap[part]]
    faces = [head.vertices + np.tensordot(truth[part][shown], rig, axes=1)]
    for talker in chain([shipped(face.pipeline)], alternatives(budget)):
        weights = face.weights(at_times(take.times[part], talker.channels(take.samples, True)))
        names.append(talker.name)
        gaps.append(face.mouth.gap(weights))
        faces.append(head.vertices + np.tensordot(weights[shown], face.pipeline.shapes.speech_basis, axes=1))
    samples = take.samples[int(take.times[first] * 16000) :][: int(SECONDS * 16000)]
    return {
        "names": np.array(names),
        "moments": shown / FPS,
        "vertices": np.array(faces, np.float32),
        "gaps": np.array(gaps, np.float32),
        "samples": samples,
        "fps": np.array(FPS),
    }


def main() -> None:
    """Write the faces."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=CACHE / "strip.npz")
    parser.add_argument("--steps", type=int, default=Budget.steps)
    arguments = parser.parse_args()
    np.savez_compressed(arguments.out, **strip_faces(Budget(steps=arguments.steps)))


if __name__ == "__main__":
    main()
