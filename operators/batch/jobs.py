"""A job of the command line: one recording, all that is asked of it, and the file that it becomes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ...inference.errors import DuetError, HeadError, RequestError
from ...inference.performance.performance import Performance
from ...inference.performance.spelling import text_beside
from ...inference.plain_text import one_line
from ...inference.take import GenerateRequest
from .paths import absolute

DEFAULT_FPS = 30.0
SUFFIXES = {
    "bake": frozenset({".blend"}),
    "preview": frozenset({".mp4"}),
    "generate": frozenset({".npz", ".csv", ".json"}),
}
_NTSC = {round(nominal * 1000 / 1001, 2): nominal * 1000 / 1001 for nominal in (24, 30, 48, 60, 120)}
_MAX_FRAME = 1_000_000  # Blender has little more
_BLEND = re.compile(r"\.blend(?=[/\\]|$)", re.IGNORECASE)


class UsageError(Exception):
    """The command makes no sense as a whole."""


@dataclass(frozen=True)
class Job:
    """One recording, how it is performed, and the file that comes of it.

    `fps` None is the base's frame rate, else 30; `base` is the .blend to add to, `head` the name of the object in it.
    `start` None is the scene's first frame; `plain` is a tolerance in mm where drivers and sliders are not wanted;
    `keep` sets an action in the way aside instead of layering it. `flame` is the FLAME model that a .flame.npz is for;
    None is the Duet head's own. `picture` is where a small one of its loudest vowel goes, for a contact sheet.
    """

    audio: Path
    output: Path
    fps: float | None = None
    performance: Performance = field(default_factory=Performance)
    vertices: bool = False
    base: Path | None = None
    head: str = ""
    start: int | None = None
    plain: float | None = None
    keep: bool = False
    flame: Path | None = None
    picture: Path | None = None

    def request(self, fps: float | None = None) -> GenerateRequest:
        """What is asked of the worker; raises RequestError."""
        rate = self.fps if self.fps is not None else fps or DEFAULT_FPS
        return GenerateRequest(rate, self.performance.style, one_line(self.audio))

    @property
    def is_bake(self) -> bool:
        """Whether Blender is needed: for a .blend, or a video of it."""
        return self.output.suffix.lower() in SUFFIXES["bake"] | SUFFIXES["preview"]

    @property
    def inputs(self) -> list[Path]:
        """The files that the job reads."""
        written = (
            [] if self.performance.text else [path for path in (self.audio.with_suffix(".txt"),) if path.is_file()]
        )
        return [*(path for path in (self.audio, self.base, self.flame) if path), *written]

    @property
    def spoken(self) -> Performance:
        """How it is performed, with the text that stands beside the recording where none is given."""
        own = self.performance
        return own if own.text else replace(own, text=text_beside(self.audio))

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        plain = {key: str(value) if isinstance(value, Path) else value for key, value in vars(self).items()}
        return plain | {"performance": self.performance.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Job:
        """The job a dict from `to_json` describes."""
        paths = {key: Path(data[key]) for key in ("audio", "output", "base", "flame", "picture") if data.get(key)}
        return cls(**{**data, **paths, "performance": Performance.from_json(data["performance"])})


@dataclass(frozen=True)
class Damaged:
    """An entry of a manifest that cannot become a job."""

    error: DuetError


Entry = Job | Damaged


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
    Where a base is open, a name that goes on after .blend, and is no file's, is an object's.
    """
    if not text:
        return base, ""
    ends = [match.end() for match in _BLEND.finditer(text)]
    files = [end for end in ends if absolute(Path(text[:end]), folder).is_file()]
    if files or (
        ends and (base is None or ends[-1] == len(text))
    ):  # names of objects may have slashes and end in .blend, as folders may
        end = files[0] if files else ends[-1]
        return absolute(Path(text[:end]), folder), text[end + 1 :]
    if base is None:
        message = f"The head '{text}' is an object's name, but no file is given that holds it."
        raise HeadError(message, f"Write 'FILE.blend/{text}', or start with `blender -b FILE.blend -c duet bake`.")
    return base, text
