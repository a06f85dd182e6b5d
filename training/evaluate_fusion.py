"""What the fusion module keeps and what it drops, on the captured take that it never saw and on the emotions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..inference.head import Head, load_head
from ..inference.models import load_models
from ..inference.pipeline import Pipeline
from ..inference.take import EMOTIONS
from .captured import TEST_TAKE, load_captured
from .evaluate_speech import predicted_channels
from .features import WEIGHTS
from .fusion_measures import CLOSED, cosine, lip_gap, wanted_emotions
from .measures import lip_vertex_error, mean_lip_error
from .mouth import LIPS, UPPER_FACE, vertices_of
from .speech_rig import rig_deltas

WANTED_GROWTH = 0.002134  # mm (Mao et al. 2025)

Floats = NDArray[np.float32]


def evaluate_fusion() -> list[str]:
    """Lines of Markdown for the model card."""
    head, pipeline, take = load_head(), Pipeline(WEIGHTS, "numpy"), load_captured(TEST_TAKE)
    lips, basis = vertices_of(head, LIPS), pipeline.shapes.speech_basis
    given = load_models(WEIGHTS).rig.deltas(head)  # what the module is given, as shipped

    def said(channels: Floats, deltas: Floats) -> Floats:
        return (channels @ deltas[:, lips].reshape(len(deltas), -1)).reshape(len(channels), -1, 3)

    def fused(channels: Floats) -> Floats:
        return said(pipeline.speech_weights(channels, lambda *_: None), basis)

    captured = np.nan_to_num(take.channels)  # what is not captured rests
    truth, predicted = said(captured, rig_deltas(head)), np.clip(predicted_channels(pipeline, take), 0, 1)
    before, after = said(predicted, given), fused(predicted)
    squared = lip_vertex_error(after, truth) - lip_vertex_error(before, truth)
    plain = mean_lip_error(after, truth) - mean_lip_error(before, truth)
    away = np.linalg.norm(fused(captured) - said(captured, given), axis=-1).mean() * 1000
    return [
        "| neutral speech, test take | through the module | wanted |",
        "| --- | --- | --- |",
        f"| mean largest lip error grows by (mm) | {plain:+.6f} | at most {WANTED_GROWTH} |",
        f"| LVE, as FaceFormer defines it, grows by (mm²) | {squared:+.6f} | |",
        f"| lip vertices are moved, on average, by (mm) | {away:.6f} | |",
        "",
        *_emotion_table(head, pipeline, captured, given),
    ]


def _emotion_table(head: Head, pipeline: Pipeline, channels: Floats, rig: Floats) -> list[str]:
    """Per emotion at full strength: how much of it survives, and the lip gap at the test take's closures."""
    shapes, wanted = pipeline.shapes, wanted_emotions(head)
    felt = np.tensordot(shapes.emotion_weights, shapes.expression_basis, axes=1)
    upper, corners = vertices_of(head, UPPER_FACE), head.regions["mouth_corners"]
    closed = lip_gap(head, head.vertices + np.tensordot(channels, rig, axes=1)) < CLOSED
    weights = pipeline.speech_weights(channels[closed], lambda *_: None)
    spoken = head.vertices + np.tensordot(weights, shapes.speech_basis, axes=1)
    quiet = lip_gap(head, spoken)
    rows = [
        "| emotion | cosine, brows to cheeks | cosine, corners | kept, brows to cheeks | kept, corners "
        "| gap added at closures (mm) | if added directly (mm) |",
        "| --- " * 7 + "|",
    ]
    for i, emotion in enumerate(EMOTIONS[1:], start=1):
        cells = [f"{cosine(felt[i][part], wanted[i][part]):.3f}" for part in (upper, corners)]
        cells += [f"{_kept(felt[i][part], wanted[i][part]):.2f}" for part in (upper, corners)]
        cells += [f"{(lip_gap(head, spoken + field) - quiet).mean():+.2f}" for field in (felt[i], wanted[i])]
        rows.append(f"| {emotion} | " + " | ".join(cells) + " |")
    return [f"Closures: {int(closed.sum())} of {len(closed)} frames of the test take.", "", *rows]


def _kept(felt: Floats, wanted: Floats) -> float:
    """Share of a wanted displacement that is there: its projection on what is wanted."""
    return float((felt * wanted).sum() / (wanted * wanted).sum())


def main() -> None:
    """Print the tables."""
    print("\n".join(evaluate_fusion()))


if __name__ == "__main__":
    main()
