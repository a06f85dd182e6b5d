"""`duet bake TABLE.csv --into SHOT.blend`: the lines of a table on the heads of one .blend, or of one a scene."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...inference import c_stdout
from ...inference.errors import AudioError, DuetError
from ...inference.formats.exports import prepare_output
from ...inference.partial_files import written_at
from . import cast_apart, cast_records
from .cast_table import Row, alive, read_cast, scenes_of
from .jobs import Job, UsageError, place_of_head
from .options import performance_of
from .paths import is_there, overwritten
from .runner import Runner, unforeseen
from .work import complain, progress, say

HELP = "one .blend for all rows of a table (scene, head, audio, start, ...): a scene with several heads; a folder"
HELP += " where the table has several scenes. Lines are added to a file that exists"
SCENE_HELP = "with --into: of the table's scenes this one alone"
_NOT_HERE = {"output": "-o", "plain": "--plain", "start_frame": "--start-frame", "scheduler": "--scheduler"}
_NOT_HERE |= {"sheet": "--sheet"}


@dataclass(frozen=True)
class Scene:
    """One .blend to make: its name and rows, the file that it is begun from, and what is wrong with rows.

    `after` names the row above each, by its own name; `base` None is the output where that exists.
    """

    name: str
    rows: list[Row]
    output: Path
    base: Path | None
    failed: list[DuetError]

    @property
    def after(self) -> dict[str, str]:
        """The name of the row above, of each row but the first."""
        return {row.name: above.name for above, row in itertools.pairwise(self.rows)}


def plan(options: argparse.Namespace, base: Path | None) -> list[Scene]:
    """What to make of the one table that is given; raises UsageError or a DuetError that concerns the whole."""
    given = [option for name, option in _NOT_HERE.items() if getattr(options, name) is not None]
    if len(options.audio) != 1 or given:
        raise UsageError(f"--into takes one table{f', and no {given[0]}' if given else ''}")
    usual = alive(performance_of(options))
    rows, failed = read_cast(options.audio[0], usual)
    base, _ = place_of_head(options.head, None, base)
    names, into = scenes_of(rows), options.into
    is_file = into.suffix.lower() == ".blend" and not into.is_dir()
    if not is_file and not all(names):
        raise UsageError(f"'{into}' does not end in .blend, and not every row has a scene to name a file after")
    if options.scene is not None:
        if options.scene not in names:
            raise UsageError(f"the table has no scene '{options.scene}', but {', '.join(map(repr, names))}")
        names, failed = [options.scene], [each for each in failed if each[0] == options.scene]
    if is_file and len(names) > 1:
        raise UsageError(f"'{into}' is one file, but the table has {len(names)} scenes: give a folder")
    found: list[Scene] = []
    for name in names or [""]:
        own = [row for row in rows if row.scene == name]
        wrong = [error for scene, error in failed if scene == name or (scene not in names and not found)]
        found.append(Scene(name, own, into if is_file else into / f"{name}.blend", base, wrong))
    read = [options.audio[0], *([base] if base else []), *(row.audio for row in rows)]
    over = overwritten((each.output for each in found), read)
    if over:
        raise UsageError(f"the output '{over[0]}' would be written over '{over[1]}', which is read: rename one")
    part, parts = options.shard
    return found[part - 1 :: parts]


def run(options: argparse.Namespace, scenes: list[Scene]) -> int:
    """Make each .blend; a line for each row on stdout or stderr; return how many failed. Raises KeyboardInterrupt."""
    if options.jobs > 1 and len(scenes) > 1 and not options.dry_run:
        return cast_apart.run([each.name for each in scenes], options)
    return sum(_scene(options, each) for each in scenes)


def _scene(options: argparse.Namespace, scene: Scene) -> int:
    failed = sum(map(_failed, scene.failed))
    try:
        due = scene.rows if options.force else cast_records.due(scene.rows, scene.output, scene.base, options.fps)
    except DuetError as error:  # of weights that are not there
        return failed + _failed(error)
    for row in scene.rows:
        if row not in due:
            say(f"{row.audio} -> {scene.output} ({row.head}, up to date)")
        elif options.dry_run and not is_there(row.audio):
            failed += _failed(AudioError(f"{row.name}: There is no file '{row.audio}'.", "Check its name and folder."))
        elif options.dry_run:
            say(f"{row.audio} -> {scene.output} ({row.head}, to do)")
    return failed + (_make(options, scene, due) if due and not options.dry_run else 0)


def _make(options: argparse.Namespace, scene: Scene, due: Sequence[Row]) -> int:
    failed, runner = 0, Runner(options.engine, options.device)
    since = written_at(scene.output)
    base = scene.base or (scene.output if scene.output.is_file() else None)
    try:
        prepare_output(scene.output)
        parts: list[Any] = []  # of scene.cast, which needs Blender
        for row in due:
            job = Job(row.audio, scene.output, options.fps, row.performance, base=base)
            try:
                parts.append(_part(runner, job, row, scene.after.get(row.name, "")))
            except DuetError as error:
                failed += _failed(type(error)(f"{row.name}: {error.message}", error.remedy))
        return failed + (_write(options, scene, parts, base, since) if parts else 0)
    except DuetError as error:
        return failed + _failed(error)
    except Exception as error:
        return failed + _failed(unforeseen(scene.output, error))
    finally:
        runner.close()


def _part(runner: Runner, job: Job, row: Row, after: str) -> Any:
    take, loudness = runner.take(job, progress(job))
    for note in row.performance.unseen(take.frame_count / take.fps):
        complain(f"note: {row.name}: {note}")
    with c_stdout.sent_to(2):
        from ...scene.cast import Part

    return Part(row.name, row.head, row.audio, take, row.performance, row.start, row.place, loudness, after)


def _write(options: argparse.Namespace, scene: Scene, parts: list[Any], base: Path | None, since: int) -> int:
    with c_stdout.sent_to(2):  # Blender prints there as it starts, and what it saves
        from ...scene.blender.loose import duet_of
        from ...scene.cast import row_of
        from ...scene.files import bake_cast

        cast = bake_cast(parts, scene.output, since, base, scene.name)
    for line in cast.made:
        said = f"{duet_of(line.action).audio} -> {scene.output}"
        say(f"{said} ({line.obj.name}, frames {line.first} to {line.last})")
    for note in dict.fromkeys(cast.notes):
        complain(f"note: {note}")
    made = {row_of(line) for line in cast.made}
    cast_records.write([row for row in scene.rows if row.name in made], scene.output, scene.base, options.fps)
    return sum(map(_failed, cast.failed))


def _failed(error: DuetError) -> int:
    complain(f"error: {error}")
    return 1
