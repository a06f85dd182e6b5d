"""Timecode HH:MM:SS:FF.mmm, written and read: real seconds as Duet writes them, SMPTE with and without drop-frame."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

RATES = tuple(Fraction(n) for n in (24, 25, 30, 48, 50, 60, 90, 100, 120, 240))
RATES += tuple(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120, 240))
APP_RATE = 60.0  # Live Link Face's own, where a file is too short to tell
LEAST_RATE, MOST_RATE = 1.0, 241.0
_TOLERANCE = 0.004  # of a frame a second: the timecode's thousandths, rounded twice
_TIMECODE = re.compile(r"(\d{1,3})([:;])([0-5]\d)([:;])([0-5]\d)([:;])(\d{1,4}(?:\.\d{1,9})?)", re.ASCII)
_DAY, _MINUTE = 24 * 3600, 60
_DROPPING = (30, 60, 120)  # frames a second of the clocks that leave numbers out
_SHARE = 15  # they leave out two numbers of 30 in most minutes, four of 60, eight of 120


@dataclass(frozen=True)
class Time:
    """One timecode: whole seconds since midnight, frames within the second, and whether it is written with `;`."""

    seconds: int
    count: float
    drop: bool = False

    @property
    def opens_short_minute(self) -> bool:
        """Whether it is in the first second of a minute that leaves numbers out, where they are left out."""
        return self.seconds % _MINUTE == 0 and self.seconds // _MINUTE % 10 != 0


def timecode(frame: int, fps: float) -> str:
    """HH:MM:SS:FF.mmm of a frame, where FF.mmm counts frames within the second: at 29.97 it has a fraction.

    So HH * 3600 + MM * 60 + SS + FF.mmm / fps is the frame's time to a thousandth of a frame, at any rate, for any
    length.
    """
    rate = exact_rate(fps)
    time = Fraction(frame) / rate
    seconds = int(time)
    count = float((time - seconds) * rate)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{count:06.3f}"


def exact_rate(fps: float) -> Fraction:
    """The frame rate as a fraction: 23.976 and 29.97 are n * 1000 / 1001."""
    return Fraction(fps).limit_denominator(1001)


def parse_timecode(text: str) -> Time | None:
    """The time that a text stands for, None where it is no timecode. A `;` is the sign of drop-frame."""
    match = _TIMECODE.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds = (int(match[i]) for i in (1, 3, 5))
    return Time(hours * 3600 + minutes * 60 + seconds, float(match[7]), ";" in match[2] + match[4] + match[6])


def frames_of(times: Sequence[Time], fps: float | None = None) -> tuple[Fraction, NDArray[np.float64]]:
    """(frames a second, frames (T,) since the first time, whole ones exactly so).

    The rate is read off the step from one second to the next, 60 where there is none, unless `fps` gives it. Numbers
    that drop-frame leaves out count for nothing, and its 30 frames are 30000/1001 a second; a time past midnight goes
    on. Raises ValueError where the times tell no rate.
    """
    found = _nearest(_count(times, _dropping(times)))
    nominal = int(found) if found.denominator == 1 and int(found) in _DROPPING and _dropping(times) else 0
    count = found
    if fps is not None and not nominal:
        count = found if abs(float(found) / fps - 1) < 2e-3 and found in RATES else exact_rate(fps)
    if not LEAST_RATE <= count <= MOST_RATE:
        raise ValueError("the timecode does not tell the frame rate")
    rate = exact_rate(fps) if fps is not None else Fraction(nominal * 1000, 1001) if nominal else count
    numbers = _numbers(times, float(count), nominal)
    frames = numbers - numbers[0]
    # A thousandth of a frame is lost in each timecode: what is that near to a whole frame is one.
    whole = np.round(frames)
    return rate, np.where(np.abs(frames - whole) <= 2e-3, whole, frames)


def _numbers(times: Sequence[Time], count: float, nominal: int) -> NDArray[np.float64]:
    """The frames' numbers (T,) since midnight of the first day."""
    seconds = np.array([time.seconds for time in times])
    seconds[1:] += _DAY * np.cumsum(np.diff(seconds) < -_DAY // 2)
    minutes = seconds // _MINUTE
    counts = np.array([time.count for time in times])
    return seconds * count + counts - nominal // _SHARE * (minutes - minutes // 10)


def _dropping(times: Sequence[Time]) -> bool:
    """Whether the clock leaves numbers out: it says so by `;`, or no short minute begins before the first it has.

    Two lost frames look the same; but then other minutes begin with their first one.
    """
    if any(time.drop for time in times):
        return True
    ends = {time.seconds for time in times}
    openings = [t for t in times if t.opens_short_minute and t.seconds - 1 in ends]
    least = min((time.count for time in openings), default=0.0)
    most = max((time.count for time in times), default=0.0)
    dropped = next((n // _SHARE for n in _DROPPING if n - 1 <= most < n), None)
    return dropped is not None and dropped <= least < dropped + 1


def _count(times: Sequence[Time], dropping: bool) -> float:
    """Frames of a timecode's second: what the count has lost where one begins, for frames that follow steadily."""
    steps = [b.count - a.count for a, b in itertools.pairwise(times) if a.seconds == b.seconds]
    step = float(np.median(steps)) if steps else 1.0
    turns = [
        (a.count - b.count + step) * (_SHARE / (_SHARE - 1) if dropping and b.opens_short_minute else 1.0)
        for a, b in itertools.pairwise(times)
        if (b.seconds - a.seconds) % _DAY == 1
    ]
    return float(np.median(turns)) if turns else APP_RATE


def _nearest(found: float) -> Fraction:
    """The usual rate that this is, else itself."""
    nearest = min(RATES, key=lambda rate: abs(float(rate) - found))
    return nearest if abs(float(nearest) - found) <= _TOLERANCE else exact_rate(found)
