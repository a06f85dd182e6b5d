"""What the fusion module keeps and what it drops, on the captured take that it never saw and on the emotions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..inference.expressions import emotion_arkit
from ..inference.head import Head, load_head
from ..inference.pipeline import Pipeline
from ..inference.take import EMOTIONS
from .captured import TEST_TAKE, load_captured
from .evaluate_speech import predicted_channels
from .features import WEIGHTS
from .measures import lip_vertex_error
from .mouth import LIPS
from .speech_rig import rig_deltas

Floats = NDArray[np.float32]
CLOSED = 0.5  # mm: lips nearer than that are a closure
UPPER = ("upper_face", "cheeks")


def lip_gap(head: Head, faces: Floats) -> NDArray[np.floating]:
    """Vertical gap (T,) in mm between the inner lips' middle third, less the neutral's; negative where they cross."""
    upper, lower = head.regions["inner_lip_upper"], head.regions["inner_lip_lower"]
    middle = slice(len(upper) // 3, len(upper) - len(upper) // 3)
    height = faces[:, upper[middle], 2] - faces[:, lower[middle], 2]
    rest = head.vertices[upper[middle], 2] - head.vertices[lower[middle], 2]
    return (height - rest).mean(axis=1) * 1000


def cosine(a: Floats, b: Floats) -> float:
    """Cosine between two displacement fields (n, 3)."""
    return float((a * b).sum() / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12))


def evaluate_fusion() -> list[str]:
    """Lines of Markdown for the model card."""
    head, pipeline, take = load_head(), Pipeline(WEIGHTS, "numpy"), load_captured(TEST_TAKE)
    lips = np.unique(np.concatenate([head.regions[region] for region in LIPS]))
    rig = rig_deltas(head)
    basis = pipeline.shapes.speech_basis

    def direct(channels: Floats) -> Floats:
        return (channels @ rig[:, lips].reshape(len(rig), -1)).reshape(len(channels), -1, 3)

    def fused(channels: Floats) -> Floats:
        weights = pipeline.speech_weights(channels, lambda *_: None)
        return (weights @ basis[:, lips].reshape(len(basis), -1)).reshape(len(channels), -1, 3)

    captured = np.nan_to_num(take.channels)  # what is not captured rests
    truth, predicted = direct(captured), np.clip(predicted_channels(pipeline, take), 0, 1)
    growth = lip_vertex_error(fused(predicted), truth) - lip_vertex_error(direct(predicted), truth)
    away = np.linalg.norm(fused(captured) - truth, axis=-1).mean() * 1000
    return [
        f"Lip vertex error grows by {growth:+.4f} mm² on the test take; lip vertices move by {away:.3f} mm on average.",
        "",
        *_emotion_table(head, pipeline, captured, rig),
    ]


def _emotion_table(head: Head, pipeline: Pipeline, channels: Floats, rig: Floats) -> list[str]:
    """Per emotion at full strength: how much of it survives, and the lip gap at the test take's closures."""
    weights, basis = pipeline.shapes.emotion_weights, pipeline.shapes.expression_basis
    felt = np.tensordot(weights, basis, axes=1)
    wanted = np.tensordot(emotion_arkit(), head.arkit, axes=1)
    upper = np.unique(np.concatenate([head.regions[region] for region in UPPER]))
    corners = head.regions["mouth_corners"]
    spoken = head.vertices + np.tensordot(
        pipeline.speech_weights(channels, lambda *_: None), pipeline.shapes.speech_basis, axes=1
    )
    closed = lip_gap(head, head.vertices + np.tensordot(channels, rig, axes=1)) < CLOSED
    quiet = lip_gap(head, spoken[closed])
    rows = ["| emotion | cosine, brows to cheeks | cosine, corners | gap added at closures (mm) | if added directly |"]
    rows.append("| --- | --- | --- | --- | --- |")
    for i, emotion in enumerate(EMOTIONS[1:], start=1):
        added, plain = (lip_gap(head, spoken[closed] + field) - quiet for field in (felt[i], wanted[i]))
        rows.append(
            f"| {emotion} | {cosine(felt[i][upper], wanted[i][upper]):.2f} | "
            f"{cosine(felt[i][corners], wanted[i][corners]):.2f} | {added.mean():+.2f} | {plain.mean():+.2f} |"
        )
    return [f"Closures: {int(closed.sum())} of {len(closed)} frames of the test take.", "", *rows]


def main() -> None:
    """Print the tables."""
    print("\n".join(evaluate_fusion()))


if __name__ == "__main__":
    main()
