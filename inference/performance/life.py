"""What a face does while it speaks: blinks, eye darts, head motion and breaths, seeded, as sparse keys.

Sources: blink rate in conversation, about 20 a minute (Bentivoglio et al. 1997, Movement Disorders 12); lids close in
about 80 ms and open in about 160 (Trutoiu et al. 2011, ACM TAP 8); sizes of eye darts and their speed (Lee, Badler and
Badler 2002, "Eyes Alive"). Coefficients are ARKit's; rotations are radians of the neck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Keys = tuple[NDArray[np.float64], NDArray[np.float64]]  # seconds, values; eased between them
Spans = Sequence[tuple[float, float]]

_BLINK_EVERY, _BLINK_SPREAD = 2.9, 0.45  # seconds (median of a log-normal) and its log's deviation
_CLOSE, _HELD, _OPEN = 0.08, 0.03, 0.16  # seconds
_DART_EVERY = 1.4  # seconds, mean
_DART_SIZE, _DART_MOST = 4.0, 12.0  # degrees: mean (Lee et al. find 6.9 in free viewing), and the most
_FULL_LOOK = 30.0  # degrees that an eyeLook coefficient of 1 turns the eye
_SWAY = np.radians((2.2, 2.6, 1.4))  # nod, turn, tilt at amount 1
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


@dataclass(frozen=True)
class LifeKeys:
    """Keys by ARKit name, and of the neck's nod, turn and tilt: rotations about its own x, y and z."""

    shapes: dict[str, Keys]
    neck: tuple[Keys, Keys, Keys] | None


def live(duration: float, pauses: Spans, life: Life) -> LifeKeys:
    """All keys for a recording of `duration` seconds with these pauses; the same seed gives the same life.

    Each part has a random stream of its own, so that switching one leaves the others as they are.
    """
    streams = [np.random.default_rng([life.seed, part]) for part in range(3)]
    shapes: dict[str, Keys] = {}
    darts = eye_darts(duration, streams[1]) if life.eyes else None
    if life.blinks:
        times = blink_times(duration, pauses, streams[0])
        shapes["eyeBlinkLeft"] = shapes["eyeBlinkRight"] = blink_keys(times, min(1.0, life.blinks))
    if darts is not None:
        shapes |= look_keys(*darts, amount=life.eyes)
    breaths = breath_spans(duration, pauses) if life.breaths else []
    if breaths:
        shapes["jawOpen"] = _humps(breaths, _BREATH_JAW * life.breaths)
    neck = None
    if life.head:
        neck = sway_keys(duration, pauses, streams[2], life.head)
    return LifeKeys(shapes, neck)


def blink_times(duration: float, pauses: Spans, rng: np.random.Generator) -> list[float]:
    """When the lids begin to close: log-normal gaps, drawn to the beginning of a pause that is near (< 0.5 s)."""
    times: list[float] = []
    now = float(rng.uniform(0.4, _BLINK_EVERY))
    starts = np.array([begin for begin, _ in pauses if begin > 0.2])
    while now < duration - (_CLOSE + _HELD + _OPEN):
        near = starts[np.abs(starts - now) < 0.5] if len(starts) else starts
        at = float(near[0]) + 0.02 if len(near) else now
        if (not times or at - times[-1] > 0.5) and at < duration - (_CLOSE + _HELD + _OPEN):
            times.append(at)
        now += float(rng.lognormal(np.log(_BLINK_EVERY), _BLINK_SPREAD))
    return times


def blink_keys(times: Sequence[float], amount: float) -> Keys:
    """Down, held, up: four keys a blink."""
    offsets = np.array([0.0, _CLOSE, _CLOSE + _HELD, _CLOSE + _HELD + _OPEN])
    seconds = (np.asarray(times, float)[:, None] + offsets).ravel()
    return seconds, np.tile([0.0, amount, amount, 0.0], len(times))


def eye_darts(duration: float, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(seconds (n,), gaze (n, 2) in degrees to the character's left and up) at which the gaze has a new aim.

    Sizes are exponential; every other dart returns near the middle, and the eyes look aside more than up.
    """
    seconds, aims, now = [0.0], [np.zeros(2)], 0.3
    while True:
        now += float(0.25 + rng.exponential(_DART_EVERY - 0.25))
        if now > duration:
            break
        size = min(float(rng.exponential(_DART_SIZE)), _DART_MOST)
        angle = rng.uniform(0, 2 * np.pi)
        aim = size * np.array([np.cos(angle), 0.5 * np.sin(angle)])
        aims.append(aim if rng.random() < 0.6 else 0.2 * aim)
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


def sway_keys(duration: float, pauses: Spans, rng: np.random.Generator, amount: float) -> tuple[Keys, Keys, Keys]:
    """Poses of the neck that drift while it speaks and settle to rest in pauses: (nod, turn, tilt)."""
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
    quiet = np.array([any(begin + 0.3 < t < end for begin, end in pauses) for t in at])
    pose[quiet] *= 0.35
    pose[-1] = 0.0
    return tuple((at, amount * _SWAY[axis] * pose[:, axis]) for axis in range(3))  # type: ignore[return-value]


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
