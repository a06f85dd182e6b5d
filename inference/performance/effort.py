"""Emotions that swell and fall with the effort of the voice: louder and higher is more, softer is less."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Floats
from ..take import MAX_INTENSITY, within_limit
from .timeline import curves_at
from .voice import Voice

DEPTH = 0.35  # of an emotion's intensity, at the strongest and at an amount of 1
_SLOW = 0.35  # seconds, standard deviation: a face swells over words, not over syllables
_FULL = 6.0  # decibels above or below the voice's mean that are all of it
_STRESS = 0.6  # how far it stands out, over its mean, that is all of it
_HEARD = 0.06  # of the loud level: under it nobody speaks
_LEAST = 0.08  # of a swell that counts


def effort_of(voice: Voice) -> Doubles:
    """How much more effort than usual the voice makes (T,), in [-1, 1] at its rate; near 0 where nobody speaks."""
    heard = (voice.loud > _HEARD).astype(np.float64)
    if not heard.any():
        return np.zeros(len(voice.loud))
    sigma = _SLOW * voice.rate
    near = _slowly(heard, sigma)
    level = 10.0 * np.log10(_slowly(heard * voice.loud**2, sigma) / np.maximum(near, 1e-6) + _HEARD**2)
    stress = _slowly(heard * voice.standing_out, sigma) / np.maximum(near, 1e-6)
    level, stress = (each - np.average(each, weights=heard) for each in (level, stress))
    effort = level / _FULL + stress / _STRESS
    return np.asarray(np.clip(effort, -1.0, 1.0) * near / (near + 0.1))


def swelled(
    seconds: NDArray[np.float64], sliders: Floats, voice: Voice, amount: float, limit: float
) -> tuple[NDArray[np.float64], Floats]:
    """Eased keys (K,), (K, E) of emotions with keys at the highs and lows of the effort; an amount of 0 changes none.

    No emotion is beyond MAX_INTENSITY, nor all of them together beyond the limit.
    """
    if not amount or not len(voice.loud) or not sliders.any():
        return seconds, sliders
    effort = effort_of(voice)
    turns = _turns(effort)
    times = np.unique(np.concatenate([seconds, turns / voice.rate]))
    more = 1.0 + DEPTH * amount * np.interp(times * voice.rate, np.arange(len(effort)), effort)
    found = curves_at(seconds, sliders, times) * np.maximum(more, 0.0).astype(np.float32)[:, None]
    return times, within_limit(np.minimum(found, MAX_INTENSITY), limit)


def _turns(curve: Doubles) -> NDArray[np.intp]:
    """The first, the last, and the highs and lows of a curve (T,) that differ from the one before."""
    rising = np.sign(np.diff(curve))
    turns = 1 + np.flatnonzero(rising[1:] * rising[:-1] < 0)
    kept = [0]
    for at in turns:
        if abs(curve[at] - curve[kept[-1]]) >= _LEAST:
            kept.append(int(at))
    return np.array(sorted({*kept, len(curve) - 1}))


def _slowly(curve: Doubles, sigma: float) -> Doubles:
    reach = max(1, int(4 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.convolve(np.pad(curve, reach), kernel / kernel.sum(), "valid")
