"""What the command line is to do: jobs from recordings, folders and manifests, with everything that can be checked."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..inference.audio_file import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from ..inference.emotion_track import EmotionTrack, parse_track
from ..inference.errors import DuetError, HeadError, RequestError
from ..inference.plain_text import one_line
from ..inference.take import DEFAULT_STYLE, GenerateRequest
from .acting import Acting
from .acting import to_json as acting_to_json
from .paths import Identity, absolute, identity, overwritten

DEFAULT_FPS = 30.0
SUFFIXES = {"bake": frozenset({".blend"}), "generate": frozenset({".npz", ".csv", ".json"})}
MANIFEST_SUFFIX = ".csv"
_NTSC = {round(nominal * 1000 / 1001, 2): nominal * 1000 / 1001 for nominal in (24, 30, 48, 60, 120)}
_MAX_FRAME = 1_000_000  # Blender has little more
_BLEND = re.compile(r"\.blend(?=[/\\]|$)", re.IGNORECASE)


class UsageError(Exception):
    """The command makes no sense as a whole."""


@dataclass(frozen=True)
class Job:
    """One recording, how it is to be animated, and the file that comes of it.

    `fps` None is the base's frame rate, else 30; `track` is a text for `parse_track`; `base` is the .blend to add
    to, `head` the name of the object in it. `start` None is the scene's first frame; `plain` is a tolerance in mm
    where drivers and sliders are not wanted; `keep` sets an action in the way aside instead of layering it. `flame`
    is the FLAME model that a .flame.npz is for; None is the Duet head's own.
    """

    audio: Path
    output: Path
    fps: float | None = None
    track: str = ""
    style: str = DEFAULT_STYLE
    vertices: bool = False
    base: Path | None = None
    head: str = ""
    acting: Acting = field(default_factory=Acting)
    start: int | None = None
    plain: float | None = None
    keep: bool = False
    flame: Path | None = None

    def request(self, fps: float | None = None) -> GenerateRequest:
        """What is asked of the worker; raises RequestError. A track that changes is applied to the take later."""
        track = self.emotions
        emotions = track.steps[0].emotions if track.steps and track.steady else {}
        rate = self.fps if self.fps is not None else fps or DEFAULT_FPS
        articulation = 1.0 if self.is_bake else self.acting.articulation  # of a .blend it can be changed later
        return GenerateRequest(rate, emotions, self.style, articulation, one_line(self.audio), self.vertices)

    @property
    def is_bake(self) -> bool:
        """Whether a .blend is made."""
        return self.output.suffix.lower() == ".blend"

    @property
    def inputs(self) -> list[Path]:
        """The files that the job reads."""
        return [path for path in (self.audio, self.base, self.flame) if path]

    @property
    def emotions(self) -> EmotionTrack:
        """The track; raises RequestError."""
        return parse_track(self.track)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        plain = {key: str(value) if isinstance(value, Path) else value for key, value in vars(self).items()}
        return plain | {"acting": acting_to_json(self.acting)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Job:
        """The job a dict from `to_json` describes."""
        paths = {key: Path(data[key]) for key in ("audio", "output", "base", "flame") if data.get(key)}
        return cls(**{**data, **paths, "acting": Acting(**data["acting"])})


@dataclass(frozen=True)
class Damaged:
    """An entry of a manifest that cannot become a job."""

    error: DuetError


Entry = Job | Damaged


def plan(options: argparse.Namespace, template: Job) -> list[Entry]:
    """The entries of everything given, in order, all outputs different, none an input; raises UsageError, TableError.

    `options` are the command's `audio` and `output`, absolute, `command` and `format`; `template` has the rest of each
    job.
    """
    entries = _distinct(_entries(options, template))
    jobs = [entry for entry in entries if isinstance(entry, Job)]
    tables = [path for path in options.audio if _is_manifest(path)]
    found = overwritten((job.output for job in jobs), [*tables, *(path for job in jobs for path in job.inputs)])
    if found:
        raise UsageError(f"the output '{found[0]}' would be written over '{found[1]}', which is read: rename one")
    return entries


def _entries(options: argparse.Namespace, template: Job) -> list[Entry]:
    from . import manifest

    given: list[Path] = options.audio
    suffixes = SUFFIXES[options.command]
    if len(given) == 1 and not given[0].is_dir() and not _is_manifest(given[0]):
        if options.output is None:
            raise UsageError("where to? Give -o OUT")
        if not options.output.is_dir():
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
    return path.suffix.lower() == MANIFEST_SUFFIX and not path.is_dir()


def _single_output(options: argparse.Namespace, suffixes: frozenset[str]) -> Path:
    output: Path = options.output
    if output.suffix.lower() not in suffixes:
        raise UsageError(f"'{output}' must end in {' or '.join(sorted(suffixes))}, or be a folder that exists")
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
        files = sorted(path for path in given.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise UsageError(f"the folder '{given}' cannot be read ({error.strerror})") from error
    found = [path for path in files if path.suffix.lower() in AUDIO_SUFFIXES]
    heard = {path.stem for path in found}
    found = sorted([*found, *(p for p in files if p.suffix.lower() in VIDEO_SUFFIXES and p.stem not in heard)])
    if not found:
        raise UsageError(f"the folder '{given}' holds no recordings ({', '.join(sorted(AUDIO_SUFFIXES))})")
    return found


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
            raise UsageError(f"'{other.audio}' and '{entry.audio}' would both become '{entry.output}': rename one")
    return kept


def frame_rate(text: str) -> float:
    """Frames per second; 23.976, 29.97 and their like mean 24000/1001, 30000/1001, ...; raises RequestError."""
    try:
        value = float(Fraction(text))
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise RequestError(f"'{text}' is not a frame rate, such as 25 or 23.976.") from error
    return _NTSC.get(round(value, 2), value)


def start_frame(text: str) -> int:
    """A whole frame of the scene; raises RequestError."""
    try:
        value = int(text)
    except ValueError:
        value = _MAX_FRAME + 1
    if abs(value) > _MAX_FRAME:
        raise RequestError(f"'{text}' is not a frame.", "Give a whole number, such as 1001.")
    return value


def place_of_head(text: str, folder: Path | None, base: Path | None) -> tuple[Path | None, str]:
    """(file, object) of `set.blend`, `set.blend/Ada` or, where a base is open already, `Ada`; raises HeadError.

    A path that is not absolute starts at `folder` (None: the current one); an empty object means the file's only head.
    """
    if not text:
        return base, ""
    ends = [match.end() for match in _BLEND.finditer(text)]
    if ends:  # the first that is a file; names of objects may have slashes, and folders end in .blend
        end = next((end for end in ends if absolute(Path(text[:end]), folder).is_file()), ends[-1])
        return absolute(Path(text[:end]), folder), text[end + 1 :]
    if base is None:
        message = f"The head '{text}' is an object's name, but no file is given that holds it."
        raise HeadError(message, f"Write 'FILE.blend/{text}', or start with `blender -b FILE.blend -c duet bake`.")
    return base, text
