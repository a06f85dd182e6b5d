"""Marks moved, added, taken away, made stronger or weaker: a take's speech curves changed around them, at once.

The mouth's way of blending is that of dominance functions (Cohen and Massaro 1993, as in training/synthesis): at the
mark its own shape rules, and gives way to what the neighbours make as exp(-(d / tau)^2) of the time to it. A mark that
is taken away leaves what its neighbours make: the way from the shape before it to the shape after it. Nothing changes
further than REACH from where a mark was and where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arrays import Doubles, Floats
from ..errors import WeightsError
from ..numeric import smoothstep
from ..take import Take
from .mark_evidence import evidence, peaks
from .marks import KINDS, MOST, NEAR, MarkChange

REACH = 0.15  # seconds
_FADE = 0.06  # seconds before REACH over which the slower gestures end
_LIKE = 0.3  # of the evidence at the mark: as long as it lasts, the shape is the mark's own
_LONGEST = 0.09  # seconds on either side of the mark that are its own at most


class Gesture(NamedTuple):
    """What a mark asks of the speech keys, by name after "Speech "; keys that are not named are its neighbours'.

    `peak` is its dominance where the neighbours' is 1, `before` and `after` are the seconds over which it falls to
    1/e, `core` those on either side that an added one holds; `more` is what a strength of MOST multiplies it by.
    """

    targets: dict[str, float]
    peak: float
    before: float
    after: float
    core: float
    more: float = 1.0


_LIPS = dict.fromkeys(("jaw open", "lips funnel", "lower lip in", "lower lip down", "upper lip up"), 0.0)
_LIPS |= dict.fromkeys(("lips press", "lips together", "upper lip in", "upper lip forward", "chin up"), 0.0)
_GESTURES = {
    "closed": Gesture(
        _LIPS | {"lips press": 0.2, "lips together": 0.16, "upper lip in": 0.12, "chin up": 0.03},
        16.0, 0.024, 0.024, 0.03,
    ),
    "teeth": Gesture(
        _LIPS | {"jaw open": 0.03, "lower lip in": 0.27, "upper lip up": 0.22}, 14.0, 0.028, 0.028, 0.025
    ),
    "round": Gesture(
        {"lips round": 0.6, "lips funnel": 0.22, "lips wide": 0.0, "corners up": 0.0, "lower lip down": 0.03},
        1.3, 0.110, 0.075, 0.03, more=1.4,
    ),
    "wide": Gesture(
        {"lips wide": 0.4, "corners up": 0.12, "lips round": 0.0, "lips funnel": 0.15, "lower lip down": 0.2},
        1.0, 0.080, 0.080, 0.03, more=1.4,
    ),
    "open": Gesture(
        {"jaw open": 0.36, "lips funnel": 0.35, "lower lip down": 0.25, "upper lip up": 0.12}
        | {"lips press": 0.0, "lips together": 0.0, "lower lip in": 0.0},
        1.0, 0.060, 0.060, 0.03, more=1.5,
    ),
    "tongue": Gesture({"tongue up": 0.9, "tongue back": 0.05}, 2.0, 0.035, 0.035, 0.02, more=1.1),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Found:
    """A recognised mark that is changed: its second, how long it is itself before and after, its surroundings' ends."""

    seconds: float
    core: tuple[float, float]
    ends: tuple[int, int]


@dataclass(frozen=True, eq=False)
class _Edit:
    """A change, the columns that it moves, their targets, and the mark that it changes (None: it adds one)."""

    change: MarkChange
    columns: list[int]
    targets: Doubles
    own: _Found | None

    def made(self, curves: Doubles, spoken: Doubles, fps: float) -> Doubles:
        """Its columns (T, n) of curves (T, Ks) that lack it, with it; in `spoken` (T, Ks) the mark is as it was."""
        gesture, strength = _GESTURES[self.change.kind], self.change.strength
        to, part = self.change.seconds or 0.0, curves[:, self.columns]
        seconds = np.arange(len(curves)) / fps
        if self.own is None:
            share = _share(seconds - to, gesture, (gesture.core, gesture.core))[:, None]
            part = part + min(strength, 1.0) * share * (self.targets - part)
        else:
            later = to - (self.change.origin or 0.0)
            share = _share(seconds - later - self.own.seconds, gesture, self.own.core)[:, None]
            there = _removed(spoken, self.columns, self.own.ends)
            mine, around = (_read(each[:, self.columns], (seconds - later) * fps) for each in (spoken, there))
            part = part + min(strength, 1.0) * (share * (mine - part) + (1.0 - share) * (mine - around))
        further = max(strength - 1.0, 0.0) / (MOST - 1.0)
        part = part + further * share * (gesture.more * self.targets - part)
        return np.maximum(part, np.minimum(curves[:, self.columns], 0.0))  # edges that are added may overshoot rest


