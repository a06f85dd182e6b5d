"""Phone times to rig channels: dominance functions that blend the targets of neighbouring phones.

Cohen and Massaro (1993): each phone p pulls each channel c with dominance D = peak * exp(-(d / tau)^2), where d is
the time to the stretch over which p holds its target, and tau differs before (anticipation) and after (carry-over);
the channel is sum(D * target) / sum(D). They used exp(-theta d); the square keeps a short closure complete without
flattening the vowels beside it. From JALI (Edwards et al. 2016): lips close for bilabials and the lower lip touches
the teeth for labiodentals whatever is near, sibilants keep the jaw up, and loudness and stress scale the jaw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ...inference.arrays import Doubles
from ..speech_rig import CHANNEL_NAMES
from .phones import Gesture, gesture_of
from .utterance import SAMPLE_RATE, Segment

FRAME_RATE = 50.0
LAG = 0.03  # seconds by which the face follows the sound, as it does in the animated takes (docs/training_data.md)
FINE = 4  # steps within a frame at which dominance is computed
_INERTIA = 0.010  # seconds, standard deviation: flesh does not follow faster
_LONG_PAUSE = 0.30  # seconds: shorter ones pull less towards rest
_FULL_VOWEL = 0.09  # seconds: shorter vowels reach less of their target
_FLOOR = 1e-3  # a weak pull to rest, so that long silence is exactly still
_PAUSE_EDGES = 0.04, 0.12  # seconds: when rest is reached after speech, and when the face leaves it before speech
# lips and jaw begin to move only above this amount: animated channels are exactly 0 in most frames
_SLACK = np.array([0.0 if n.startswith(("tongue", "bite", "roll", "press")) else 0.025 for n in CHANNEL_NAMES])


def loudness_gains(segments: Sequence[Segment], samples: NDArray[np.float32]) -> Doubles:
    """How far each phone (P,) opens: from its level against the sentence's loud vowels, and its stress. About 1."""
    bounds = [
        (int(s.start * SAMPLE_RATE), max(int(s.end * SAMPLE_RATE), int(s.start * SAMPLE_RATE) + 1)) for s in segments
    ]
    power = np.array([np.mean(samples[a:b] ** 2) if a < len(samples) else 0.0 for a, b in bounds])
    level = 10 * np.log10(power + 1e-9)
    vowels = np.array([gesture_of(s.phone).kind == "vowel" for s in segments])
    loud = np.percentile(level[vowels], 80) if vowels.any() else 0.0
    gains = np.clip(1.1 + 0.05 * (level - loud), 0.5, 1.35)
    return np.where(vowels, gains * (0.95 + 0.12 * np.array([s.stress for s in segments])), 1.0)


@dataclass(frozen=True, eq=False)
class Manner:
    """Whose rules the face follows: the gesture of each phone, how late the face is, and what it leaves out.

    `slack` (C,) is the amount of each channel that is not shown; `carry` multiplies the seconds over which dominance
    falls, and `reach` how far jaw and lips go for the sounds that do not close them.
    """

    gesture: Callable[[str], Gesture]
    lag: float
    slack: Doubles
    carry: float = 1.0
    reach: float = 1.0


CLEAR = Manner(gesture_of, LAG, _SLACK)  # the rules as they stand in phones.py


def _core(segment: Segment, gesture: Gesture) -> tuple[float, float]:
    """The seconds over which the phone holds its target."""
    start, length = segment.start, segment.end - segment.start
    if gesture.kind == "pause":
        first, last = start + _PAUSE_EDGES[0], segment.end - _PAUSE_EDGES[1]
        return (first, last) if first < last else ((first + last) / 2,) * 2
    return start + gesture.core[0] * length, start + gesture.core[1] * length


def _force(segment: Segment, gesture: Gesture) -> float:
    """Factor on a phone's dominance from its length: short vowels and short pauses give way to their neighbours."""
    length = segment.end - segment.start
    if gesture.kind == "pause":
        return min(1.0, (length / _LONG_PAUSE) ** 2)
    return float(np.clip(length / _FULL_VOWEL, 0.4, 1.3)) if gesture.kind == "vowel" else 1.0


def channels_of(
    segments: Sequence[Segment], count: int, gains: Doubles | None = None, manner: Manner = CLEAR
) -> NDArray[np.float32]:
    """Rig channels (count, C) of a phone sequence; frame i is the face at i / 50 s.

    `gains` (P,) scale the targets of each phone's jaw and lips. Raises UnknownPhoneError.
    """
    times = np.arange(count * FINE) / (FRAME_RATE * FINE)
    pull, weight = np.zeros((len(times), len(CHANNEL_NAMES))), np.full((len(times), len(CHANNEL_NAMES)), _FLOOR)
    for segment, gain in zip(segments, np.ones(len(segments)) if gains is None else gains, strict=True):
        dominance = dominance_of(segment, times, manner)
        gesture = manner.gesture(segment.phone)
        reach = manner.reach if gesture.kind in ("vowel", "consonant") else 1.0
        pull += dominance * _targets(gesture) * gain * reach
        weight += dominance
    blended = smoothed(pull / weight)[::FINE]
    return np.clip(np.maximum(blended - manner.slack, 0) * (1 + manner.slack), 0, 1).astype(np.float32)


def dominance_of(segment: Segment, times: Doubles, manner: Manner) -> Doubles:
    """How strongly a phone pulls each channel at some seconds (n,) of the recording: (n, C)."""
    gesture = manner.gesture(segment.phone)
    first, last = _core(segment, gesture)
    peak, before, after = np.array([gesture.strengths[name] for name in CHANNEL_NAMES]).T
    seconds = times - manner.lag
    early, late = np.maximum(first - seconds, 0)[:, None], np.maximum(seconds - last, 0)[:, None]
    near = np.exp(-((early / (manner.carry * before)) ** 2) - (late / (manner.carry * after)) ** 2)
    return peak * _force(segment, gesture) * near


def smoothed(curves: Doubles) -> Doubles:
    """Curves (n, C) at FINE steps a frame, as flesh follows them."""
    return gaussian_filter1d(curves, _INERTIA * FRAME_RATE * FINE, axis=0)


def _targets(gesture: Gesture) -> Doubles:
    return np.array([gesture.targets.get(name, 0.0) for name in CHANNEL_NAMES])
