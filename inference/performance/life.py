"""What a face does while it speaks: blinks, brows, eye darts, head motion and breaths, seeded, as sparse keys.

They go by the voice: brows rise and the head nods where it stands out, brows as often by themselves.

Sources: the speed of eye darts (Lee, Badler and Badler 2002, "Eyes Alive"); brows and nods on accents (Cavé et al.
1996; Hadar et al. 1983). How often eyes dart and brows rise, and how far, is fitted to people on video:
docs/evaluation.md. Coefficients are ARKit's; rotations are radians of the neck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .blinks import blink_keys, blink_times
from .voice import ACCENT_APART, Keys, Spans, Voice

_BROWS, _BROW_EVERY = 0.2, 2.8  # share of the accents with which brows go; seconds, mean, between two by themselves
_BROW_HEIGHT, _BROW_SPREAD, _BROW_MOST = 0.22, 0.4, 0.6  # coefficients: a median, its log's deviation, the most
_BROW_RISE, _BROW_LEAD, _BROW_FALL = 0.16, 0.06, 0.34  # seconds: up, its end before the accent, down
_NODS, _NOD = 0.7, np.radians(2.4)  # share of the accents with which the head goes, and how far at the strongest
_NOD_DOWN, _NOD_UP = 0.22, 0.4  # seconds, about 0.1 s after the accent
_DART_EVERY, _DART_REST = 0.7, 0.25  # seconds between two: mean, and at least
_GAZE = (1.3, 0.9)  # degrees: deviations of where people look who read or speak to a camera, aside and up
_FULL_LOOK = 30.0  # degrees that an eyeLook coefficient of 1 turns the eye
_SWAY = np.radians((2.2, 1.8, 0.7))  # nod, turn, tilt at amount 1: as of the people in docs/evaluation.md
_SWAY_EVERY = 0.9  # seconds, mean, between poses of the head
_BREATH_IN, _BREATH_OUT = 0.35, 0.5  # seconds
_BREATH_JAW = 0.05


@dataclass(frozen=True)
class Life:
    """Amounts, 1 is natural and 0 is off, and the seed."""

    blinks: float = 0.0
    eyes: float = 0.0
    head: float = 0.0
    breaths: float = 0.0
    seed: int = 0
    brows: float = 0.0


@dataclass(frozen=True)
class LifeKeys:
    """Keys by ARKit name, and of the neck's nod, turn and tilt: rotations about its own x, y and z."""

    shapes: dict[str, Keys]
    neck: tuple[Keys, Keys, Keys] | None


def live(duration: float, voice: Voice, life: Life) -> LifeKeys:
    """All keys for a recording of `duration` seconds in this voice; the same seed gives the same life.

    Each part has a random stream of its own, so that switching one leaves the others as they are.
    """
    of_eyes, of_head, of_brows = (np.random.default_rng([life.seed, part]) for part in range(1, 4))
    shapes: dict[str, Keys] = {}
    darts = eye_darts(duration, of_eyes) if life.eyes else None
    if life.blinks:
        times = blink_times(duration, voice, life.seed)
        shapes["eyeBlinkLeft"] = shapes["eyeBlinkRight"] = blink_keys(times, min(1.0, life.blinks))
    if darts is not None:
        shapes |= look_keys(*darts, amount=life.eyes)
    breaths = breath_spans(duration, voice.pauses) if life.breaths else []
    if breaths:
        shapes["jawOpen"] = _humps(breaths, _BREATH_JAW * life.breaths)
    if life.brows and len(voice.standing_out):  # takes of a version before know nothing of the voice
        shapes |= brow_keys(duration, voice.accents, of_brows, life.brows)
    neck = None
    if life.head:
        neck = sway_keys(duration, voice, of_head, life.head)
    return LifeKeys(shapes, neck)


def brow_keys(
    duration: float, accents: Sequence[tuple[float, float]], rng: np.random.Generator, amount: float
) -> dict[str, Keys]:
    """Brows that rise with some accents, a little before them, and by themselves; the inner ends a little more."""
    moments = [at - _BROW_LEAD for at, _ in accents if rng.random() < _BROWS]
    now = float(rng.exponential(_BROW_EVERY))
    while now < duration:
        moments.append(now)
        now += float(rng.exponential(_BROW_EVERY))
    chosen: list[float] = []
    for moment in sorted(moments):
        if moment > (chosen[-1] + ACCENT_APART if chosen else _BROW_RISE) and moment + _BROW_FALL < duration:
            chosen.append(moment)
    if not chosen:
        return {}
    peak = np.array(chosen)
    seconds = np.stack([peak - _BROW_RISE, peak, peak + _BROW_FALL], axis=1)
    seconds[:-1, 2] = np.minimum(seconds[:-1, 2], seconds[1:, 0] - 0.01)  # down before the next begins
    drawn = np.minimum(_BROW_HEIGHT * rng.lognormal(0.0, _BROW_SPREAD, len(peak)), _BROW_MOST)
    height = np.minimum(amount * drawn, 1.0)
    values = np.stack([0 * height, height, 0 * height], axis=1).ravel()
    inner, outer = (seconds.ravel(), values), (seconds.ravel(), 0.7 * values)
    return {"browInnerUp": inner, "browOuterUpLeft": outer, "browOuterUpRight": outer}


