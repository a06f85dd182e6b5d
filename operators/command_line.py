"""The command `duet`, in the environment and as `blender -b [FILE] -c duet`: recordings in, takes or .blend files out.

Results are lines on stdout, errors lines on stderr; progress shows on stderr where that is a terminal.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib.util
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from ..inference.audio_file import AUDIO_SUFFIXES, load_audio
from ..inference.client import WorkerClient, worker_command
from ..inference.errors import AudioError, CancelledError, DuetError, RequestError, WeightsError
from ..inference.exports import prepare_output, write_npz
from ..inference.livelink import write_livelink_csv
from ..inference.take import EMOTIONS, Floats, GenerateRequest, Take

ROOT = Path(__file__).resolve().parent.parent
EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
_NTSC = {round(nominal * 1000 / 1001, 2): nominal * 1000 / 1001 for nominal in (24, 30, 48, 60, 120)}


@dataclass(frozen=True)
class Job:
    """One recording and the file that comes of it."""

    audio: Path
    output: Path


class _UsageError(Exception):
    """The command makes no sense as a whole."""


def main(argv: Sequence[str] | None = None, base: Path | None = None) -> int:
    """Run the command and return its exit code: 0 all done, 1 some failed, 2 bad usage, 130 interrupted.

    `argv` are the arguments after the command's name (None: the process's own); `base` is the .blend file that
    `bake` adds to, which Blender's own command line gives.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may not fit the terminal's encoding
    parser = _parser()
    try:
        options = parser.parse_args(_single_emotions(sys.argv[1:] if argv is None else argv))
        try:
            request = _request(options)
            jobs = _plan(options)
            if options.vertices and jobs[0].output.suffix.lower() == ".csv":
                raise _UsageError("a .csv has no place for --vertices: write .npz")
        except (_UsageError, RequestError) as error:
            parser.error(str(error))
    except SystemExit as exit_:  # Blender would end with it
        return exit_.code if isinstance(exit_.code, int) else EXIT_USAGE
    return _run(options, request, jobs, _writer(options, base))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="duet", description="A recording becomes a talking, feeling face.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    generate = commands.add_parser("generate", help="write blendshape weights and ARKit coefficients (.npz, .csv)")
    _add_options(generate)
    generate.add_argument("--vertices", action="store_true", help="also write the face's vertices, in metres (.npz)")
    generate.add_argument("--format", choices=("npz", "csv"), help="for an output folder (default: npz)")
    bake = commands.add_parser("bake", help="write a .blend with the animated head and the sound")
    _add_options(bake)
    bake.set_defaults(vertices=False, format="blend")
    return parser


def _add_options(parser: argparse.ArgumentParser) -> None:
    suffix = ".blend" if parser.prog.endswith("bake") else ".npz, or .csv as Live Link Face writes it"
    parser.add_argument("audio", nargs="+", type=Path, metavar="AUDIO", help="recordings, or folders of recordings")
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="OUT", help=f"{suffix}; a folder for several recordings"
    )
    parser.add_argument(
        "--emotion",
        action="append",
        default=[],
        type=_emotion,
        metavar="NAME=NUMBER",
        help=f"0 is off, 1 strong but natural, 1.5 the most; several may follow; names: {', '.join(EMOTIONS)}",
    )
    parser.add_argument("--fps", type=_frame_rate, default=30.0, help="frames per second: 30, 23.976, 24000/1001, ...")
    parser.add_argument("--style", default="captured", help="speaking style (default: captured)")
    parser.add_argument("--engine", choices=("auto", "numpy", "torch"), default="auto", help="default: auto")
    parser.add_argument("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto", help="for torch")


def _single_emotions(argv: Sequence[str]) -> list[str]:
    """`--emotion happy=0.8 sad=0.2 line.wav` with one `--emotion` for each, so that recordings may follow."""
    result: list[str] = []
    listing = False
    for text in argv:
        is_emotion = re.fullmatch(r"[A-Za-z]+=[^/\\]*", text) is not None
        if listing and is_emotion and result[-1] != "--emotion":
            result.append("--emotion")
        listing = text == "--emotion" or (listing and is_emotion)
        result.append(text)
    return result


