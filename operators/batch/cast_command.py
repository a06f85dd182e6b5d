"""`duet bake TABLE.csv --into SHOT.blend`: the lines of a table on the heads of one .blend."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...inference.errors import DuetError
from ...inference.formats.exports import prepare_output
from ...inference.plain_text import one_line
from .cast_table import Row, alive, read_cast, scenes_of
from .jobs import Job, UsageError, place_of_head
from .options import performance_of
from .paths import overwritten
from .runner import Progress, Runner, stdout_as_stderr, unforeseen

HELP = "one .blend for all rows of a table (scene, head, audio, start, ...): a scene with several heads; a folder"
HELP += " where the table has several scenes. Lines are added to a file that exists"


@dataclass(frozen=True)
class Scene:
    """One .blend to make: its rows, the file that they are added to, and what is wrong with rows."""

    rows: list[Row]
    output: Path
    base: Path | None
    failed: list[DuetError]


def plan(options: argparse.Namespace, base: Path | None) -> list[Scene]:
    """What to make of the one table that is given; raises UsageError or a DuetError that concerns the whole."""
    if len(options.audio) != 1 or options.output or options.plain:
        raise UsageError("--into takes one table (.csv), and neither -o nor --plain")
    usual = alive(performance_of(options))
    rows, failed = read_cast(options.audio[0], usual)
    base, _ = place_of_head(options.head, None, base)
    names, into = scenes_of(rows), options.into
    is_file = into.suffix.lower() == ".blend" and not into.is_dir()
    if not is_file and not all(names):
        raise UsageError(f"'{into}' does not end in .blend, and not every row has a scene to name a file after")
    if is_file and len(names) > 1:
        raise UsageError(f"'{into}' is one file, but the table has {len(names)} scenes: give a folder")
    found: list[Scene] = []
    for name in names or [""]:
        own = [row for row in rows if row.scene == name]
        output = into if is_file else into / f"{name}.blend"
        found.append(Scene(own, output, base or (output if output.is_file() else None), failed if not found else []))
    read = [options.audio[0], *([base] if base else []), *(row.audio for row in rows)]
    over = overwritten((each.output for each in found), read)
    if over:
        raise UsageError(f"the output '{over[0]}' would be written over '{over[1]}', which is read: rename one")
    return found


def run(options: argparse.Namespace, scenes: list[Scene], progress: Callable[[Job], Progress | None]) -> int:
    """Make each .blend; a line for each row on stdout or stderr; return how many failed. Raises KeyboardInterrupt."""
    failed = 0
    for each in scenes:
        for error in each.failed:
            failed += _complain(error)
        if options.dry_run:
            for row in each.rows:
                print(one_line(f"{row.audio} -> {each.output} ({row.head}, to do)"), flush=True)
        elif each.rows:
            failed += _make(options, each, progress)
    return failed


def _make(options: argparse.Namespace, scene: Scene, progress: Callable[[Job], Progress | None]) -> int:
    failed, runner = 0, Runner(options.engine, options.device)
    try:
        prepare_output(scene.output)
        parts: list[Any] = []  # of scene.cast, which needs Blender
        for row in scene.rows:
            job = Job(row.audio, scene.output, options.fps, row.performance, base=scene.base)
            try:
                parts.append(_part(runner, job, row, progress))
            except DuetError as error:
                failed += _complain(type(error)(f"{row.name}: {error.message}", error.remedy))
        return failed + (_write(scene, parts) if parts else 0)
    except DuetError as error:
        return failed + _complain(error)
    except Exception as error:
        return failed + _complain(unforeseen(scene.output, error))
    finally:
        runner.close()


def _part(runner: Runner, job: Job, row: Row, progress: Callable[[Job], Progress | None]) -> Any:
    take, loudness = runner.take(job, progress(job))
    with stdout_as_stderr():
        from ...scene.cast import Part

    return Part(row.name, row.head, row.audio, take, row.performance, row.start, row.place, loudness)


def _write(scene: Scene, parts: list[Any]) -> int:
    with stdout_as_stderr():  # Blender prints there as it starts, and what it saves
        from ...scene.blender.loose import duet_of
        from ...scene.files import bake_cast

        cast = bake_cast(parts, scene.output, scene.base, scene.rows[0].scene)
    for line in cast.made:
        said = f"{duet_of(line.action).audio} -> {scene.output}"
        text = f"{said} ({line.obj.name}, frames {line.first} to {line.last})"
        print(one_line(text), flush=True)
    for note in dict.fromkeys(cast.notes):
        print(f"duet: note: {one_line(note)}", file=sys.stderr, flush=True)
    return sum(map(_complain, cast.failed))


def _complain(error: DuetError) -> int:
    print(f"duet: error: {one_line(error)}", file=sys.stderr, flush=True)
    return 1
