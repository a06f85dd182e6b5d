"""Manifests: a table (.csv, or .json) with one recording a row, for `duet bake` and `duet generate`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...inference.errors import DuetError, TableError
from ...inference.formats.text_table import read_rows
from ...inference.performance.performance import SETTINGS
from ...inference.plain_text import brief
from .jobs import SUFFIXES, Damaged, Entry, Job, frame_rate, place_of_head, start_frame
from .paths import Identity, absolute, identity

COLUMN_OF = {name: "emotion" if name == "emotions" else name for name in SETTINGS}
COLUMNS = ("audio", "output", "head", "fps", "start", *COLUMN_OF.values())
MAX_ROWS = 100_000
_MOST, _LONGEST = 6, 40  # unknown columns that an error names, and letters of each
_ALIASES = {"emotion track": "emotion", "emotions": "emotion", "frame rate": "fps", "start frame": "start"}


@dataclass(frozen=True)
class Defaults:
    """What holds where a row says nothing. `output` is the folder for outputs, None the manifest's own."""

    job: Job
    output: Path | None
    suffix: str
    suffixes: frozenset[str]


def read(path: Path, defaults: Defaults) -> list[Entry]:
    """One entry a row, in order; a row that cannot be used is Damaged and does not stop the rest.

    `path` is absolute; paths in it are relative to its folder, outputs to the output folder where one is given. Raises
    TableError where the file as a whole is no manifest.
    """
    header, rows = read_table(path, COLUMNS)
    entries: list[Entry] = []
    written: dict[Identity, int] = {}
    for line, cells in rows:
        try:
            if len(cells) > len(header):
                raise TableError(f"it has {len(cells)} columns where the header has {len(header)}.")
            job = _job(dict(zip(header, cells, strict=False)), path.parent, defaults)
            first = written.setdefault(identity(job.output), line)
            if first != line:
                raise TableError(f"row {first} writes '{job.output}' already.", "Give it an output of its own.")
        except DuetError as error:
            message = f"'{path}', row {line}: {error.message}"
            entries.append(Damaged(type(error)(message, error.remedy)))
        except Exception as error:  # of this row alone
            message = f"'{path}', row {line} cannot be used: {type(error).__name__}, {brief(error)}."
            entries.append(Damaged(TableError(message, "Check its cells.")))
        else:
            entries.append(job)
    return entries


def read_table(path: Path, columns: Sequence[str]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header's names, which are of these columns, and the rows that are not empty with their line numbers.

    Raises TableError.
    """
    remedy = f"Give a table with the columns {', '.join(columns)}; all but audio may be missing."
    table = list(itertools.islice(read_rows(path, f"The manifest '{path}'", remedy), MAX_ROWS + 2))
    if len(table) > MAX_ROWS + 1:
        raise TableError(f"The manifest '{path}' has more than {MAX_ROWS:,} rows.", "Cut it into parts.")
    header = [_column(name) for name in table[0][1]] if table else []
    unknown = [name for name in header if name not in columns]
    if "audio" not in header:
        raise TableError(f"The manifest '{path}' has no column 'audio'.", remedy)
    if unknown or len(set(header)) != len(header):
        shown = ", ".join(f"'{name[:_LONGEST]}'" for name in unknown[:_MOST]) or "one name twice"
        raise TableError(f"The manifest '{path}' has columns that mean nothing here: {shown}.", remedy)
    if len(table) == 1:
        raise TableError(f"The manifest '{path}' has no rows.", remedy)
    return header, table[1:]


def _column(name: str) -> str:
    name = _ALIASES.get(name.lower(), name.lower())
    return name.replace(" ", "_").replace("-", "_")


def _job(cells: dict[str, str], folder: Path, defaults: Defaults) -> Job:
    """The job of a row; raises a DuetError without the row's number."""
    if not cells["audio"]:
        raise TableError("no audio is given.", "Fill in the column 'audio'.")
    if not defaults.suffixes.isdisjoint(SUFFIXES["generate"]):
        cells = cells | {"head": "", "start": ""}  # one table for both: these are for `bake` alone
    audio = absolute(Path(cells["audio"]), folder)
    base, head = place_of_head(cells.get("head", ""), folder, defaults.job.base)
    job = replace(
        defaults.job,
        audio=audio,
        output=_output(cells.get("output", ""), audio, folder, defaults),
        base=base,
        head=head or (defaults.job.head if base == defaults.job.base else ""),
        fps=frame_rate(cells["fps"]) if cells.get("fps") else defaults.job.fps,
        start=start_frame(cells["start"]) if cells.get("start") else defaults.job.start,
        performance=defaults.job.performance.with_texts({n: cells.get(c) for n, c in COLUMN_OF.items()}),
    )
    job.request()  # raises RequestError
    return job


def _output(text: str, audio: Path, folder: Path, defaults: Defaults) -> Path:
    if not text and defaults.output is None:
        raise TableError("no output is given.", "Fill in the column 'output', or give -o FOLDER.")
    output = absolute(Path(text or f"{audio.stem}{defaults.suffix}"), defaults.output or folder)
    if output.suffix.lower() not in defaults.suffixes:
        due = " or ".join(sorted(defaults.suffixes))
        raise TableError(f"the output '{text}' does not end in {due}.", "Change its name.")
    return output
