"""`duet export`: .blend files in, files for other programs out."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...inference import c_stdout
from ...inference.errors import DuetError
from .jobs import UsageError
from .paths import given, identity, overwritten
from .runner import unforeseen
from .work import complain, say

FORMATS = ("glb", "gltf", "usdc", "usda", "usd", "abc", "csv", "json", "npz")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("files", nargs="*", type=given, metavar="FILE.blend", help="in Blender, the open file if none")
    suffixes = ", ".join(f".{name}" for name in FORMATS)
    parser.add_argument("-o", "--output", type=given, required=True, metavar="OUT", help=f"{suffixes}; or a folder")
    parser.add_argument("--head", default="", metavar="OBJECT", help="which head, where a file has several")
    parser.add_argument("--format", choices=FORMATS, default="glb", help="for an output folder (default: glb)")
    parser.add_argument("--scene", action="store_true", help="the scene's frames, not only the performance's")


def plan(options: argparse.Namespace, base: Path | None) -> list[tuple[Path, Path]]:
    """(file, output) of each, from absolute paths; raises UsageError."""
    pairs = _pairs(options, base)
    if len({identity(made) for _, made in pairs}) != len(pairs):
        raise UsageError("two of the .blend files have the same name: rename one")
    found = overwritten((made for _, made in pairs), (file for file, _ in pairs))
    if found:
        raise UsageError(f"the output '{found[0]}' would be written over '{found[1]}', which is read: rename one")
    return pairs


def _pairs(options: argparse.Namespace, base: Path | None) -> list[tuple[Path, Path]]:
    files: list[Path] = options.files or ([base] if base else [])
    output: Path = options.output
    if not files:
        raise UsageError("what from? Give FILE.blend")
    if len(files) == 1 and output.suffix and not output.is_dir():
        if output.suffix.lower().removeprefix(".") not in FORMATS:
            raise UsageError(f"'{output}' must end in {', '.join(FORMATS)}, or be a folder")
        return [(files[0], output)]
    if output.suffix.lower().removeprefix(".") in FORMATS and not output.is_dir():
        raise UsageError(f"'{output}' is one file, but there are several .blend files: give a folder")
    return [(file, output / f"{file.stem}.{options.format}") for file in files]


def run(options: argparse.Namespace, pairs: list[tuple[Path, Path]]) -> int:
    """Write each file; a line for each on stdout or stderr; return how many failed. Raises KeyboardInterrupt."""
    failed = 0
    for file, output in pairs:
        try:
            with c_stdout.sent_to(2):  # Blender prints there as it starts, and so do its exporters
                from ...scene.exports.export_files import export_file

                span, notes = export_file(file, options.head, output, options.scene)
        except Exception as error:  # of one file alone, whatever it is
            failed += 1
            known = error if isinstance(error, DuetError) else unforeseen(file, error)
            complain(f"error: {known}")
        else:
            say(f"{file} -> {output} (frames {span.start} to {span.end})")
            for note in notes:
                complain(f"note: {note}")
    if len(pairs) > 1:
        print(f"{len(pairs) - failed} done" + (f", {failed} failed" if failed else ""), flush=True)
    return failed