def with_marks(take: Take, changes: Sequence[MarkChange]) -> Floats:
    """The take's speech weights (T, Ks) with marks changed; raises WeightsError where it is of another version."""
    changes = [change for change in changes if not change.is_nothing]
    if not changes:
        return take.speech_weights
    seen = dict(zip(KINDS, evidence(take).T, strict=True))
    edits = []
    for change in changes:
        columns, targets = _columns(take.speech_names, _GESTURES[change.kind])
        own = None if change.origin is None else _found(seen[change.kind], take.fps, change.origin)
        edits.append(_Edit(change, columns, targets, own))
    spoken = take.speech_weights.astype(np.float64)
    result = spoken.copy()
    for edit in edits:
        if edit.own is not None:
            result = _removed(result, edit.columns, edit.own.ends)
    for edit in edits:
        if edit.change.seconds is not None:
            result[:, edit.columns] = edit.made(result, spoken, take.fps)
    return result.astype(np.float32)


def _columns(names: Sequence[str], gesture: Gesture) -> tuple[list[int], Doubles]:
    """The columns of the keys that a gesture moves, and their targets; raises WeightsError."""
    keys = [f"Speech {name}" for name in gesture.targets]
    lacking = [key for key in keys if key not in names]
    if lacking:
        raise WeightsError(f"The take has no '{lacking[0]}', which its marks move.", "Generate it again.")
    return [names.index(key) for key in keys], np.array(list(gesture.targets.values()))


def _found(seen: Floats, fps: float, origin: float) -> _Found | None:
    """The peak of what is seen (T,) that is nearest to a second; None where there is none."""
    tops = [at for at in peaks(seen) if abs(at / fps - origin) <= NEAR]
    if not tops:
        return None
    at = min(tops, key=lambda top: abs(top / fps - origin))
    begin, end = _while_like(seen[: at + 1][::-1]), _while_like(seen[at:])
    core = tuple(min(count / fps, _LONGEST) for count in (begin, end))
    reach = int(REACH * fps)
    ends = at - _away(seen[max(at - reach, 0) : at + 1][::-1], begin), at + _away(seen[at : at + reach + 1], end)
    return _Found(at / fps, core, ends)  # type: ignore[arg-type]


def _while_like(seen: Floats) -> int:
    """Frames over which the evidence, from the mark on, stays like it."""
    unlike = np.flatnonzero(seen < _LIKE * seen[0])
    return int(unlike[0]) - 1 if len(unlike) else len(seen) - 1


def _away(seen: Floats, least: int) -> int:
    """Frames from the mark to where it is seen least, before it is seen more again."""
    lowest = int(seen.argmin())
    return max(lowest, min(least + 1, len(seen) - 1))


def _removed(curves: Doubles, columns: list[int], ends: tuple[int, int]) -> Doubles:
    """Curves (T, Ks) in which some columns go evenly from one frame to another."""
    first, last = ends
    result = curves.copy()
    if last > first:
        way = smoothstep(np.linspace(0.0, 1.0, last - first + 1))[:, None]
        result[first : last + 1, columns] = (1 - way) * curves[first, columns] + way * curves[last, columns]
    return result


def _share(away: Doubles, gesture: Gesture, core: tuple[float, float]) -> Doubles:
    """How far a gesture rules, in [0, 1], at some seconds (T,) after its mark: 1 in its core, 0 from REACH on."""
    early, late = np.maximum(-away - core[0], 0.0), np.maximum(away - core[1], 0.0)
    dominance = gesture.peak * np.exp(-((early / gesture.before) ** 2) - (late / gesture.after) ** 2)
    share = dominance / (1.0 + dominance) * (1.0 + gesture.peak) / gesture.peak
    return share * (1.0 - smoothstep(np.abs(away), REACH - _FADE, REACH))


def _read(curves: Doubles, at: Doubles) -> Doubles:
    """Curves (T, K) at frames (T,), linear between, held beyond the ends."""
    low = np.clip(np.floor(at + 1e-6).astype(int), 0, len(curves) - 1)
    high, blend = np.minimum(low + 1, len(curves) - 1), np.clip(at - low, 0.0, 1.0)[:, None]
    return (1 - blend) * curves[low] + blend * curves[high]
