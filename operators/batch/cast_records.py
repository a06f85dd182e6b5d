"""Which lines of a cast are done: beside the .blend, in the folder `.duet`, a record of what made each row's line."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...inference.formats.exports import written_whole
from ...inference.performance.spelling import text_beside
from .cast_table import Row
from .records import FOLDER, current_model, relative, version


def due(rows: list[Row], output: Path, base: Path | None, fps: float | None) -> list[Row]:
    """The rows whose lines are not in the output as they are asked for; all of them where a base changed.

    A line that was changed by hand since counts as done. A row without a start begins after the one above, and is due
    with it. Raises WeightsError.
    """
    known = _read(output)
    try:
        written, begun = output.stat().st_mtime_ns, base.stat().st_mtime_ns if base else 0
    except OSError:
        return rows
    late = [row for row in rows if known.get(row.name) != key_of(row, output, base, fps) or _newest(row) > written]
    if base is not None and (late or begun > written):
        return rows  # it is begun anew from the base
    names = {row.name for row in late}
    for above, row in itertools.pairwise(rows):
        if row.start is None and above.name in names:
            names.add(row.name)
    return [row for row in rows if row.name in names]


def write(rows: Iterable[Row], output: Path, base: Path | None, fps: float | None) -> None:
    """Record that the lines of these rows, and of no other where there is a base, are in it; raises OutputError."""
    known = {} if base else _read(output)
    known |= {row.name: key_of(row, output, base, fps) for row in rows}
    with written_whole(_path(output)) as file:
        file.write(json.dumps(known, indent=1).encode())


def key_of(row: Row, output: Path, base: Path | None, fps: float | None) -> str:
    """A digest of all that decides what the row's line is; files are named relative to the output."""
    own = row.performance if row.performance.text else replace(row.performance, text=text_beside(row.audio))
    asked = {
        "audio": _file(row.audio, output),
        "base": base and _file(base, output),
        "head": row.head,
        "start": row.start,
        "place": row.place,
        "performance": own.to_json(),
        "fps": fps,
        "model": current_model(),
        "version": version(),
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _file(path: Path, output: Path) -> list[Any]:
    return [relative(path, output.parent), path.stat().st_size if path.is_file() else None]


def _newest(row: Row) -> int:
    paths = (row.audio, row.audio.with_suffix(".txt"))
    return max((path.stat().st_mtime_ns for path in paths if path.is_file()), default=0)


def _path(output: Path) -> Path:
    return output.parent / FOLDER / f"{output.name}.lines.json"


def _read(output: Path) -> dict[str, str]:
    try:
        known = json.loads(_path(output).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}
