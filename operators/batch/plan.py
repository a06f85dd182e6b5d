"""The jobs of all that the command line was given: recordings, folders and manifests."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from ...inference.audio.decode import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from . import manifest, sheet
from .jobs import SUFFIXES, Damaged, Entry, Job, UsageError
from .paths import Identity, identity, overwritten

MANIFEST_SUFFIXES = (".csv", ".json")


def plan(options: argparse.Namespace, template: Job) -> list[Entry]:
    """The entries of everything given, in order, all outputs different, none an input; raises UsageError, TableError.

    `options` are the command's `audio`, `output` and `sheet`, absolute, `command` and `format`; `template` has the rest
    of each job.
    """
    entries = _distinct(_entries(options, template))
    jobs = [entry for entry in entries if isinstance(entry, Job)]
    tables = [path for path in options.audio if _is_manifest(path)]
    outputs, pages = [job.output for job in jobs], sheet.files(options.sheet) if options.sheet else []
    found = overwritten([*outputs, *pages], [*tables, *(path for job in jobs for path in job.inputs)])
    if found:
        raise UsageError(f"the output '{found[0]}' would be written over '{found[1]}', which is read: rename one")
    found = overwritten(pages, outputs) if pages else None
    if found:
        raise UsageError(f"'{found[0]}' of the --sheet is an output of the run: rename one")
    return entries


def _entries(options: argparse.Namespace, template: Job) -> list[Entry]:
    given: list[Path] = options.audio
    suffixes = SUFFIXES[options.command]
    if len(given) == 1 and not given[0].is_dir() and not _is_manifest(given[0]):
        if options.output is None:
            raise UsageError("where to? Give -o OUT")
        if options.output.suffix and not options.output.is_dir():
            return [replace(template, audio=given[0], output=_single_output(options, suffixes))]
    if options.output and options.output.suffix.lower() in suffixes and not options.output.is_dir():
        raise UsageError(f"'{options.output}' is one file, but there are several recordings: give a folder")
    suffix = f".{options.format or sorted(suffixes)[-1].removeprefix('.')}"
    entries: list[Entry] = []
    for path in given:
        if _is_manifest(path):
            entries += manifest.read(path, manifest.Defaults(template, options.output, suffix, suffixes))
        elif options.output is None:
            raise UsageError("where to? Give -o FOLDER")
        else:
            for audio in recordings(path):
                entries.append(replace(template, audio=audio, output=options.output / f"{audio.stem}{suffix}"))
    return entries


def _is_manifest(path: Path) -> bool:
    return path.suffix.lower() in MANIFEST_SUFFIXES and not path.is_dir()


def _single_output(options: argparse.Namespace, suffixes: frozenset[str]) -> Path:
    output: Path = options.output
    if output.suffix.lower() not in suffixes:
        raise UsageError(f"'{output}' must end in {' or '.join(sorted(suffixes))}, or be a folder")
    if options.format and output.suffix.lower() != f".{options.format}":
        raise UsageError(f"'{output}' does not end in .{options.format}, the --format")
    return output


def recordings(given: Path) -> list[Path]:
    """The recordings of a folder in order of their names; a file, also one that is missing, is itself.

    Hidden files, such as a Mac's `._line.wav`, are left out, and films beside a recording of the same name.
    """
    if not given.is_dir():
        return [given]
    try:
        files = [path for path in given.iterdir() if not (path.name.startswith(".") or path.is_dir())]
    except OSError as error:
        raise UsageError(f"the folder '{given}' cannot be read ({error.strerror})") from error
    found = [path for path in files if path.suffix.lower() in AUDIO_SUFFIXES]
    heard = {path.stem for path in found}
    found += [path for path in files if path.suffix.lower() in VIDEO_SUFFIXES and path.stem not in heard]
    if not found:
        raise UsageError(f"the folder '{given}' holds no recordings ({', '.join(sorted(AUDIO_SUFFIXES))})")
    return sorted(found, key=lambda path: path.name)  # paths of Windows have another order, and shares must be alike


def _distinct(entries: list[Entry]) -> list[Entry]:
    """The entries without those given twice; raises UsageError where two jobs would write the same file."""
    seen: dict[Identity, Job] = {}
    kept: list[Entry] = []
    for entry in entries:
        if isinstance(entry, Damaged):
            kept.append(entry)
            continue
        other = seen.setdefault(identity(entry.output), entry)
        if other is entry:
            kept.append(entry)
        elif other != entry:
            twins = f"'{other.audio}' and '{entry.audio}' would both become '{entry.output}'"
            raise UsageError(f"{twins}: rename one, or give a table with outputs")
    return kept