def eye_darts(duration: float, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(seconds (n,), gaze (n, 2) in degrees to the character's left and up) at which the gaze has a new aim.

    Aims lie about the middle, as a normal distribution has them, and more aside than up.
    """
    seconds, aims, now = [0.0], [np.zeros(2)], 0.3
    while True:
        now += float(_DART_REST + rng.exponential(_DART_EVERY - _DART_REST))
        if now > duration:
            break
        aims.append(rng.normal(0.0, _GAZE))
        seconds.append(now)
    return np.array(seconds), np.array(aims)


def look_keys(seconds: NDArray[np.float64], aims: NDArray[np.float64], amount: float) -> dict[str, Keys]:
    """The eight eyeLook shapes: each dart jumps in 25 ms and 2.4 ms a degree more, then the eyes rest."""
    jump = 0.025 + 0.0024 * np.linalg.norm(np.diff(aims, axis=0), axis=1)
    times, gaze = [seconds[0]], [aims[0]]
    for at, took, before, aim in zip(seconds[1:], jump, aims, aims[1:], strict=False):
        times += [at, at + took]
        gaze += [before, aim]
    at, to = np.array(times), np.array(gaze) * (amount / _FULL_LOOK)
    left, up = to[:, 0], to[:, 1]
    parts = {
        "eyeLookOutLeft": left,
        "eyeLookInRight": left,
        "eyeLookInLeft": -left,
        "eyeLookOutRight": -left,
        "eyeLookUpLeft": up,
        "eyeLookUpRight": up,
        "eyeLookDownLeft": -up,
        "eyeLookDownRight": -up,
    }
    return {name: (at, np.clip(values, 0.0, 1.0)) for name, values in parts.items()}


def sway_keys(duration: float, voice: Voice, rng: np.random.Generator, amount: float) -> tuple[Keys, Keys, Keys]:
    """(nod, turn, tilt) of a neck that drifts while it speaks, settles to rest in pauses and nods on accents."""
    seconds, now = [0.0], 0.0
    while True:
        now += float(_SWAY_EVERY * rng.uniform(0.6, 1.6))
        if now >= duration:
            break
        seconds.append(now)
    at = np.array([*seconds, duration])
    pose, drift = np.zeros((len(at), 3)), rng.normal(0, 1, (len(at), 3))
    for i in range(1, len(at) - 1):
        pose[i] = 0.45 * pose[i - 1] + 0.65 * np.clip(drift[i], -1.6, 1.6)
    quiet = np.array([any(begin + 0.3 < t < end for begin, end in voice.pauses) for t in at])
    pose[quiet] *= 0.35
    pose[-1] = 0.0
    angles = amount * _SWAY * pose
    nods = [(t, strength) for t, strength in voice.accents if rng.random() < _NODS]
    at, angles = _nodded(at, angles, [nod for nod in nods if nod[0] + _NOD_UP < duration], amount)
    return tuple((at, angles[:, axis]) for axis in range(3))  # type: ignore[return-value]


def _nodded(
    at: NDArray[np.float64], angles: NDArray[np.float64], nods: Sequence[tuple[float, float]], amount: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Keys (n,), (n, 3) with nods in them: down to just after the accent, and back to where the head would be."""
    added = np.array(
        [(t - _NOD_DOWN + 0.1, 0.0) for t, _ in nods]
        + [(t + 0.1, s) for t, s in nods]
        + [(t + _NOD_UP, 0.0) for t, _ in nods]
    ).reshape(-1, 2)
    added = added[added[:, 0] > 0.0]
    kept = np.all(np.abs(at[:, None] - added[:, 0]) > 0.15, axis=1) if len(added) else np.ones(len(at), bool)
    kept[[0, -1]] = True
    moments, order = np.unique(np.concatenate([at[kept], added[:, 0]]), return_index=True)
    drift = np.stack([np.interp(moments, at, angles[:, axis]) for axis in range(3)], axis=1)
    down = np.concatenate([np.zeros(int(kept.sum())), added[:, 1]])[order]
    drift[:, 0] += amount * _NOD * down
    return moments, drift


def breath_spans(duration: float, pauses: Spans) -> list[tuple[float, float, float]]:
    """(begin, full, end) in seconds of the breaths that speech is taken up with: in before a pause ends."""
    breaths = []
    for _, end in pauses:
        begin = end - _BREATH_IN
        if begin >= 0 and end < duration - 0.05 and any(a <= begin and end <= b for a, b in pauses):
            breaths.append((begin, end - 0.08, end + _BREATH_OUT * 0.3))
    return breaths


def _humps(breaths: Sequence[tuple[float, float, float]], height: float) -> Keys:
    seconds = np.array(breaths, float).ravel()
    return seconds, np.tile([0.0, height, 0.0], len(breaths))
