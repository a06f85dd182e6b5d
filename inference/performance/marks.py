"""Marks: the mouth events of a take (lips shut, lip to teeth, ...), and what an animator changes of them, as text.

A change is written as `closed@1.24>1.34*0.8`: what is recognised there, where it goes, how strong it is then.
`+` before it adds a mark, `-` takes one away.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import RequestError

KINDS = {
    "closed": "the lips shut: p, b, m",
    "teeth": "the lower lip to the upper teeth: f, v",
    "round": "the lips forward and narrow: oo, w, sh",
    "wide": "the corners apart: ee, e, s",
    "open": "the jaw down: ah, a",
    "tongue": "the tongue to the teeth or the ridge: th, l, t, d, n",
}
MOST = 2.0  # of a strength
NEAR = 0.12  # seconds from a mark within which a change of that kind means it
_REMEDY = "Write changes such as 'closed@1.24>1.34 closed@1.8*1.5 +teeth@2.1 -round@3.0'."
_CHANGE = re.compile(r"([+-]?)([a-z]+)@([0-9.]+)(?:>([0-9.]+))?(?:\*([0-9.]+))?")


@dataclass(frozen=True)
class Mark:
    """A mouth event at a second of the recording; `seen` in [0, 1] is how plainly the mouth shows it."""

    kind: str
    seconds: float
    seen: float = 1.0


@dataclass(frozen=True)
class MarkChange:
    """What becomes of the mark of a kind at `origin` seconds (None: there is none, one is added).

    It is at `seconds` then (None: gone), `strength` times as strong: 1 is as recognised, 0 is not at all, at 2 the
    mouth goes all the way.
    """

    kind: str
    origin: float | None
    seconds: float | None
    strength: float = 1.0

    def __post_init__(self) -> None:
        """Raise RequestError for a kind or a strength that there is not."""
        if self.kind not in KINDS:
            raise RequestError(f"There is no kind of mark '{self.kind}'.", f"There are {', '.join(KINDS)}.")
        if not 0.0 <= self.strength <= MOST + 1e-6:
            raise RequestError(f"A mark cannot be {self.strength:g} times as strong.", f"Give 0 to {MOST:g}.")

    @property
    def at(self) -> float:
        """The second at which it is, or was."""
        return (self.origin or 0.0) if self.seconds is None else self.seconds

    @property
    def is_nothing(self) -> bool:
        """Whether the mark stays as it is."""
        return self.origin is not None and self.seconds == self.origin and self.strength == 1.0

    def __str__(self) -> str:
        """As `parse_marks` reads it."""
        if self.seconds is None:
            return f"-{self.kind}@{_written(self.origin or 0.0)}"
        begin = f"+{self.kind}@{_written(self.seconds)}"
        if self.origin is not None:
            begin = f"{self.kind}@{_written(self.origin)}"
            begin += f">{_written(self.seconds)}" if self.seconds != self.origin else ""
        return begin + (f"*{self.strength:.4g}" if self.strength != 1.0 else "")


def parse_marks(text: str) -> tuple[MarkChange, ...]:
    """The changes that a text describes, parted by spaces, commas or semicolons; raises RequestError naming one."""
    return tuple(_change(part) for part in re.split(r"[\s,;]+", text) if part)


def marks_text(changes: Sequence[MarkChange]) -> str:
    """The changes as one text."""
    return " ".join(str(change) for change in changes)


def _change(text: str) -> MarkChange:
    found = _CHANGE.fullmatch(text)
    if found is None:
        raise RequestError(f"'{text}' is no change of a mark.", _REMEDY)
    sign, kind = found[1], found[2]
    at, to, strength = (_number(part, text) for part in (found[3], found[4], found[5]))
    if at is None or (sign and to is not None) or (sign == "-" and strength is not None):
        raise RequestError(f"'{text}' is no change of a mark.", _REMEDY)
    if sign == "-":
        return MarkChange(kind, at, None)
    return MarkChange(kind, None if sign else at, at if to is None else to, 1.0 if strength is None else strength)


def _number(part: str | None, text: str) -> float | None:
    if part is None:
        return None
    try:
        value = float(part)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RequestError(f"'{part}' in '{text}' is not a number.", _REMEDY)
    return value


def _written(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


@dataclass(frozen=True)
class PlacedMark:
    """A mark as an animator sees it: the recognised one (None: added), and what is changed of it."""

    mark: Mark | None
    change: MarkChange


def placed(marks: Sequence[Mark], changes: Sequence[MarkChange]) -> list[PlacedMark]:
    """Recognised marks with their changes, and added ones, by time; those taken away are where they were.

    A change means the nearest mark of its kind; where there is none near, it stands for itself.
    """
    rows, free = [], list(marks)
    for change in changes:
        mark = None
        if change.origin is not None:
            off = {abs(each.seconds - change.origin): each for each in free if each.kind == change.kind}
            mark = off[min(off)] if off and min(off) <= NEAR else None
        if mark is not None:
            free.remove(mark)
        rows.append(PlacedMark(mark, change))
    rows += [PlacedMark(mark, MarkChange(mark.kind, mark.seconds, mark.seconds)) for mark in free]
    return sorted(
        rows, key=lambda row: row.change.seconds if row.change.seconds is not None else row.change.origin or 0
    )
