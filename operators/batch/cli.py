"""The command `duet`, in the environment and as `blender -b [FILE] -c duet`: recordings in, takes or .blend files out.

Results are lines on stdout, errors lines on stderr; progress shows on stderr where that is a terminal.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ...inference.errors import DuetError, RequestError
from ...inference.plain_text import one_line
from . import cast_command, export_command, farm, live_command, paths, records, server, sheet, work
from .jobs import (
    DEFAULT_FPS,
    Entry,
    Job,
    UsageError,
    frame_rate,
    place_of_head,
    start_frame,
)
from .options import add_options, performance_of, single_emotions
from .plan import MANIFEST_SUFFIXES, plan
from .runner import FLAME

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
_MAX_JOBS = 256
_LEAST_MM, _MOST_MM = 0.001, 2.0  # as in the sidebar


def main(argv: Sequence[str] | None = None, base: Path | None = None) -> int:
    """Run the command and return its exit code: 0 all done, 1 some failed, 2 bad usage, 130 interrupted.

    `argv` are the arguments after the command's name (None: the process's own); `base` is the .blend file that
    `bake` adds to, which Blender's own command line gives.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv[:1] == [server.COMMAND]:  # a process of --jobs
        return server.main(argv[1:])
    if argv[:1] == [live_command.COMMAND]:  # its options are known where it runs
        return live_command.main(argv[1:])
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may not fit the terminal's encoding
    parser = _parser()
    try:
        options = parser.parse_args(single_emotions(argv))
        options.argv, options.opened = argv, base
        try:
            paths.forget()
            _make_absolute(options)
            due = _planned(options, base)
        except (UsageError, DuetError) as error:
            parser.error(one_line(error))
        except OSError as error:  # a name that the system refuses
            parser.error(one_line(f"'{error.filename}': {error.strerror}"))
    except SystemExit as exit_:  # Blender would end with it
        return exit_.code if isinstance(exit_.code, int) else EXIT_USAGE
    with contextlib.suppress(ValueError):  # in a thread of another program, which has the signals
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # of `timeout` and of farms' managers: as Ctrl-C
    try:
        return EXIT_FAILED if due() else EXIT_DONE
    except KeyboardInterrupt:
        work.complain("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # whoever read what is printed has ended, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        work.complain("interrupted: what is printed goes nowhere")
        return EXIT_INTERRUPTED


def _planned(options: argparse.Namespace, base: Path | None) -> Callable[[], int]:
    """What is to be done, which returns 0 where nothing failed; raises UsageError or DuetError."""
    if options.command == "export":
        return partial(export_command.run, options, export_command.plan(options, base))
    if getattr(options, "scene", None) is not None and not options.into:
        raise UsageError("--scene is for --into")
    if options.into:
        return partial(cast_command.run, options, cast_command.plan(options, base))
    return partial(work.run, options, _plan(options, base))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="duet", description="A recording becomes a talking, feeling face.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    generate = commands.add_parser("generate", help="write blendshape weights and ARKit coefficients")
    _add_files(generate, ".npz, .flame.npz for Gaussian avatars, .json of ARKit weights, or .csv of Live Link Face")
    generate.add_argument("--vertices", action="store_true", help="also write the face's vertices, in metres (.npz)")
    generate.add_argument("--format", choices=("npz", "csv", "json"), help="for an output folder (default: npz)")
    generate.add_argument(
        "--flame",
        type=paths.given,
        metavar="MODEL",
        help="your FLAME model, for .flame.npz (default: the Duet head's own)",
    )
    generate.set_defaults(into=None, head="", start_frame=None, plain=None, existing="layer")
    bake = commands.add_parser("bake", help="write a .blend with the animated head and the sound")
    _add_files(bake, ".blend")
    _add_scene(bake)
    bake.add_argument(
        "--plain", type=_tolerance, metavar="MM", help="plain keys, no drivers, thinned: no vertex moves more than MM"
    )
    bake.add_argument("--into", type=paths.given, metavar="OUT", help=cast_command.HELP)
    bake.add_argument("--scene", metavar="NAME", help=cast_command.SCENE_HELP)
    bake.set_defaults(vertices=False, format="blend", flame=None)
    preview = commands.add_parser("preview", help="write a small video of the head with the sound")
    _add_files(preview, ".mp4")
    _add_scene(preview)
    preview.set_defaults(into=None, vertices=False, format="mp4", flame=None, plain=None)
    for command in (generate, bake, preview):
        _add_rate(command)
        add_options(command)
        _add_work(command)
    export = commands.add_parser("export", help="write what the head of a .blend does, for another program")
    export_command.add_options(export)
    commands.add_parser(live_command.COMMAND, help="a face while it is spoken: `duet live --help`")
    return parser


def _add_files(parser: argparse.ArgumentParser, outputs: str) -> None:
    sources = f"recordings, folders of recordings, or manifests ({', '.join(MANIFEST_SUFFIXES)})"
    parser.add_argument("audio", nargs="+", type=paths.given, metavar="AUDIO", help=sources)
    where = f"{outputs}; a folder for several recordings"
    parser.add_argument("-o", "--output", type=paths.given, metavar="OUT", help=where)


def _add_scene(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--head", default="", metavar="HEAD", help="FILE.blend, FILE.blend/OBJECT or an open file's OBJECT"
    )
    parser.add_argument(
        "--start-frame", type=_frame, metavar="FRAME", help="where the recording begins (scene's start)"
    )
    parser.add_argument(
        "--existing",
        choices=("layer", "keep"),
        default="layer",
        help="an action that the head plays: layer it under the speech (default), or only keep it in the file",
    )


def _add_rate(parser: argparse.ArgumentParser) -> None:
    rates = f"frames per second: 30, 23.976, 24000/1001, ... (default: the file's, else {DEFAULT_FPS:g})"
    parser.add_argument("--fps", type=_frame_rate, help=rates)


def _add_work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", choices=("auto", "numpy", "torch"), default="auto", help="default: auto")
    parser.add_argument("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto", help="for torch")
    parser.add_argument("--jobs", type=_count, default=1, metavar="N", help="files at the same time (default: 1)")
    shares = "the I-th of N equal shares of the files: one machine of N is given each"
    parser.add_argument("--shard", type=_shard, default=(1, 1), metavar="I/N", help=shares)
    where = f"a Dask scheduler's address, or '{farm.LOCAL}' for a cluster of processes here (default: none)"
    parser.add_argument("--scheduler", metavar="ADDRESS", help=where)
    pictures = "a contact sheet: a picture of each file's loudest vowel; beside it the same as a table, .csv"
    parser.add_argument("--sheet", type=paths.given, metavar="FILE.html", help=pictures)
    parser.add_argument("--force", action="store_true", help="also make what is up to date")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")


def _make_absolute(options: argparse.Namespace) -> None:
    """All paths of the options from the root; raises RequestError."""
    for name in ("audio", "files"):
        if hasattr(options, name):
            setattr(options, name, [paths.absolute(path) for path in getattr(options, name)])
    for name in ("output", "flame", "into", "sheet"):
        if getattr(options, name, None):
            setattr(options, name, paths.absolute(getattr(options, name)))


def _frame_rate(text: str) -> float:
    try:
        return frame_rate(text)
    except RequestError as error:
        raise argparse.ArgumentTypeError(error.message) from None


def _frame(text: str) -> int:
    try:
        return start_frame(text)
    except RequestError as error:
        raise argparse.ArgumentTypeError(error.message) from None


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not _LEAST_MM <= value <= _MOST_MM:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of mm from {_LEAST_MM:g} to {_MOST_MM:g}")
    return value


def _shard(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"'{text}' is not I/N, such as 1/4")
    return int(part), int(parts)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MAX_JOBS:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 1 to {_MAX_JOBS}")
    return int(text)


def _plan(options: argparse.Namespace, base: Path | None) -> list[Entry]:
    """What to do, checked as far as it can be; raises UsageError or a DuetError that concerns the whole."""
    base, head = place_of_head(options.head, None, None if options.command == "generate" else base)
    template = Job(
        audio=Path(),
        output=Path(),
        fps=options.fps,
        performance=performance_of(options),
        vertices=options.vertices,
        base=base,
        head=head,
        start=options.start_frame,
        plain=options.plain,
        keep=options.existing == "keep",
        flame=options.flame,
    )
    template.request()  # raises RequestError
    entries = plan(options, template)
    if options.vertices and any(isinstance(e, Job) and e.output.suffix.lower() != ".npz" for e in entries):
        raise UsageError("only .npz has a place for --vertices")
    if options.flame and any(isinstance(e, Job) and not e.output.name.lower().endswith(FLAME) for e in entries):
        raise UsageError(f"--flame is for outputs that end in {FLAME}")
    if options.sheet:
        if options.sheet.suffix.lower() != sheet.SUFFIX:
            raise UsageError(f"--sheet '{options.sheet}' must end in {sheet.SUFFIX}")
        entries = [replace(e, picture=records.picture_path(e.output)) if isinstance(e, Job) else e for e in entries]
    part, parts = options.shard
    return entries[part - 1 :: parts]  # of a list that is the same on every machine


if __name__ == "__main__":
    sys.exit(main())
