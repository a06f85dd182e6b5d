"""A run of the command line: what is done already, the rest worked off, and what became of each file."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...inference.errors import CancelledError, DuetError, RequestError, StartError, WeightsError
from ...inference.plain_text import one_line
from . import farm, pool, records, sheet
from .jobs import Damaged, Entry, Job
from .paths import is_there
from .runner import Made, Outcome, run_here


def run(options: argparse.Namespace, entries: list[Entry]) -> int:
    """Report what is damaged and what is done already, work the rest off, sum up; how many failed."""
    return Run(options).run(entries)


class Run:
    """What has become of the files so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._tally: Counter[str] = Counter()
        self._lines: list[sheet.Line] = []
        self._jobs: list[Job] = []
        self._bar: Any = None

    def run(self, entries: list[Entry]) -> int:
        """The whole run."""
        try:
            jobs = list(self._waiting(entries))
            if self._options.dry_run:
                self._list(jobs)
            else:
                self._work(jobs)
        except WeightsError as error:
            complain(f"error: {error}")
            self._tally["failed"] += 1
        finally:
            self._write_sheet(len(entries))
        if len(entries) > 1:
            print(self._summary(len(entries)), flush=True)
        return self._tally["failed"]

    def _waiting(self, entries: list[Entry]) -> Iterator[Job]:
        """The jobs that are neither damaged nor done; raises WeightsError."""
        for entry in entries:
            if isinstance(entry, Damaged):
                self._tally["failed"] += 1
                complain(f"error: {entry.error}")
            elif not self._options.force and records.is_done(entry):
                self._count(sheet.Line(entry, "up to date"))
                say(f"{entry.audio} -> {entry.output} (up to date)")
            else:
                yield entry

    def _list(self, jobs: list[Job]) -> None:
        """What would be done, as far as it can be told without doing it."""
        for job in jobs:
            missing = next((path for path in (job.audio, job.base) if path and not is_there(path)), None)
            if missing:
                self._tally["failed"] += 1
                complain(f"error: There is no file '{missing}'. Check its name and folder.")
            else:
                self._tally["to do"] += 1
                say(f"{job.audio} -> {job.output} (to do)")

    def _work(self, jobs: list[Job]) -> None:
        """Work the jobs off; a failed one does not stop the rest, unless no job could do better."""
        if not jobs:
            return
        self._jobs, outcomes = jobs, self._outcomes(jobs)
        self._bar = _bar(len(jobs))
        try:
            for outcome in outcomes:
                self._clear()
                self._tell(outcome)
                if self._bar:
                    self._bar.update()
                if isinstance(outcome.result, DuetError) and _is_common(outcome.result, jobs):
                    break
        except StartError as error:  # of a cluster that is not there
            self._tally["failed"] += 1
            complain(f"error: {error}")
        finally:
            outcomes.close()  # type: ignore[attr-defined]
            self._clear()
            if self._bar:
                self._bar.close()

    def _outcomes(self, jobs: list[Job]) -> Iterator[Outcome]:
        options = self._options
        if options.scheduler:
            count = options.jobs if options.jobs > 1 else os.cpu_count() or 1
            return farm.run_on_dask(jobs, options.scheduler, count, options.engine, options.device)
        if options.jobs > 1 and len(jobs) > 1:
            return pool.run_parallel(jobs, options.jobs, options.engine, options.device)
        return run_here(jobs, options.engine, options.device, lambda job: None if self._bar else progress(job))

    def _tell(self, outcome: Outcome) -> None:
        job, result = outcome.job, outcome.result
        if isinstance(result, DuetError):
            self._count(sheet.Line(job, "failed", said=str(result)))
            complain(f"error: {result if _is_common(result, self._jobs) else _named(job, result)}")
            return
        self._count(sheet.Line(job, "done", result.frames, result.seconds, " ".join(result.notes)))
        say(f"{job.audio} -> {job.output} ({result.frames} frames)")
        for note in result.notes:
            complain(f"note: {_named(job, note)}")
        _record(job, result)

    def _count(self, line: sheet.Line) -> None:
        self._tally[line.state] += 1
        if self._options.sheet:
            self._lines.append(line)

    def _write_sheet(self, count: int) -> None:
        path: Path | None = self._options.sheet
        if not path or not self._lines:
            return
        try:
            sheet.write(path, self._lines, self._summary(count))
        except DuetError as error:
            self._tally["failed"] += 1
            complain(f"error: {error}")

    def _summary(self, count: int) -> str:
        left = count - sum(self._tally.values())
        states = [name for name in ("done", "to do", "up to date", "failed") if self._tally[name]]
        parts = [f"{self._tally[name]} {name}" for name in states]
        return ", ".join([*parts, *([f"{left} not tried"] if left > 0 else [])])

    def _clear(self) -> None:
        """Make way for a line."""
        if self._bar:
            self._bar.clear()
        elif sys.stderr.isatty():
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def _record(job: Job, made: Made) -> None:
    try:
        records.write(job, made.model)
    except (DuetError, OSError) as error:  # the output is there, and that is what was asked for
        complain(f"note: '{job.output}' will be made again next time: {error}")


def _named(job: Job, said: object) -> str:
    """What is said of a job, with its recording's name where it has neither that nor its output's."""
    text = str(said)
    return text if str(job.audio) in text or str(job.output) in text else f"'{job.audio}': {text}"


def _is_common(error: DuetError, jobs: list[Job]) -> bool:
    """Whether every other job would fail in the same way."""
    if isinstance(error, RequestError):  # of an engine or a style that is not there, or of one .blend's frame rate
        return len({(job.performance.style, job.base) for job in jobs}) == 1
    return isinstance(error, (CancelledError, WeightsError, StartError))


def _bar(count: int) -> Any:
    """A bar with the rate and what is left; None for one file, away from a terminal, and without tqdm."""
    if count < 2 or not sys.stderr.isatty() or not importlib.util.find_spec("tqdm"):
        return None
    from tqdm import tqdm

    return tqdm(total=count, unit="file", dynamic_ncols=True)


def progress(job: Job) -> Callable[[float, str], None] | None:
    """What shows how far a file is, where stderr is a terminal."""

    def show(fraction: float, stage: str) -> None:
        sys.stderr.write(f"\r\033[K{one_line(job.audio.name)} {fraction:4.0%} {stage}")
        sys.stderr.flush()

    return show if sys.stderr.isatty() else None


def say(text: str) -> None:
    """A line on stdout."""
    print(one_line(text), flush=True)


def complain(text: str) -> None:
    """A line on stderr."""
    print(f"duet: {one_line(text)}", file=sys.stderr, flush=True)
