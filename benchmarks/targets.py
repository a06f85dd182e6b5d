"""How near FLAME's coefficients and ARKit's shapes come to the Duet head's faces, as a table.

    python -m duet.benchmarks.targets [RECORDING]

Distances are in mm, at the vertices that move.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..inference.audio.decode import load_audio
from ..inference.engine.pipeline import Pipeline
from ..inference.flame.duet import duet_flame
from ..inference.flame.fit import FlameFit
from ..inference.flame.model import TO_BLENDER
from ..inference.head.blendshapes import load_blendshapes
from ..inference.head.canonical import Head, load_head
from ..inference.head.lips import lips_of
from ..inference.head.residual import Residual
from ..inference.head.retarget import ArkitSolver
from ..inference.performance.face import FaceCurves
from ..inference.performance.performance import Performance
from ..inference.performance.timeline import Cue
from ..inference.take import GenerateRequest
from ..training.fusion.expressions import emotion_arkit
from .report import ROOT, markdown

RECORDING = ROOT / "examples" / "recordings" / "sense_and_sensibility_0920.wav"
MISSING = (("mouthFunnel",), ("mouthSmileLeft", "mouthSmileRight"), ("mouthPressLeft", "mouthPressRight"))


def row(name: str, residual: Residual, seconds: float, frames: int) -> tuple[str, ...]:
    """One line of the table."""
    numbers = (residual.mean, residual.median, residual.percentile95, residual.worst)
    return name, *(f"{n:.3f}" for n in numbers), f"{1000 * seconds / frames:.1f}"


def timed(solve: Callable[[], Residual]) -> tuple[Residual, float]:
    """What a solve left, and its seconds."""
    began = time.perf_counter()
    return solve(), time.perf_counter() - began


def flame_rows(head: Head, weights: np.ndarray, basis: np.ndarray) -> list[tuple[str, ...]]:
    """FLAME's lines: the head's own shapes, the emotions, a recording."""
    fit, shapes = FlameFit(duet_flame()), np.asarray(np.concatenate([head.arkit, head.extra]) @ TO_BLENDER, np.float32)
    emotions = emotion_arkit()
    cases: tuple[tuple[str, np.ndarray, np.ndarray], ...] = (
        ("FLAME: 55 shapes at 1", np.eye(len(shapes), dtype=np.float32), shapes),
        ("FLAME: 8 emotions at 1", emotions, shapes[: emotions.shape[1]]),
        ("FLAME: recording, happy 0.8", weights, np.asarray(basis @ TO_BLENDER, np.float32)),
    )
    return [row(name, *timed(lambda w=w, b=b: fit(w, b, 30.0)[1]), len(w)) for name, w, b in cases]


def arkit_rows(head: Head, weights: np.ndarray, basis: np.ndarray) -> list[tuple[str, ...]]:
    """ARKit's lines: a recording on all shapes, and with some of them missing."""
    rows = []
    for missing in ((), *MISSING):
        keep = [n for n, name in enumerate(head.arkit_names) if name not in missing]
        solver = ArkitSolver(head.arkit[keep], basis, [head.arkit_names[n] for n in keep], lips=lips_of(head))
        found = timed(lambda solver=solver: solver.residual(weights, solver(weights)))
        name = f"ARKit: recording{', without ' + ', '.join(missing) if missing else ''}"
        rows.append(row(name, *found, len(weights)))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", type=Path, nargs="?", default=RECORDING)
    options = parser.parse_args()
    head, blendshapes = load_head(), load_blendshapes()
    spoken = Pipeline(ROOT / "weights", "numpy").generate(
        load_audio(options.recording), GenerateRequest(fps=30), lambda *_: None
    )
    take = FaceCurves(spoken, Performance(emotions=(Cue(0.0, {"happy": 0.8}),))).performed()
    weights, basis = blendshapes.mixed(take.face_weights), blendshapes.basis
    heading = ("", "mean", "median", "95 %", "worst", "ms a frame")
    print(markdown([heading, *flame_rows(head, weights, basis), *arkit_rows(head, weights, basis)]))


if __name__ == "__main__":
    main()
