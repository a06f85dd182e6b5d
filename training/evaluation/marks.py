"""Marks of the bundled recordings against forced alignment: `python -m duet.training.evaluation.marks`.

PocketSphinx says when each phone is spoken; a mark is due in its middle. A mark and a phone of its kind belong together
where they are the nearest to each other and within REACH; the others are missed, or too many.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate

from ...inference.arrays import Numbers
from ...inference.audio.decode import load_audio
from ...inference.engine.pipeline import Pipeline
from ...inference.performance.mark_search import find_marks
from ...inference.performance.marks import KINDS, Mark
from ...inference.take import GenerateRequest, Take
from ..data.alignment import Recording, aligned
from ..synthesis.utterance import Segment
from .closures import _LINES

REACH = 0.25  # seconds
_PHONES = {"closed": "pbm", "teeth": "fv", "round": "uʊowʃʒɔ", "wide": "iɪeɛj", "open": "aæɑʌ", "tongue": "ðθltdn"}


@dataclass(frozen=True, eq=False)
class Line:
    """A recording: its take, its words, its phones."""

    take: Take
    words: str
    phones: tuple[Segment, ...]


@dataclass(frozen=True, eq=False)
class Score:
    """Of one kind over all recordings: phones, marks, and by how many seconds those that belong together differ."""

    phones: int
    marks: int
    off: Numbers  # (n,)

    @property
    def median(self) -> float:
        """Seconds by which a phone's mark is off in half of all phones; a missed one is off by more than any."""
        every = np.concatenate([np.abs(self.off), np.full(self.phones - len(self.off), np.inf)])
        return float(np.median(every))

    def __add__(self, other: Score) -> Score:
        """Both kinds together."""
        return Score(self.phones + other.phones, self.marks + other.marks, np.concatenate([self.off, other.off]))


def total(found: dict[str, Score]) -> Score:
    """All kinds together."""
    return functools.reduce(Score.__add__, found.values())


def bundled_lines(pipeline: Pipeline) -> list[Line]:
    """The recordings in examples/."""
    folder = Path(__file__).resolve().parents[2] / "examples" / "recordings"
    found = []
    for number, words in _LINES.items():
        samples = load_audio(folder / f"sense_and_sensibility_{number}.wav")
        take = pipeline.generate(samples, GenerateRequest(fps=30.0), lambda *_: None)
        found.append(Line(take, words, aligned(Recording(number, "", samples, words))))
    return found


def scores(lines: list[Line], with_text: bool) -> dict[str, Score]:
    """By kind."""
    found = {}
    marks = [find_marks(line.take, line.words if with_text else "") for line in lines]
    for kind, phones in _PHONES.items():
        due = [[(p.start + p.end) / 2 for p in line.phones if p.phone and p.phone[0] in phones] for line in lines]
        own = [[mark for mark in each if mark.kind == kind] for each in marks]
        off = np.concatenate([_off(a, b) for a, b in zip(own, due, strict=True)])
        found[kind] = Score(sum(map(len, due)), sum(map(len, own)), off)
    return found


def _off(marks: list[Mark], due: list[float]) -> Numbers:
    if not marks or not due:
        return np.zeros(0)
    away = np.array([[mark.seconds - at for at in due] for mark in marks])
    nearest, back = np.abs(away).argmin(axis=1), np.abs(away).argmin(axis=0)
    both = [(i, j) for i, j in enumerate(nearest) if back[j] == i and abs(away[i, j]) <= REACH]
    return np.array([away[pair] for pair in both])


def main() -> None:
    """Print the table."""
    lines = bundled_lines(Pipeline(Path(__file__).resolve().parents[2] / "weights", "numpy"))
    rows = []
    for with_text in (False, True):
        found = scores(lines, with_text)
        for kind, score in [*found.items(), ("all", total(found))]:
            off = 1000 * np.abs(score.off) if len(score.off) else np.array([np.nan])
            places = [np.median(off), np.percentile(off, 90), 1000 * score.median]
            shown = [score.phones, score.marks, len(score.off), *places]
            rows.append(["with" if with_text else "without", kind, *shown])
    heads = ["text", "kind", "phones", "marks", "together", "median ms", "90 % ms", "median ms, the missed counted"]
    print(tabulate(rows, heads, "github", floatfmt=".0f"))
    print("Kinds: " + "; ".join(f"{kind}, {what}" for kind, what in KINDS.items()))


if __name__ == "__main__":
    main()
