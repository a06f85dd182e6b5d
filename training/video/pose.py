"""Head pose taken out of tracks: yaw, pitch and what is left of roll, from the points that no expression moves."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from ...inference.arrays import Floats
from .tracks import Clip

# MediaPipe's bridge of the nose, forehead, temples and corners of the eyes.
STABLE = (10, 168, 6, 195, 197, 127, 356, 234, 454, 33, 133, 263, 362, 103, 332, 67, 297, 54, 284)
_SMOOTH = 0.06  # seconds, standard deviation: the depth is a guess, and trembles


def mean_shape(clips: list[Clip]) -> Floats:
    """A person's stable points (n, 3) in mm: the median over all frames in which a face was seen."""
    return np.median(np.concatenate([clip.at(STABLE)[clip.seen] for clip in clips]), axis=0).astype(np.float32)


def without_pose(clip: Clip, shape: Floats) -> Clip:
    """The clip turned and scaled so that its stable points lie as the person's `shape` (n, 3) does, frame by frame."""
    stable = clip.at(STABLE)
    centre = stable.mean(axis=1, keepdims=True)
    turn, sizes = turns(clip, shape)
    spread = ((stable - centre) ** 2).sum(axis=(1, 2))
    scale = sizes / scipy.ndimage.gaussian_filter1d(spread, _SMOOTH * clip.fps, mode="nearest")
    return clip.moved((clip.points - centre) @ turn * scale[:, None, None] + shape.mean(axis=0))


def turns(clip: Clip, shape: Floats) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Rotations (T, 3, 3) of row vectors, by which `point @ turn` lies as the shape (n, 3) does, and how alike (T,)."""
    stable = clip.at(STABLE)
    centre, target = stable.mean(axis=1, keepdims=True), shape - shape.mean(axis=0)
    covariance = np.einsum("tni,nj->tij", stable - centre, target)
    covariance = scipy.ndimage.gaussian_filter1d(covariance, _SMOOTH * clip.fps, axis=0, mode="nearest")
    left, sizes, right = np.linalg.svd(covariance)
    mirrored = np.sign(np.linalg.det(left @ right))
    left[:, :, 2] *= mirrored[:, None]
    sizes[:, 2] *= mirrored
    return left @ right, sizes.sum(axis=1)
