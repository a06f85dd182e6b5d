"""When lids close and open: where the voice is soft, at the ends of phrases above all, seldom in a vowel.

Every head's voice asks for the same moments, so each head has its own among them: no two blink in step. Sources: the
rate in conversation, about 20 a minute (Bentivoglio et al. 1997, Movement Disorders 12); lids close in 70 ms and open
in 120 (between Trutoiu et al. 2011, ACM TAP 8, and our videos).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .voice import Keys, Voice

SEEDS = 1000  # of one head, a line each; the next head's follow
_EVERY, _SPREAD = 2.9, 0.45  # seconds (median of a log-normal) and its log's deviation
_CLOSE, _HELD, _OPEN = 0.07, 0.035, 0.12  # seconds; a frame of 30 a second is held, and half shut are they for 0.13
_BLINK = _CLOSE + _HELD + _OPEN
_DRAWN = 0.6  # seconds by which a blink may wait for, or come before, its time, to fall where the voice is soft
_BETWEEN = 0.7  # seconds at least from blink to blink
_PHRASE_END = (-0.06, 0.3)  # seconds about a pause's begin
_LATER, _LOUD, _AT_END, _NOT_OWN = 0.3, 1.5, 0.5, 2.5  # what weighs how much in the choice of a moment
_CYCLE, _OWN = 0.4, 0.1  # seconds from one of a head's own moments to the next; the share of them that is its own
_ORDER = 2.0  # seconds after which lines of other numbers have other moments


def own_moments(seed: int, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where in a cycle a head's own moments are at some times (n,), in [0, 1).

    Those of heads' lines with the same number are as far apart as the number of heads allows (as van der Corput's
    sequence has them: 0, 1/2, 1/4, 3/4, ...), those of other lines as chance has it.
    """
    spans, of_span = np.unique((np.maximum(seconds, 0.0) // _ORDER).astype(int), return_inverse=True)
    drawn = np.array([np.random.default_rng([seed % SEEDS, int(span)]).random() for span in spans])
    head = seed // SEEDS
    return np.asarray((drawn[of_span] + int(f"{head:b}"[::-1], 2) / 2 ** head.bit_length()) % 1.0)


def blink_times(duration: float, voice: Voice, seed: int) -> list[float]:
    """When the lids begin to close: log-normal gaps, each drawn to the best moment nearby."""
    rng, times = np.random.default_rng([seed, 0]), list[float]()
    now = float(rng.uniform(0.4, _EVERY))
    begins = np.array([begin for begin, _ in voice.pauses if begin > 0.2])
    while now < duration - _BLINK:
        first = max(now - _DRAWN, times[-1] + _BETWEEN if times else 0.0, 0.0)
        options = np.arange(first, min(now + _DRAWN, duration - _BLINK), 0.02)
        if len(options):
            cost = _LATER * np.abs(options - now) / _DRAWN + _disturbance(options, voice, begins, seed)
            times.append(float(options[cost.argmin()]))
        now += float(rng.lognormal(np.log(_EVERY), _SPREAD))
    return times


def _disturbance(
    options: NDArray[np.float64], voice: Voice, begins: NDArray[np.float64], seed: int
) -> NDArray[np.float64]:
    """How little each moment (n,) suits the voice, and the head."""
    off = np.abs((options / _CYCLE - own_moments(seed, options) + 0.5) % 1.0 - 0.5)
    cost = _NOT_OWN * np.maximum(2 * off - _OWN, 0.0)
    if len(voice.loud):
        seconds = np.arange(len(voice.loud)) / voice.rate
        shut = options[:, None] + np.linspace(0.0, _CLOSE + _HELD, 4)
        cost += _LOUD * np.interp(shut, seconds, voice.loud).mean(axis=1)
    if len(begins):
        after = options[:, None] - begins
        cost -= _AT_END * ((after > _PHRASE_END[0]) & (after < _PHRASE_END[1])).any(axis=1)
    return cost


def blink_keys(times: Sequence[float], amount: float) -> Keys:
    """Down, held, up: four keys a blink."""
    offsets = np.array([0.0, _CLOSE, _CLOSE + _HELD, _CLOSE + _HELD + _OPEN])
    seconds = (np.asarray(times, float)[:, None] + offsets).ravel()
    return seconds, np.tile([0.0, amount, amount, 0.0], len(times))
