"""Tables of text as spreadsheets and scripts write them, read line by line: commas, semicolons or tabs, any BOM.

Or as JSON: a list of objects, one a row.
"""

from __future__ import annotations

import codecs
import csv
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from ..errors import TableError
from ..plain_text import brief

MAX_LINE = 1 << 20  # letters: without it a file with no line breaks would be read whole
MAX_JSON = 64 << 20  # bytes
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_rows(path: Path, name: str, remedy: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the number of its line; cells without the space around them.

    The first row decides what stands between columns. `name` is what an error calls the file. Of JSON the first row are
    the objects' names, and numbers count objects. Raises TableError.
    """
    if path.suffix.lower() == ".json":
        yield from _objects(path, name, remedy)
        return
    try:
        if path.exists() and not path.is_file():
            raise TableError(f"{name} is no file.", remedy)
        with path.open("rb") as raw:
            beginning = raw.read(3)
        encoding = next((code for bom, code in _BOMS if beginning.startswith(bom)), "utf-8")
        with path.open(newline="", encoding=encoding) as file:
            lines = _lines(file, name, remedy)
            above, first = next(((i, line) for i, line in enumerate(lines) if line.strip()), (0, ""))
            reader = csv.reader(itertools.chain([first], lines), delimiter=max(",;\t", key=first.count))
            for row in reader:
                cells = [cell.strip() for cell in row]
                if any(cells):
                    yield above + reader.line_num, cells
    except UnicodeError as error:
        raise TableError(f"{name} is not text in UTF-8.", "Save it as CSV UTF-8.") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise TableError(f"{name} cannot be read ({getattr(error, 'strerror', error)}).", "Check its name.") from error
    except csv.Error as error:
        raise TableError(f"{name} is not a table of text ({error}).", remedy) from error


def _objects(path: Path, name: str, remedy: str) -> Iterator[tuple[int, list[str]]]:
    try:
        with path.open("rb") as raw:
            data = raw.read(MAX_JSON + 1)
        rows = json.loads(data) if len(data) <= MAX_JSON else None
    except OSError as error:
        raise TableError(f"{name} cannot be read ({error.strerror}).", "Check its name.") from error
    except (ValueError, RecursionError) as error:
        raise TableError(f"{name} is no JSON ({brief(error)}).", remedy) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TableError(f"{name} is no list of objects, one a row.", remedy)
    header = list(dict.fromkeys(key for row in rows for key in row))
    yield 0, [key.strip() for key in header]
    for number, row in enumerate(rows, 1):
        try:
            cells = [_text(row.get(key)) for key in header]
        except TypeError as error:
            raise TableError(f"{name}, row {number} holds what is neither text nor a number.", remedy) from error
        if any(cells):
            yield number, cells


def _text(value: Any) -> str:
    """A cell; a list of numbers is one as well, as a place. Raises TypeError."""
    if isinstance(value, list):
        return " ".join(map(_text, value))
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError
    return str(value).strip()


def _lines(file: TextIO, name: str, remedy: str) -> Iterator[str]:
    for number in itertools.count(1):
        line = file.readline(MAX_LINE)
        if not line:
            return
        if len(line) == MAX_LINE:
            raise TableError(f"{name}, row {number} is longer than any row of a table.", remedy)
        yield line
