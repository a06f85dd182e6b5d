"""Tables of text as spreadsheets and scripts write them, read line by line: commas, semicolons or tabs, any BOM."""

from __future__ import annotations

import codecs
import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ..errors import TableError

MAX_LINE = 1 << 20  # letters: without it a file with no line breaks would be read whole
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_rows(path: Path, name: str, remedy: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the number of its line; cells without the space around them.

    The first row decides what stands between columns. `name` is what an error calls the file. Raises TableError.
    """
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


def _lines(file: TextIO, name: str, remedy: str) -> Iterator[str]:
    for number in itertools.count(1):
        line = file.readline(MAX_LINE)
        if not line:
            return
        if len(line) == MAX_LINE:
            raise TableError(f"{name}, row {number} is longer than any row of a table.", remedy)
        yield line
