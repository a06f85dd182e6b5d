"""Curves over frames, without Blender: shifting, smoothing, splicing and thinning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..numeric import smoothstep
from ..steps import Steps

_REACH = 4.0  # standard deviations of a Gaussian that count
_HALVINGS = 12  # of the search for the loosest thinning


def sample(curves: Floats, rate: float, seconds: NDArray[np.floating]) -> Floats:
    """Curves (T, N) at `rate` Hz read at moments (S,): (S, N), linear between samples, held beyond the ends."""
    at = np.asarray(seconds, np.float64) * rate
    low = np.clip(np.floor(at + 1e-6).astype(int), 0, len(curves) - 1)
    high = np.minimum(low + 1, len(curves) - 1)
    blend = np.clip(at - low, 0.0, 1.0)[:, None]
    return ((1 - blend) * curves[low] + blend * curves[high]).astype(np.float32)


def smooth(curves: Floats, sigma: float) -> Floats:
    """Curves (T, N) under a Gaussian of `sigma` samples, the ends held; 0 changes nothing."""
    reach = int(np.ceil(_REACH * sigma))
    if reach < 1 or len(curves) < 2:
        return curves
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(curves, ((reach, reach), (0, 0)), mode="edge").astype(np.float64)
    result = np.zeros(curves.shape)
    for weight, start in zip(kernel, range(len(kernel)), strict=True):
        result += weight * padded[start : start + len(curves)]
    return result.astype(np.float32)


def frame_span(count: int, rate: float, fps: float) -> int:
    """How many frames at `fps` `count` frames at `rate` fill: at least 1, the last one within them."""
    return int(np.floor((count - 1) / rate * fps + 1e-2)) + 1


def at_frames(curves: Floats, rate: float, fps: float, later: float = 0.0) -> Floats:
    """Curves (T, N) at `rate` as (S, N) at the whole frames of `fps`, linear between their own frames.

    They play `later` seconds later; what is then missing at an end is held. Linear, as Blender draws between the keys
    of a take: a take has frames enough. `engine.resample` is cubic, for it makes 120 frames a second of 50.
    """
    count = frame_span(len(curves), rate, fps)
    same = abs(rate - fps) * count / fps < 0.01  # of a frame, at the end
    if not later and same and count == len(curves):
        return curves
    return sample(curves, rate, np.arange(count) / fps - later)


def range_weight(frames: int, first: int, last: int, border: int) -> Floats:
    """How much of a new version each of `frames` takes: 1 from `first` to `last`, eased to 0 over `border` outside."""
    at = np.arange(frames)
    away = np.maximum(np.maximum(first - at, at - last), 0)
    return (1.0 - smoothstep(away / (border + 1))).astype(np.float32)


def splice(old: Floats, new: Floats, first: int, last: int, border: int) -> Floats:
    """`old` (T, N) with frames `first` to `last` from `new` (T, N), blended over `border` frames on either side."""
    weight = range_weight(len(old), first, last, border)[:, None]
    return np.where(weight > 0, old + weight * (new - old), old).astype(np.float32)


def needed_keys(values: NDArray[np.floating], tolerance: float) -> NDArray[np.intp]:
    """Indices of few samples (by Ramer-Douglas-Peucker) whose straight lines stay within `tolerance` of all.

    `values` (T,), one a frame. The first and the last are always among them.
    """
    return np.flatnonzero(_significance(values, tolerance) > tolerance)


def _significance(values: NDArray[np.floating], floor: float) -> NDArray[np.float64]:
    """(T,) the tolerance under which Ramer-Douglas-Peucker keeps each sample, 0 where that is at most `floor`.

    So one run serves every tolerance from `floor` on. The ends are infinite.
    """
    found = np.zeros(len(values))
    found[[0, -1]] = np.inf
    steps, spans = np.arange(len(values), dtype=np.float64), [(0, len(values) - 1, np.inf)]
    while spans:
        first, last, above = spans.pop()
        if last - first < 2:
            continue
        slope = (values[last] - values[first]) / (last - first)
        error = np.abs(values[first + 1 : last] - values[first] - slope * steps[1 : last - first])
        worst = int(error.argmax())
        most = min(above, float(error[worst]))  # it is asked for only where the sample above it is kept
        if most > floor:
            middle = first + 1 + worst
            found[middle] = most
            spans += [(first, middle, most), (middle, last, most)]
    return found


def thin(curves: Floats, reach: Floats, tolerance: float) -> Steps[list[NDArray[np.intp]]]:
    """The keys to keep of curves (T, N), so that no vertex moves more than `tolerance` from where it was, in steps.

    `reach` (N,) is how far each curve moves its farthest vertex at 1, in the tolerance's unit. The error of a frame
    is bounded by the sum over curves of |error| * reach; curves that hardly move anything may err more. Where the
    loosest share of the tolerance that keeps the bound leaves a curve still within it at zero, it has two keys.
    """
    reach = np.asarray(reach, np.float64)
    low, high = 1.0 / max(1, len(reach)), 1.0
    limits = tolerance / np.maximum(reach, 1e-12)
    weighty = []
    for values, limit in zip(curves.T, limits, strict=True):
        weighty.append(_significance(values.astype(np.float64), low * limit))
        yield 0.0
    best = _kept(weighty, low * limits)
    for _ in range(_HALVINGS):
        share = 0.5 * (low + high)
        keys = _kept(weighty, share * limits)
        yield 0.0
        if thinning_error(curves, reach, keys) <= tolerance:
            best, low = keys, share
        else:
            high = share
        if high - low < 0.02:
            break
    return best


def thinning_error(curves: Floats, reach: Floats, keys: list[NDArray[np.intp]]) -> float:
    """The bound of `thin`: the worst frame's sum of |straight lines between keys - curve| * reach."""
    at, total = np.arange(len(curves)), np.zeros(len(curves))
    for values, distance, kept in zip(curves.T, reach, keys, strict=True):
        total += np.abs(np.interp(at, kept, values[kept]) - values) * distance
    return float(total.max(initial=0.0))


def _kept(weighty: list[NDArray[np.float64]], limits: NDArray[np.floating]) -> list[NDArray[np.intp]]:
    return [np.flatnonzero(each > limit) for each, limit in zip(weighty, limits, strict=True)]
