"""Takes as files for other programs: .npz, and .csv in the column layout of Epic's Live Link Face app."""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .errors import OutputError
from .head import ARKIT_NAMES
from .take import Floats, Take

_ROTATIONS = tuple(f"{part}{axis}" for part in ("Head", "LeftEye", "RightEye") for axis in ("Yaw", "Pitch", "Roll"))
# ARKIT_NAMES is in the app's order; the app writes the names with a capital.
LIVE_LINK_COLUMNS = (*(name[0].upper() + name[1:] for name in ARKIT_NAMES), *_ROTATIONS)
_ELSEWHERE = "Choose another file or folder, or change its permissions."


def write_npz(path: Path, take: Take) -> None:
    """Write the take's arrays; raises OutputError naming the file.

    `fps`, `speech_weights` (T, Ks), `expression_weights` (E, Ke), `emotion_curves` (T, E), `emotions` (E,),
    `arkit` (T, 52), `arkit_names` (52,), and `vertices` (T, V, 3) in metres where the take has them.
    """
    arrays: dict[str, Any] = {
        "fps": np.float64(take.fps),
        "speech_weights": take.speech_weights,
        "expression_weights": take.expression_weights,
        "emotion_curves": take.emotion_curves,
        "emotions": np.array(take.emotions),
        "arkit": take.arkit,
        "arkit_names": np.array(take.arkit_names),
    }
    if take.vertices is not None:
        arrays["vertices"] = take.vertices
    write_atomically(path, lambda file: np.savez(file, **arrays))


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
    rate = Fraction(fps).limit_denominator(1001)
    time = Fraction(frame) / rate
    seconds = int(time)
    count = float((time - seconds) * rate)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{count:06.3f}"


def read_livelink_csv(path: Path) -> tuple[tuple[str, ...], NDArray[np.str_], Floats]:
    """The names of the columns after the first two, the timecodes (T,) and the values (T, columns) of a CSV file."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        header, *rows = list(csv.reader(file))
    values = np.array([row[2:] for row in rows], np.float32).reshape(len(rows), len(header) - 2)
    return tuple(header[2:]), np.array([row[0] for row in rows], np.str_), values


def prepare_output(path: Path) -> Path:
    """The file behind `path`, its folder made where it is missing; raises OutputError where it cannot be written.

    To be called before long work, so that it is not lost.
    """
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise OutputError(f"The output '{path}' is a folder.", "Give a file name.")
        # By its mode: the administrator, or whoever owns the folder, could replace a file that is marked read-only.
        if path.exists() and not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            raise OutputError(f"The output '{path}' is read-only.", _ELSEWHERE)
    except OSError as error:
        raise _unwritable(path, error) from error
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"The folder '{path.parent}' is read-only.", _ELSEWHERE)
    return path


def write_atomically(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Have `write` fill a file beside `path` that takes its place at the end: never half a file, nor a lost old one.

    Raises OutputError naming the file.
    """
    path = prepare_output(path)
    partial = path.with_name(f".{path.stem[:60]}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            write(file)
        partial.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"The output '{path}' cannot be written ({error.strerror}).", _ELSEWHERE)
