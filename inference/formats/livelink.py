"""Takes as .csv in the column layout of Epic's Live Link Face app, written and read."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..errors import TableError
from ..head.canonical import ARKIT_NAMES
from ..steps import Steps, finish
from ..take import Take
from .exports import written_whole
from .livelink_columns import Columns, find_columns, first_beyond, scale_of
from .text_table import read_rows
from .timecode import Time, frames_of, parse_timecode, timecode

_ROTATIONS = tuple(f"{part}{axis}" for part in ("Head", "LeftEye", "RightEye") for axis in ("Yaw", "Pitch", "Roll"))
# ARKIT_NAMES is in the app's order; the app writes the names with a capital.
LIVE_LINK_COLUMNS = (*(name[0].upper() + name[1:] for name in ARKIT_NAMES), *_ROTATIONS)
MAX_ROWS = 4 * 3600 * 240  # four hours at the highest rate: 0.9 GB of values
MAX_GAP = 600.0  # seconds between two frames, over which the clock was set and not the face away
_TIMES, _COUNTS = ("timecode", "smpte", "smptetimecode"), ("blendshapecount", "blendshapescount", "count")
_BEYOND = 1e30  # single precision ends little later
_AT_ONCE = 200  # rows in a step
_SHOWN = 5  # names in a note
_REMEDY = "Export it again, or choose a .csv as Live Link Face records it."


@dataclass(frozen=True, eq=False)
class LiveLinkTake:
    """What a Live Link Face file holds. Rows without a face (BlendShapeCount 0) are left out."""

    fps: float
    frames: NDArray[np.float64]  # (T,) frames since the first row at `fps`; whole ones exactly so
    names: tuple[str, ...]  # of ARKit's shapes as the app writes them, and of the angles as the file does
    values: Floats  # (T, names), coefficients from 0 to 1
    skipped: int  # rows without a face
    notes: tuple[str, ...] = ()  # sentences for the user: what was left out or made of it


def write_livelink_csv(path: Path, take: Take) -> None:
    """Write the ARKit coefficients as Live Link Face records them; raises OutputError naming the file.

    The app's 61 values a frame are 52 coefficients and nine angles. Duet turns eyes by coefficients and leaves the
    head to the animator, so the angles are zero.
    """
    finish(write_livelink_steps(path, take))


def write_livelink_steps(path: Path, take: Take) -> Steps[None]:
    """The same in steps; closed before its end, it writes nothing."""
    order = [take.arkit_names.index(name) for name in ARKIT_NAMES]
    angles = ["0.0000000000"] * len(_ROTATIONS)

    with written_whole(path) as file:
        text = io.TextIOWrapper(file, encoding="ascii", newline="")
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["Timecode", "BlendShapeCount", *LIVE_LINK_COLUMNS])
        for frame, values in enumerate(take.arkit[:, order]):
            numbers = [f"{value:.10f}" for value in values]
            rows.writerow([timecode(frame, take.fps), len(LIVE_LINK_COLUMNS), *numbers, *angles])
            if frame % _AT_ONCE == 0:
                yield frame / take.frame_count
        text.flush()
        text.detach()


def read_livelink_steps(path: Path, fps: float | None = None) -> Steps[LiveLinkTake]:
    """Read a file of the app, of Duet or alike, in steps; raises TableError naming the file, the row and the column.

    `fps` is the file's frame rate: where None, it is read off the timecode, at the step from one second to the next
    (60, the app's own, in a file too short for that). Columns may be spelt otherwise, in any order, and values may be
    per cent; what was made of that stands in the notes.
    """
    rows = read_rows(path, f"'{path}'", _REMEDY)
    header = next(rows, (0, []))[1]
    count_column = len(header) > 1 and "".join(header[1].lower().split()) in _COUNTS
    if not header or "".join(header[0].lower().split()) not in _TIMES:
        raise TableError(f"'{path}' does not begin with the columns Timecode and BlendShapeCount.", _REMEDY)
    columns = _columns(path, header, 2 if count_column else 1)
    lines: list[tuple[int, str]] = []
    parts: list[Floats] = []
    times: list[Time] = []
    skipped = 0
    for line, row in rows:
        if count_column and _is_gap(row):
            skipped += 1
            continue
        if len(lines) >= MAX_ROWS:
            raise TableError(f"'{path}' has more than {MAX_ROWS:,} rows.", "Cut it into parts.")
        parts.append(_values(path, line, row, header, columns))
        times.append(_time(path, line, row[0]))
        lines.append((line, row[0]))
        if len(lines) % _AT_ONCE == 0:
            yield 0.0
    if not lines:
        raise TableError(f"'{path}' holds no frame with a face.", _REMEDY)
    rate, frames = _frames(path, lines, times, fps)
    values, notes = _scaled(path, np.stack(parts), columns, lines)
    return LiveLinkTake(float(rate), frames, columns.names, values, skipped, (*notes, *_left_out(columns)))


def _columns(path: Path, header: list[str], first: int) -> Columns:
    """The columns that are read; raises TableError where none is, or two are the same."""
    columns = find_columns(header, first)
    if not columns.shapes:
        raise TableError(f"'{path}' has no column with the name of one of ARKit's 52 shapes.", _REMEDY)
    if columns.twice:
        message = f"'{path}' has two columns for one shape: '{columns.twice[0]}' and '{columns.twice[1]}'."
        raise TableError(message, "Delete one of them.")
    return columns


def _left_out(columns: Columns) -> list[str]:
    """What the user should know of the columns."""
    notes = []
    if columns.unknown:
        shown = ", ".join(f"'{name}'" for name in columns.unknown[:_SHOWN])
        more = f" and {len(columns.unknown) - _SHOWN} more" if len(columns.unknown) > _SHOWN else ""
        notes.append(f"Columns that are no ARKit shape were left out: {shown}{more}.")
    if columns.shapes < len(ARKIT_NAMES):
        notes.append(f"The file has {columns.shapes} of ARKit's {len(ARKIT_NAMES)} shapes.")
    return notes


def _scaled(
    path: Path, values: Floats, columns: Columns, lines: list[tuple[int, str]]
) -> tuple[Floats, tuple[str, ...]]:
    """The values with the shapes' coefficients from 0 to 1, and a note; raises TableError where one cannot be so."""
    scale = scale_of(values[:, : columns.shapes])
    values[:, : columns.shapes] /= scale
    beyond = first_beyond(values[:, : columns.shapes])
    if beyond:
        row, column = beyond
        text = f"{values[row, column] * scale:.6g}"
        message = f"'{path}', row {lines[row][0]}, column {columns.names[column]}: {text} is no coefficient: "
        raise TableError(f"{message}the others go from 0 to {scale:g}.", _REMEDY)
    return values, ("Its values go to 100; they were divided by that.",) if scale != 1 else ()


def _frames(
    path: Path, lines: list[tuple[int, str]], times: list[Time], fps: float | None
) -> tuple[Fraction, NDArray[np.float64]]:
    """(rate, frames) of the rows; raises TableError where they do not follow each other."""
    try:
        rate, frames = frames_of(times, fps)
    except ValueError as error:
        raise TableError(f"'{path}': {error}.", "Give it as Frame Rate.") from error
    steps = np.diff(frames)
    wrong = np.flatnonzero((steps <= 0) | (steps > MAX_GAP * float(rate)))
    if len(wrong):
        (_, earlier), (line, text) = lines[wrong[0]], lines[wrong[0] + 1]
        if steps[wrong[0]] > 0:
            message = f"'{path}', row {line}: the timecode jumps from {earlier} to {text}, as if a clock had been set."
            raise TableError(message, "Cut the file there, and import both parts.")
        raise TableError(f"'{path}', row {line}: the timecode {text} does not follow the one before.", _REMEDY)
    return rate, frames


def _is_gap(row: list[str]) -> bool:
    """Whether the app saw no face then: it writes a count of 0 and no values."""
    return len(row) >= 2 and row[1] in {"0", ""} and not any(row[2:])


def _values(path: Path, line: int, row: list[str], header: list[str], columns: Columns) -> Floats:
    while len(row) > len(header) and not row[-1]:
        row.pop()  # a comma too many at its end
    if len(row) != len(header):
        message = f"'{path}', row {line} has {len(row)} columns where the header has {len(header)}."
        raise TableError(message, _REMEDY)
    values = [_number(row[place]) for place in columns.places]
    if all(map(math.isfinite, values)):
        return np.array(values, np.float32)
    place = next(place for place, value in zip(columns.places, values, strict=True) if not math.isfinite(value))
    raise TableError(f"'{path}', row {line}, column {header[place]}: '{row[place]}' is not a number.", _REMEDY)


def _number(text: str) -> float:
    """A number with a point or a comma; NaN where it is none, or none that a coefficient could be."""
    try:
        value = float(text.replace(",", ".") if "," in text else text)
    except ValueError:
        return math.nan
    return value if abs(value) < _BEYOND else math.nan


def _time(path: Path, line: int, text: str) -> Time:
    time = parse_timecode(text)
    if time is None:
        message = f"'{path}', row {line}, column Timecode: '{text}' is not HH:MM:SS:FF.mmm."
        raise TableError(message, _REMEDY)
    return time
