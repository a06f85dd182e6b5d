"""Takes as .csv in the column layout of Epic's Live Link Face app, written and read, and the app's timecode."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .errors import TableError
from .exports import write_atomically
from .head import ARKIT_NAMES
from .take import Floats, Take

_ROTATIONS = tuple(f"{part}{axis}" for part in ("Head", "LeftEye", "RightEye") for axis in ("Yaw", "Pitch", "Roll"))
# ARKIT_NAMES is in the app's order; the app writes the names with a capital.
LIVE_LINK_COLUMNS = (*(name[0].upper() + name[1:] for name in ARKIT_NAMES), *_ROTATIONS)
RATES = tuple(Fraction(n) for n in (24, 25, 30, 48, 50, 60, 90, 100, 120, 240))
RATES += tuple(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120, 240))
APP_RATE = 60.0  # the app's own, where a file is too short to tell
_RATE_TOLERANCE = 0.004  # of a frame a second: the timecode's thousandths, rounded twice
_TIMECODE = re.compile(r"(\d+):([0-5]\d):([0-5]\d)[:;](\d+(?:\.\d+)?)")
_DAY = 24 * 3600
_REMEDY = "Export it again, or choose a .csv as Live Link Face records it."


@dataclass(frozen=True, eq=False)
class LiveLinkTake:
    """What a Live Link Face file holds. Rows without a face (BlendShapeCount 0) are left out."""

    fps: float
    frames: NDArray[np.float64]  # (T,) frames since the first row at `fps`; whole ones exactly so
    names: tuple[str, ...]  # the columns after the first two
    values: Floats  # (T, columns)
    skipped: int  # rows without a face


def write_livelink_csv(path: Path, take: Take) -> None:
    """Write the ARKit coefficients as Live Link Face records them; raises OutputError naming the file.

    The app's 61 values a frame are 52 coefficients and nine angles. Duet turns eyes by coefficients and leaves the
    head to the animator, so the angles are zero.
    """
    order = [take.arkit_names.index(name) for name in ARKIT_NAMES]
    angles = ["0.0000000000"] * len(_ROTATIONS)

    def write(file: BinaryIO) -> None:
        text = io.TextIOWrapper(file, encoding="ascii", newline="")
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["Timecode", "BlendShapeCount", *LIVE_LINK_COLUMNS])
        for frame, values in enumerate(take.arkit[:, order]):
            numbers = [f"{value:.10f}" for value in values]
            rows.writerow([timecode(frame, take.fps), len(LIVE_LINK_COLUMNS), *numbers, *angles])
        text.flush()
        text.detach()

    write_atomically(path, write)


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


def read_livelink_csv(path: Path, fps: float | None = None) -> LiveLinkTake:
    """Read a file of the app, of Duet or alike; raises TableError naming the file, the row and the column.

    `fps` is the file's frame rate: where None, it is read off the timecode, at the step from one second to the next
    (60, the app's own, in a file too short for that).
    """
    header, rows = _table(path)
    names = tuple(header[2:])
    filled = [(line, row) for line, row in rows if not _is_gap(row)]
    if not filled:
        raise TableError(f"'{path}' holds no frame with a face.", _REMEDY)
    values = np.array([_values(path, line, row, header) for line, row in filled], np.float32)
    times = [_parse(path, line, row[0]) for line, row in filled]
    rate = exact_rate(fps or _rate_of(times))
    frames = _frames(times, rate)
    backwards = np.flatnonzero(np.diff(frames) <= 0)
    if len(backwards):
        line, row = filled[backwards[0] + 1]
        raise TableError(f"'{path}', row {line}: the timecode {row[0]} does not follow the one before.", _REMEDY)
    return LiveLinkTake(float(rate), frames, names, values, len(rows) - len(filled))


def _table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and the rows that are not empty with their line numbers."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            table = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except OSError as error:
        raise TableError(f"'{path}' cannot be read ({error.strerror}).", "Choose the file again.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"'{path}' is not a table of text ({error}).", _REMEDY) from error
    table = [(line, row) for line, row in table if any(row)]
    header = table[0][1] if table else []
    if [name.lower() for name in header[:2]] != ["timecode", "blendshapecount"] or len(header) < 3:
        raise TableError(f"'{path}' does not begin with the columns Timecode and BlendShapeCount.", _REMEDY)
    return header, table[1:]


def _is_gap(row: list[str]) -> bool:
    """Whether the app saw no face then: it writes a count of 0 and no values."""
    return len(row) >= 2 and row[1] in {"0", ""} and not any(row[2:])


def _values(path: Path, line: int, row: list[str], header: list[str]) -> list[float]:
    if len(row) != len(header):
        message = f"'{path}', row {line} has {len(row)} columns where the header has {len(header)}."
        raise TableError(message, _REMEDY)
    try:
        values = [float(text) for text in row[2:]]
    except ValueError:
        values = []
    if values and all(map(math.isfinite, values)):
        return values
    name, text = next((n, t) for n, t in zip(header[2:], row[2:], strict=True) if not _is_number(t))
    raise TableError(f"'{path}', row {line}, column {name}: '{text}' is not a number.", _REMEDY)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _parse(path: Path, line: int, text: str) -> tuple[int, Fraction]:
    """(whole seconds, frames within the second) of a timecode."""
    match = _TIMECODE.fullmatch(text)
    if match is None:
        message = f"'{path}', row {line}, column Timecode: '{text}' is not HH:MM:SS:FF.mmm."
        raise TableError(message, _REMEDY)
    hours, minutes, seconds = (int(match[i]) for i in (1, 2, 3))
    return hours * 3600 + minutes * 60 + seconds, Fraction(match[4])


def _rate_of(times: list[tuple[int, Fraction]]) -> float:
    """Frames per second: what the count has lost where a second begins, for frames that follow at a steady step."""
    steps = [b[1] - a[1] for a, b in itertools.pairwise(times) if a[0] == b[0]]
    step = float(np.median([float(value) for value in steps])) if steps else 1.0
    turns = [float(a[1] - b[1]) + step for a, b in itertools.pairwise(times) if b[0] == a[0] + 1]
    if not turns:
        return APP_RATE
    found = float(np.median(turns))
    nearest = min(RATES, key=lambda rate: abs(float(rate) - found))
    return float(nearest) if abs(float(nearest) - found) <= _RATE_TOLERANCE else found


def _frames(times: list[tuple[int, Fraction]], rate: Fraction) -> NDArray[np.float64]:
    """Frames since the first row; a timecode past midnight goes on."""
    start = times[0]
    frames = []
    for seconds, count in times:
        days = _DAY if seconds < start[0] - _DAY // 2 else 0
        frame = float((seconds + days - start[0]) * rate + count - start[1])
        # A thousandth of a frame is lost in each timecode: what is that near to a whole frame is one.
        frames.append(float(round(frame)) if abs(frame - round(frame)) <= 2e-3 else frame)
    return np.array(frames)
