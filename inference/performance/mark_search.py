"""The marks of a take: found in what its mouth does, or where a text says which there are, placed by what it does.

A text's sounds are in order, so they are placed all at once, as forced alignment does (dynamic programming): each where
the mouth shows it, and about as long after the one before as their sounds last. Pauses are taken out before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Doubles, Floats
from ..take import Take
from .curves import sample
from .mark_evidence import evidence, peaks
from .marks import KINDS, Mark
from .spelling import Sound, sounds_of

# How plainly a mark must be seen, and stand out of what is around it, to be found without a text.
_SEEN = {"closed": 0.4, "teeth": 0.4, "round": 0.3, "wide": 0.2, "open": 0.3, "tongue": 0.45}
_STANDS_OUT = {"closed": 0.25, "teeth": 0.25, "round": 0.06, "wide": 0.08, "open": 0.03, "tongue": 0.03}
_AROUND = 0.15  # seconds
_RATE = 50.0  # Hz at which a text is placed
_COUNTS = {"closed": 3.0, "teeth": 2.0, "round": 1.5, "wide": 1.0, "open": 1.2, "tongue": 0.8, "": 0.0}
_LOUD = {"closed": -0.6, "teeth": -0.6, "round": 0.5, "wide": 0.6, "open": 0.8, "tongue": -0.3, "": 0.0}
_UNEVEN = 0.7  # how much it costs that a sound comes at another time than the one before lets expect
_LONGEST = 5.0  # sounds that one may last


def find_marks(take: Take, text: str = "") -> tuple[Mark, ...]:
    """The marks of a take by time; raises WeightsError where it is of another version."""
    seen = evidence(take)
    sounds = sounds_of(text)
    found = _placed(take, seen, sounds) if any(sound.kind for sound in sounds) else _heard(take, seen)
    return tuple(sorted(found, key=lambda mark: mark.seconds))


def _heard(take: Take, seen: Floats) -> list[Mark]:
    found = []
    for column, kind in enumerate(KINDS):
        curve = seen[:, column]
        reach = max(1, round(_AROUND * take.fps))
        for at in peaks(curve):
            before, after = curve[max(at - reach, 0) : at + 1].min(), curve[at : at + reach + 1].min()
            stands = curve[at] - max(before, after) >= _STANDS_OUT[kind]
            if curve[at] >= _SEEN[kind] and stands:
                found.append(Mark(kind, _top(curve, at) / take.fps, float(curve[at])))
    return found


def _top(curve: Floats, at: int) -> float:
    """The frame, and part of one, at which the parabola through a peak and its neighbours is highest."""
    if not 0 < at < len(curve) - 1:
        return float(at)
    before, here, after = (float(value) for value in curve[at - 1 : at + 2])
    bend = before - 2 * here + after
    return at + (0.5 * (before - after) / bend if bend < -1e-6 else 0.0)


def _placed(take: Take, seen: Floats, sounds: list[Sound]) -> list[Mark]:
    """A mark for each sound that shows, where the mouth shows it."""
    count = max(2, int(len(seen) / take.fps * _RATE))
    seconds = np.arange(count) / _RATE
    curves = sample(np.column_stack([seen, take.silence, _loudness(take)]), take.fps, seconds)
    spoken = np.flatnonzero(curves[:, -2] < 0.5)
    if len(spoken) < len(sounds):
        return _heard(take, seen)
    curves = curves[spoken]
    worth = {"": np.zeros(len(spoken))}
    for column, kind in enumerate(KINDS):
        worth[kind] = _COUNTS[kind] * curves[:, column] + _LOUD[kind] * (curves[:, -1] - 0.5)
    frames = _aligned(np.stack([worth[sound.kind] for sound in sounds]), np.array([each.length for each in sounds]))
    kinds = list(KINDS)
    return [
        Mark(sound.kind, float(seconds[spoken[at]]), float(curves[at, kinds.index(sound.kind)]))
        for sound, at in zip(sounds, frames, strict=True)
        if sound.kind
    ]


def _loudness(take: Take) -> Floats:
    return np.full(take.frame_count, 0.5, np.float32) if take.voice is None else take.voice[:, 0]


def _aligned(worth: Doubles, lengths: Doubles) -> list[int]:
    """Frames of N sounds in order, of what each is worth at each of T frames (N, T) and how long each is."""
    sounds, frames = worth.shape
    usual = frames / lengths.sum()  # frames of a sound
    longest = max(2, int(_LONGEST * usual))
    middle = (np.cumsum(lengths) - 0.5 * lengths) * usual
    best = worth[0] - _cost(np.arange(frames), middle[0])
    came = np.zeros((sounds, frames), np.int16)
    for row in range(1, sounds):
        due = middle[row] - middle[row - 1]
        steps = np.arange(1, longest + 1)
        cost = _cost(steps, due)
        options = np.full((longest, frames), -np.inf)
        for step in steps[: frames - 1]:
            options[step - 1, step:] = best[:-step] - cost[step - 1]
        came[row] = options.argmax(axis=0)
        best = options.max(axis=0) + worth[row]
    at = int((best - _cost(frames - np.arange(frames), 0.5 * lengths[-1] * usual)).argmax())
    found = [at]
    for row in range(sounds - 1, 0, -1):
        at -= int(came[row, at]) + 1
        found.append(at)
    return found[::-1]


def _cost(frames: NDArray[Any], due: float) -> Doubles:
    """What it costs that a sound takes so many frames where `due` are usual: as the square of their ratio's log."""
    return _UNEVEN * np.log((frames + 1.0) / (due + 1.0)) ** 2
