"""A talker on the animated take that nobody trained on: against the take, by vertex and by channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...inference.arrays import Floats
from ...inference.engine.pipeline import Pipeline
from ...inference.head.mouth import mouth_of
from ...inference.take import DEFAULT_STYLE
from ..data.animated import FPS, AnimatedTake
from ..measures import jitter, lag, lip_vertex_error, mean_lip_error, pearson, roc_auc, upper_face_deviation
from ..mouth import LIPS, UPPER_FACE, vertices_of
from ..read_at import at_times
from ..speech_rig import CHANNEL_NAMES, rig_deltas
from ..table import table
from .talkers import Face, Talker, shipped

_SHUT, _OPEN_JAW, _ROUND = 0.2, 6.0, 3.0  # mm of the animated face: gap, gap and rounding
_MOVES = 0.005  # standard deviation of a channel that the take moves


@dataclass(frozen=True, eq=False)
class TakeScores:
    """What the model card says of one talker; errors through the fusion module, in mm² and mm."""

    lve: float
    mean_error: float
    lve_without_fusion: float
    fdd: float
    r: Floats  # (C,)
    r_in_step: Floats  # (C,) with the prediction moved by the jaw's lag
    late: Floats  # (C,) seconds
    shake: Floats  # (C,) jitter over the take's
    auc: dict[str, float]


def predicted_channels(pipeline: Pipeline, take: AnimatedTake) -> Floats:
    """Rig channels (T, C) of the shipped model at the take's own times."""
    return at_times(take.times, shipped(pipeline).channels(take.samples, DEFAULT_STYLE))


def take_scores(talker: Talker, face: Face, take: AnimatedTake) -> TakeScores:
    """Measure one talker on one animated take; what is not animated counts as rest in the truth."""
    head = face.pipeline.head
    channels, truth = talker.channels(take.samples, DEFAULT_STYLE), np.nan_to_num(take.channels)
    predicted = at_times(take.times, channels)
    late = np.array([lag(p, t, FPS) for p, t in zip(predicted.T, truth.T, strict=True)])
    rig, weights = rig_deltas(head), face.weights(predicted)
    lips, upper = vertices_of(head, LIPS), vertices_of(head, UPPER_FACE)
    wanted, shown = np.tensordot(truth, rig[:, lips], 1), face.points(weights, lips)
    return TakeScores(
        lve=lip_vertex_error(shown, wanted),
        mean_error=mean_lip_error(shown, wanted),
        lve_without_fusion=lip_vertex_error(np.tensordot(predicted, rig[:, lips], 1), wanted),
        fdd=upper_face_deviation(face.points(weights, upper), np.tensordot(truth, rig[:, upper], 1)),
        r=pearson(predicted, truth),
        r_in_step=pearson(at_times(take.times + late[CHANNEL_NAMES.index("jaw_open")], channels), truth),
        late=late,
        shake=jitter(predicted, FPS) / np.maximum(jitter(truth, FPS), 1e-9),
        auc=_take_auc(face, weights, truth, rig),
    )


def _take_auc(face: Face, weights: Floats, truth: Floats, rig: Floats) -> dict[str, float]:
    """Closed, rounded and open frames of the take's own face, told by the talker's."""
    real = mouth_of(face.pipeline.head, rig)
    gap, rounding = real.gap(truth), real.rounding(truth)
    speaking = np.abs(truth).max(axis=1) > 0.02
    labels = {"closure": gap < _SHUT, "rounding": rounding > _ROUND, "opening": gap > _OPEN_JAW}
    scores = {"closure": -face.mouth.gap(weights), "rounding": face.mouth.rounding(weights)}
    scores["opening"] = face.mouth.gap(weights)
    return {m: roc_auc(scores[m], np.where(speaking, label.astype(np.int8), -1)) for m, label in labels.items()}


def still_errors(face: Face, take: AnimatedTake) -> tuple[float, float]:
    """LVE (mm²) and mean of the largest lip error (mm) of a mouth held at the take's mean: what a talker must beat."""
    head = face.pipeline.head
    lips = rig_deltas(head)[:, vertices_of(head, LIPS)]
    truth = (np.nan_to_num(take.channels) @ lips.reshape(len(lips), -1)).reshape(len(take.channels), -1, 3)
    still = np.broadcast_to(truth.mean(axis=0), truth.shape)
    return lip_vertex_error(still, truth), mean_lip_error(still, truth)


def speech_lines(scores: TakeScores, face: Face, take: AnimatedTake) -> list[str]:
    """Lines of Markdown for the model card."""
    still, still_mean = still_errors(face, take)
    moving = np.nan_to_num(take.channels).std(axis=0) > _MOVES
    rows = [
        [
            channel,
            f"{scores.r[i]:.2f}",
            f"{scores.r_in_step[i]:.2f}",
            f"{1000 * scores.late[i]:+.0f}",
            f"{scores.shake[i]:.2f}",
        ]
        for i, channel in enumerate(CHANNEL_NAMES)
        if moving[i]
    ]
    return [
        f"LVE {scores.lve:.2f} mm² through the fusion module, {scores.lve_without_fusion:.2f} mm² before it (a mouth "
        f"held at the take's mean: {still:.2f}). The mean of the largest lip error is {scores.mean_error:.2f} mm "
        f"(held: {still_mean:.2f}). FDD {scores.fdd:+.4f} mm.",
        "",
        f"Frames that the take shows closed (gap under {_SHUT:g} mm), rounded (over {_ROUND:g} mm) or open (gap "
        f"over {_OPEN_JAW:g} mm), told from the rest: ROC AUC "
        + ", ".join(f"{measure} {auc:.2f}" for measure, auc in scores.auc.items())
        + ".",
        "",
        "The animated sound and motion agree to within a frame (33 ms); in step: r with the whole prediction moved by "
        "the jaw's lag.",
        "",
        *table(["channel", "Pearson r", "in step", "late by (ms)", "jitter, times the take's"], rows),
    ]
