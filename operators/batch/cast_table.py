"""The table of a cast: which head says what when, a row a line, for `duet bake --into` and Dialogue from Table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...inference.errors import DuetError, RequestError, TableError
from ...inference.performance.performance import LIFE, SETTINGS, Performance
from .jobs import start_frame
from .manifest import COLUMN_OF, read_table
from .paths import absolute

_OWN = ("scene", "head", "audio", "start", "place")
COLUMNS = (*_OWN, *COLUMN_OF.values())
_NUMBERS = {3: "x, y, z", 4: "x, y, z and a turn"}


@dataclass(frozen=True)
class Row:
    """One line: of which scene, who, the recording, its first frame (None: after the line above), how, and where."""

    name: str
    scene: str
    head: str
    audio: Path
    start: int | None
    performance: Performance
    place: tuple[float, float, float, float] | None = None


def alive(performance: Performance = Performance()) -> Performance:  # noqa: B008 - it is frozen
    """The performance with all of life that it does not set, for a face among others is never still."""
    return performance.with_texts(
        {name: f"{SETTINGS[name].natural:g}" for name in LIFE if getattr(performance, name) == SETTINGS[name].default}
    )


def read_cast(path: Path, usual: Performance) -> tuple[list[Row], list[tuple[str, DuetError]]]:
    """The rows of a table, and what is wrong with those that cannot be used, with their scenes.

    Paths in it start at its folder; `usual` holds where a row says nothing. Raises TableError where the file as a
    whole is no such table.
    """
    header, table = read_table(path, COLUMNS)
    if "head" not in header:
        raise TableError(f"The table '{path}' has no column 'head'.", f"Its columns may be {', '.join(COLUMNS)}.")
    rows: list[Row] = []
    failed: list[tuple[str, DuetError]] = []
    for number, cells in table:
        row = dict(zip(header, cells, strict=False))
        try:
            rows.append(_row(row, number, path, usual))
        except DuetError as error:
            wrong = type(error)(f"'{path}', row {number}: {error.message}", error.remedy)
            failed.append((row.get("scene", ""), wrong))
    return rows, failed


def scenes_of(rows: Sequence[Row]) -> list[str]:
    """The names of the scenes in the order of the table."""
    return list(dict.fromkeys(row.scene for row in rows))


def _row(cells: dict[str, str], number: int, path: Path, usual: Performance) -> Row:
    for name in ("head", "audio"):
        if not cells.get(name):
            raise TableError(f"no {name} is given.", f"Fill in the column '{name}'.")
    performance = usual.with_texts({name: cells.get(column) for name, column in COLUMN_OF.items()})
    return Row(
        name=f"{path.name}, row {number}",
        scene=cells.get("scene", ""),
        head=cells["head"],
        audio=absolute(Path(cells["audio"]), path.parent),
        start=start_frame(cells["start"]) if cells.get("start") else None,
        performance=performance,
        place=_place(cells["place"]) if cells.get("place") else None,
    )


def _place(text: str) -> tuple[float, float, float, float]:
    """'0.3 0 0' or '0.3 0 0 45': metres, and degrees to the head's left; raises RequestError."""
    try:
        numbers = [float(part) for part in text.split()]
    except ValueError:
        numbers = []
    if len(numbers) not in _NUMBERS or not all(abs(number) < 1e6 for number in numbers):
        raise RequestError(f"'{text}' is no place.", "Give x, y and z in metres, and a turn in degrees: 0.3 0 0 45.")
    x, y, z, turn = (*numbers, 0.0)[:4]
    return x, y, z, turn
