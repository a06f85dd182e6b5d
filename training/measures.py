"""The measures of the model card, each with its definition and unit."""

from __future__ import annotations

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from ..inference.arrays import Numbers


def pearson(a: Numbers, b: Numbers) -> Numbers:
    """Pearson r (C,) of each column of two curves (T, C); 0 where a column does not move."""
    p, q = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.sqrt((p * p).sum(axis=0) * (q * q).sum(axis=0))
    return np.where(scale > 1e-9, (p * q).sum(axis=0) / np.maximum(scale, 1e-9), 0.0)


def lag(predicted: Numbers, target: Numbers, rate: float, reach: float = 0.3) -> float:
    """Seconds by which a predicted curve (T,) comes late, from the peak of the cross-correlation within ±reach."""
    most = int(reach * rate)
    inside = slice(most, len(target) - most)
    scores = [
        pearson(np.roll(predicted, -shift)[inside, None], target[inside, None])[0] for shift in range(-most, most + 1)
    ]
    best = int(np.argmax(scores))
    if 0 < best < len(scores) - 1:  # the peak of the parabola through the best three
        left, middle, right = scores[best - 1 : best + 2]
        return float((best - most + 0.5 * (left - right) / (left - 2 * middle + right)) / rate)
    return (best - most) / rate


def lip_vertex_error(predicted: Numbers, target: Numbers) -> float:
    """LVE (FaceFormer, Fan et al. 2022): mean over frames of the largest squared L2 error among lip vertices.

    Faces (T, n, 3) in metres, lip vertices alone; the result is in mm squared.
    """
    return float(((predicted - target) ** 2).sum(axis=-1).max(axis=1).mean() * 1e6)


def upper_face_deviation(predicted: Numbers, target: Numbers) -> float:
    """FDD (CodeTalker, Xing et al. 2023): truth's motion deviation less the prediction's, mean over vertices, in mm.

    Motion is a vertex's distance from neutral; displacements (T, n, 3) in metres, upper-face vertices alone.
    """
    spread = [np.linalg.norm(faces, axis=-1).std(axis=0) for faces in (target, predicted)]
    return float((spread[0] - spread[1]).mean() * 1e3)


def jitter(curves: Numbers, rate: float) -> Numbers:
    """Root mean square acceleration (C,) of curves (T, C), per second squared."""
    return np.sqrt((np.diff(curves, n=2, axis=0) ** 2).mean(axis=0)) * rate**2


def mean_lip_error(predicted: Numbers, target: Numbers) -> float:
    """Mean over frames of the largest L2 error among lip vertices, in mm: LVE's square root taken frame by frame.

    Faces (T, n, 3) in metres, lip vertices alone.
    """
    return float(np.linalg.norm(predicted - target, axis=-1).max(axis=1).mean() * 1e3)


def roc_auc(scores: Numbers, labels: NDArray[np.integer]) -> float:
    """Area under the ROC curve (Mann-Whitney's U over n1 n0) of scores (N,); labels 1, 0, or -1 for not counted.

    0.5 is chance; NaN where one of the classes is missing.
    """
    high, low = scores[labels == 1], scores[labels == 0]
    if not len(high) or not len(low):
        return float("nan")
    ranks = scipy.stats.rankdata(np.concatenate([high, low]))[: len(high)]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))


def motion(points: Numbers, rate: float) -> Numbers:
    """Speed (T - 1,) in mm/s: the root mean square over points (T, n, 3), in metres, of their frame-to-frame change."""
    return np.sqrt((np.diff(points, axis=0) ** 2).sum(axis=-1).mean(axis=1)) * rate * 1e3
