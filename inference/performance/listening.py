"""What a face does while others speak: it looks at who speaks, blinks slowly, and nods where a phrase ends.

Seeded, as sparse keys, and at rest while the head speaks itself. Rates: listeners blink less often than speakers do
(Bentivoglio et al. 1997, Movement Disorders 12: 17 a minute at rest, 26 in conversation), and nod mostly at the ends of
the speaker's phrases (Dittmann and Llewellyn 1968). The eyes go first and the head follows with part of the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .blinks import own_moments
from .life import LifeKeys, look_keys
from .voice import Keys, Spans

_EVERY, _SPREAD = 4.2, 0.45  # seconds from blink to blink: median of a log-normal, and its log's deviation
_BLINK = (0.0, 0.13, 0.2, 0.46)  # seconds: the lids begin, are down, begin to go up, are up
_DRAWN, _BETWEEN = 0.9, 1.0  # seconds by which a blink goes to the end of a phrase; at least, from blink to blink
_LATE, _UNEVEN = 0.05, 0.4  # seconds after that end; the most by which a listener is later than another
_NODS, _NOD = 0.6, np.radians(3.2)  # share of the phrase ends with a nod, and how far the head goes
_NOD_LATE, _NOD_DOWN, _NOD_UP = 0.12, 0.24, 0.42  # seconds after the phrase's end: begins; down, and up again
_REACTION = 0.22  # seconds after which a listener looks at a new speaker
_TURN = 0.5  # seconds that the head takes
_HEAD_SHARE, _HEAD_MOST, _EYES_MOST = 0.55, 28.0, 24.0  # of the way, and degrees
_MARGIN = 0.2  # seconds before and after own lines in which nothing new begins


@dataclass(frozen=True)
class Heard:
    """A line of somebody else's: seconds, where its phrases end, and the way to look there, degrees left and up."""

    begin: float
    end: float
    phrase_ends: tuple[float, ...] = ()
    left: float = 0.0
    up: float = 0.0


def listen(duration: float, own: Spans, heard: Sequence[Heard], gaze: float, amount: float, seed: int) -> LifeKeys:
    """Keys for a scene of `duration` seconds in which the head speaks in the spans `own`; nothing moves in those.

    `gaze` is how far it looks at who speaks, 0 to 1; `amount` is of blinks and nods. The same seed gives the same keys.
    """
    free = _free(duration, own)
    ends = np.array(sorted(end for each in heard for end in each.phrase_ends))
    ends = ends + _UNEVEN * own_moments(seed, ends)
    of_blinks, of_nods = (np.random.default_rng([seed, 100 + part]) for part in range(2))
    shapes: dict[str, Keys] = {}
    blinks = [at for span in free for at in _blinks(span, ends, of_blinks)] if amount else []
    if blinks:
        seconds = (np.array(blinks)[:, None] + _BLINK).ravel()
        height = min(1.0, amount)
        shapes["eyeBlinkLeft"] = shapes["eyeBlinkRight"] = seconds, np.tile([0.0, height, height, 0.0], len(blinks))
    looks = _looks(free, heard) if gaze else []
    if looks:
        shapes |= _eyes(looks, gaze)
    nods = [at for at in ends if amount and of_nods.random() < _NODS and _within(at, free)]
    if not looks and not nods:
        return LifeKeys(shapes, None)
    nod = _added(_nods(nods, amount), _turns(looks, gaze, 1))
    turn = _turns(looks, gaze, 0)
    return LifeKeys(shapes, (nod, turn, (np.zeros(1), np.zeros(1))))


def _free(duration: float, own: Spans) -> list[tuple[float, float]]:
    """The spans in which the head does not speak."""
    edges = [0.0, *(edge for begin, end in sorted(own) for edge in (begin, end)), duration]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 2 * _MARGIN]


def _within(at: float, free: Sequence[tuple[float, float]]) -> bool:
    return any(a + _MARGIN < at and at + _NOD_LATE + _NOD_DOWN + _NOD_UP + _MARGIN < b for a, b in free)


def _blinks(span: tuple[float, float], ends: NDArray[np.float64], rng: np.random.Generator) -> list[float]:
    """When the lids begin to close in a span: log-normal gaps, each drawn to the end of a phrase that is near."""
    found: list[float] = []
    first, last = span[0] + _MARGIN, span[1] - _MARGIN - _BLINK[-1]
    now = first + float(rng.uniform(0.0, _EVERY))
    while now < last:
        near = ends[np.abs(ends - now) < _DRAWN]
        at = float(near[np.abs(near - now).argmin()]) + _LATE if len(near) else now
        if first <= at < last and (not found or at - found[-1] > _BETWEEN):
            found.append(at)
        now += float(rng.lognormal(np.log(_EVERY), _SPREAD))
    return found


def _looks(free: Sequence[tuple[float, float]], heard: Sequence[Heard]) -> list[tuple[float, float, float]]:
    """(second, degrees left, degrees up) at which the head turns to a speaker, or back before it speaks itself."""
    found: list[tuple[float, float, float]] = []
    for begin, end in free:
        last = None
        for each in sorted(heard, key=lambda each: each.begin):
            at = max(each.begin + _REACTION, begin + _MARGIN)
            if at > each.end or at + 3 * _TURN > end or (found and at < found[-1][0] + _TURN):
                continue  # not worth a look
            if (each.left, each.up) != last:
                found.append((at, each.left, each.up))
            last = each.left, each.up
        if last is not None:
            found.append((end - _MARGIN / 2 - _TURN, 0.0, 0.0))
    return found


def _parts(look: tuple[float, float, float], gaze: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(head, eyes): degrees left and up of each."""
    way = gaze * np.array(look[1:])
    head = np.clip(_HEAD_SHARE * way, -_HEAD_MOST, _HEAD_MOST)
    return head, np.clip(way - head, -_EYES_MOST, _EYES_MOST)


def _eyes(looks: Sequence[tuple[float, float, float]], gaze: float) -> dict[str, Keys]:
    seconds = np.array([0.0, *(at for at, _, _ in looks)])
    aims = np.array([(0.0, 0.0), *(_parts(look, gaze)[1] for look in looks)])
    return look_keys(seconds, aims, 1.0)


def _turns(looks: Sequence[tuple[float, float, float]], gaze: float, axis: int) -> Keys:
    """The head's turn to the left (axis 0), or its nod down (axis 1, for which up is less), in radians."""
    times, values, now = [0.0], [0.0], 0.0
    for look in looks:
        to = float(np.radians(_parts(look, gaze)[0][axis])) * (1 if axis == 0 else -1)
        times += [look[0], look[0] + _TURN]
        values += [now, to]
        now = to
    return np.array(times), np.array(values)


def _nods(ends: Sequence[float], amount: float) -> Keys:
    seconds = (np.array(ends)[:, None] + _NOD_LATE + np.array([0.0, _NOD_DOWN, _NOD_DOWN + _NOD_UP])).ravel()
    kept = [i for i in range(len(ends)) if not i or ends[i] - ends[i - 1] > _NOD_DOWN + _NOD_UP]
    rows = [3 * i + j for i in kept for j in range(3)]
    return np.append(0.0, seconds[rows]), np.append(0.0, np.tile([0.0, amount * _NOD, 0.0], len(kept)))


def _added(one: Keys, other: Keys) -> Keys:
    """The sum of two curves, with the keys of both."""
    at = np.union1d(one[0], other[0])
    return at, np.interp(at, *one) + np.interp(at, *other)
