"""What the fusion module keeps and what it drops, on the animated take that it never saw and on the emotions."""

from __future__ import annotations

import numpy as np

from ...inference.arrays import Floats
from ...inference.engine.models import load_models
from ...inference.engine.pipeline import Pipeline
from ...inference.head.canonical import Head, load_head
from ...inference.head.mouth import mouth_of
from ...inference.take import EMOTIONS
from ..data.animated import TEST_TAKE, load_animated
from ..features import WEIGHTS
from ..fusion.emotion_measures import felt, likeness, read_vertices, wanted
from ..measures import lip_vertex_error, mean_lip_error
from ..mouth import LIPS, vertices_of
from ..speech_rig import rig_deltas
from ..table import table
from .fusion_measures import CLOSED, cosine
from .lip_gaps import LipGaps
from .soundness import SpokenFrames, most_unlike, spoken
from .speech import predicted_channels

WANTED_GROWTH = 0.002134  # mm (Mao et al. 2025)
_MOUTHS, _CLOSURES = 60, 24  # shut in the middle that are looked at, and of those shut all along
_ALONG = 0.3  # mm more than at rest that lips may be apart somewhere along a closure


def evaluate_fusion() -> list[str]:
    """Lines of Markdown for the model card."""
    head, pipeline, take = load_head(), Pipeline(WEIGHTS, "numpy"), load_animated(TEST_TAKE)
    lips = vertices_of(head, LIPS)
    basis = pipeline.shapes.speech_basis[:, lips]
    given = load_models(WEIGHTS).rig.deltas(head)[:, lips]  # what the module is given, as shipped

    def fused(channels: Floats) -> Floats:
        return np.tensordot(pipeline.speech_weights(channels, lambda *_: None), basis, 1)

    animated = np.nan_to_num(take.channels)  # what is not animated rests
    truth, predicted = np.tensordot(animated, rig_deltas(head)[:, lips], 1), predicted_channels(pipeline, take)
    predicted = np.clip(predicted, 0, 1)
    before, after = np.tensordot(predicted, given, 1), fused(predicted)
    squared = lip_vertex_error(after, truth) - lip_vertex_error(before, truth)
    plain = mean_lip_error(after, truth) - mean_lip_error(before, truth)
    away = np.linalg.norm(fused(animated) - np.tensordot(animated, given, 1), axis=-1).mean() * 1000
    rows = [
        ("mean largest lip error grows by (mm)", f"{plain:+.6f}", f"at most {WANTED_GROWTH}"),
        ("LVE, as FaceFormer defines it, grows by (mm²)", f"{squared:+.6f}", ""),
        ("lip vertices are moved, on average, by (mm)", f"{away:.6f}", ""),
    ]
    columns = ("neutral speech, test take", "through the module", "wanted")
    return [*table(columns, rows), "", *_emotion_table(head, pipeline, animated)]


def _emotion_table(head: Head, pipeline: Pipeline, channels: Floats) -> list[str]:
    """Per emotion at full strength: how much of it survives, and what it parts at the test take's closures."""
    shapes, every = pipeline.shapes, np.arange(len(head.vertices))
    fields, recipes = felt(shapes, every, silent=False), wanted(head, every)
    seen, gaps, corners = read_vertices(head), LipGaps(head), head.regions["mouth_corners"]
    said = real_closures(pipeline, gaps, channels)
    shown = felt(shapes, seen)
    own, alike = np.diag(likeness(shown, recipes[:, seen])), likeness(shown, shown)
    count = len(EMOTIONS)
    parted = [gaps.added(said, each[1:count]) for each in (fields, recipes)]
    columns = ["emotion", "cosine with its recipe", "nearest other", "their cosine", "cosine, corners", "kept, corners"]
    columns += ["gap added at closures (mm)", "if added directly (mm)"]
    rows = []
    for i, emotion in enumerate(EMOTIONS[1:], start=1):
        others = np.where(np.arange(count) == i, -1.0, alike[i, :count])
        nearest = int(others.argmax())
        cells = [emotion, f"{own[i]:.3f}", EMOTIONS[nearest], f"{others[nearest]:.2f}"]
        cells += [f"{cosine(fields[i][corners], recipes[i][corners]):.3f}"]
        cells += [f"{_kept(fields[i][corners], recipes[i][corners]):.2f}"]
        cells += [f"{added[i - 1]:+.3f}" for added in parted]
        rows.append(cells)
    worst = int(own[count:].argmin()) + count
    named = f"Of the {len(own) - count} further expressions, {shapes.emotions[worst]} is least like its recipe"
    return [*table(columns, rows), "", f"{named}: cosine {own[worst]:.3f}; the mean is {own[count:].mean():.3f}."]


def real_closures(pipeline: Pipeline, gaps: LipGaps, channels: Floats) -> Floats:
    """Faces (n, V, 3) of shut mouths in the bundled recordings and in animated channels (T, C), the least alike."""
    head, shapes = pipeline.head, pipeline.shapes
    animated = pipeline.speech_weights(channels, lambda *_: None)
    weights = np.concatenate([spoken(pipeline).weights, animated])
    shut = weights[mouth_of(head, shapes.speech_basis).gap(weights) < CLOSED]
    lengths = np.linalg.norm(shapes.speech_basis[:, vertices_of(head, LIPS)], axis=-1).max(axis=1)
    few = most_unlike(SpokenFrames(shut, tuple(map(str, range(len(shut))))), lengths, _MOUTHS).weights
    faces = shapes.faces(head.vertices, np.pad(few, ((0, 0), (0, len(shapes.expression_names)))))
    rest = gaps.of(head.vertices)
    return np.array([face for face in faces if (gaps.of(face) - rest).max() < _ALONG][:_CLOSURES])


def _kept(felt: Floats, wanted: Floats) -> float:
    """Share of a wanted displacement that is there: its projection on what is wanted."""
    return float((felt * wanted).sum() / (wanted * wanted).sum())
