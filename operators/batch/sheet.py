"""A contact sheet: what became of each line, at a glance and as a table."""

from __future__ import annotations

import base64
import csv
import html
import io
import os
from dataclasses import dataclass
from pathlib import Path

from ...inference.formats.exports import written_whole
from ...inference.plain_text import one_line
from .jobs import Job

SUFFIX = ".html"
_STYLE = (
    "body{background:#222;color:#ccc;font:11px sans-serif;margin:12px}"
    "figure{display:inline-block;width:120px;margin:4px;vertical-align:top;overflow-wrap:anywhere}"
    "img,.none{width:120px;height:150px;display:block;background:#333}.failed{color:#f77}"
)


@dataclass(frozen=True)
class Line:
    """A job and what became of it: its state, frames (0: not known), seconds of work, and what the user should know."""

    job: Job
    state: str
    frames: int = 0
    seconds: float = 0.0
    said: str = ""


def files(path: Path) -> list[Path]:
    """The page and the table of a sheet."""
    return [path, path.with_suffix(".csv")]


def write(path: Path, lines: list[Line], summary: str) -> None:
    """Write the sheet, and the table beside it as .csv, with names from the sheet's folder; raises OutputError."""
    lines = sorted(lines, key=lambda line: str(line.job.output))
    page, table = files(path)
    with written_whole(page) as file:
        file.write(_page(path, lines, summary).encode())
    with written_whole(table) as file:
        file.write(_table(path, lines).encode("utf-8-sig"))  # by which spreadsheets know it


def _page(path: Path, lines: list[Line], summary: str) -> str:
    figures = "\n".join(_figure(path, line) for line in lines)
    title = html.escape(f"{path.stem}: {summary}")
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>\n'
        f"<body><h1>{title}</h1>\n{figures}\n</body></html>\n"
    )


def _figure(path: Path, line: Line) -> str:
    name = html.escape(one_line(line.job.output.stem))
    try:
        data = base64.b64encode(line.job.picture.read_bytes() if line.job.picture else b"").decode()
    except OSError:
        data = ""
    picture = f'<img src="data:image/png;base64,{data}" alt="">' if data else '<div class="none"></div>'
    said = html.escape(" ".join(filter(None, (line.state if line.state != "done" else "", one_line(line.said)))))
    kind = ' class="failed"' if line.state == "failed" else ""
    link = html.escape(_from(path, line.job.output), quote=True)
    return f'<figure{kind}>{picture}<figcaption><a href="{link}">{name}</a> {said}</figcaption></figure>'


def _table(path: Path, lines: list[Line]) -> str:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("audio", "output", "state", "frames", "seconds", "note"))
    for line in lines:
        files = (_from(path, line.job.audio), _from(path, line.job.output))
        table.writerow((*files, line.state, line.frames or "", f"{line.seconds:.2f}", one_line(line.said)))
    return text.getvalue()


def _from(sheet: Path, path: Path) -> str:
    try:
        return Path(os.path.relpath(path, sheet.parent)).as_posix()
    except ValueError:  # another drive
        return str(path)