def _emotion(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=NUMBER, such as happy=0.8") from None


def _frame_rate(text: str) -> float:
    """Frames per second; 23.976, 29.97 and their like mean 24000/1001, 30000/1001, ..."""
    try:
        value = float(Fraction(text))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise argparse.ArgumentTypeError(f"'{text}' is not a frame rate, such as 25 or 23.976") from None
    return _NTSC.get(round(value, 2), value)


def _request(options: argparse.Namespace) -> GenerateRequest:
    """The request of every job, checked; raises RequestError."""
    return GenerateRequest(
        fps=options.fps, emotions=dict(options.emotion), style=options.style, vertices=options.vertices
    )


def _plan(options: argparse.Namespace) -> list[Job]:
    """One job for each recording; raises _UsageError where outputs are not clear."""
    recordings = [path for given in options.audio for path in _recordings(given)]
    suffixes = {".blend"} if options.command == "bake" else {".npz", ".csv"}
    single = len(options.audio) == 1 and not options.audio[0].is_dir()
    output: Path = options.output
    if single and not output.is_dir():
        return [Job(recordings[0], _single_output(output, suffixes, options))]
    if output.suffix.lower() in suffixes and not output.is_dir():
        raise _UsageError(f"'{output}' is one file, but there are several recordings: give a folder")
    suffix = f".{options.format or 'npz'}"
    jobs = [Job(path, output / f"{path.stem}{suffix}") for path in recordings]
    seen: dict[Path, Path] = {}
    for job in jobs:
        other = seen.setdefault(job.output, job.audio)
        if other != job.audio:
            raise _UsageError(f"'{other}' and '{job.audio}' would both become '{job.output}': rename one")
    return [Job(audio, written) for written, audio in seen.items()]


def _single_output(output: Path, suffixes: set[str], options: argparse.Namespace) -> Path:
    if output.suffix.lower() not in suffixes:
        raise _UsageError(f"'{output}' must end in {' or '.join(sorted(suffixes))}, or be a folder that exists")
    if options.format and output.suffix.lower() != f".{options.format}":
        raise _UsageError(f"'{output}' does not end in .{options.format}, the --format")
    return output


def _recordings(given: Path) -> list[Path]:
    """The recordings of a folder in order of their names; a file, also one that is missing, is itself."""
    if not given.is_dir():
        return [given]
    try:
        found = sorted(path for path in given.iterdir() if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file())
    except OSError as error:
        raise _UsageError(f"the folder '{given}' cannot be read ({error.strerror})") from error
    if not found:
        raise _UsageError(f"the folder '{given}' holds no recordings ({', '.join(sorted(AUDIO_SUFFIXES))})")
    return found


Writer = Callable[[Job, Take], None]


def _writer(options: argparse.Namespace, base: Path | None) -> Writer:
    """The function that writes a job's take, by what was asked for."""

    def write(job: Job, take: Take) -> None:
        if options.command == "bake":
            from ..scene import bake_file

            with _stdout_as_stderr():  # Blender prints there what it saves
                bake_file(job.audio, take, job.output, base)
        elif job.output.suffix.lower() == ".csv":
            write_livelink_csv(job.output, take)
        else:
            write_npz(job.output, take)

    return write


@contextlib.contextmanager
def _stdout_as_stderr() -> Iterator[None]:
    """Send what C code prints to stderr, so that stdout keeps to one line for each file."""
    library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    sys.stdout.flush()
    library.fflush(None)
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        library.fflush(None)
        os.dup2(stdout, 1)
        os.close(stdout)


def _run(options: argparse.Namespace, request: GenerateRequest, jobs: list[Job], write: Writer) -> int:
    """Work the jobs off with one worker; a failed one does not stop the rest, unless no job could do better."""
    client = WorkerClient(*worker_command(ROOT, engine=options.engine, device=options.device))
    failed = 0
    try:
        for job in jobs:
            try:
                take = _work(client, job, request)
                write(job, take)
            except DuetError as error:
                failed += 1
                _complain(f"error: {error}")
                if isinstance(error, (CancelledError, WeightsError)):
                    break
            else:
                print(f"{job.audio} -> {job.output} ({take.frame_count} frames)", flush=True)
    except KeyboardInterrupt:
        _complain("interrupted")
        return EXIT_INTERRUPTED
    finally:
        client.close()
    return EXIT_FAILED if failed else EXIT_DONE


def _work(client: WorkerClient, job: Job, request: GenerateRequest) -> Take:
    prepare_output(job.output)  # before the work, so that none is lost
    samples = _load(job.audio)
    request = replace(request, audio=str(job.audio))
    shows = sys.stderr.isatty()
    try:
        return client.run(request, samples, _progress(job.audio.name) if shows else None)
    finally:
        if shows:
            sys.stderr.write("\r\033[K")


def _load(path: Path) -> Floats:
    """The recording, decoded by libsndfile, or by Blender where that is not installed."""
    if importlib.util.find_spec("soundfile"):
        return load_audio(path)
    if not importlib.util.find_spec("bpy"):
        raise AudioError(f"'{path}' cannot be decoded: soundfile is not installed.", "Run `make setup`.")
    from ..scene import sound

    return sound.decode(path)


def _progress(name: str) -> Callable[[float, str], None]:
    def show(fraction: float, stage: str) -> None:
        sys.stderr.write(f"\r\033[K{name} {fraction:4.0%} {stage}")
        sys.stderr.flush()

    return show


def _complain(text: str) -> None:
    print(f"duet: {text}", file=sys.stderr, flush=True)
