"""How a take is performed, as registered properties have it: read as a Performance, given, copied, paused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from ...inference.arrays import Floats
from ...inference.performance.marks import marks_text, parse_marks
from ...inference.performance.performance import Performance
from ...inference.performance.timeline import INTENSITY, Cue
from ...inference.take import EMOTIONS
from ..blender.loose import Group
from .styles import KNOWN

# Names as files have them: a switch has its setting's, its amount another.
AMOUNTS = {
    "blinks": "blink_amount",
    "brows": "brow_amount",
    "eyes": "eye_amount",
    "head_motion": "head_amount",
    "breaths": "breath_amount",
}
_AMOUNTS = ("articulation", "lips", "upper_face", "smoothing", "offset", "open_in_silence", "mix_limit", "effort")
_PLAIN = ("style", *_AMOUNTS, "mirror", "text", "seed")
_EMOTION = ("emotion", "intensity")
_ALL = (*_PLAIN, "marks", *_EMOTION, *AMOUNTS, *AMOUNTS.values())
_CUE = ("seconds", "emotion", "intensity", "ease")

_paused = 0


@dataclass(frozen=True)
class Order:
    """All that a .blend is made with: the performance, first frame (None: the scene's), and more.

    `loudness` is the envelope of what is spoken; `layer` keeps an action in the way playing under the speech; `plain`
    is a tolerance in mm where plain keys are wanted.
    """

    performance: Performance
    start: int | None = None
    loudness: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    layer: bool = True
    plain: float | None = None


@contextmanager
def paused() -> Iterator[None]:
    """Settings change in the block without a curve being written."""
    global _paused
    _paused += 1
    try:
        yield
    finally:
        _paused -= 1


def acting() -> bool:
    """Whether a changed setting is to change curves."""
    return not _paused


def copy(source: Group, target: Group) -> None:
    """Give `target` the performance of `source`; no curve is written."""
    with paused():
        for name in _ALL:
            setattr(target, name, getattr(source, name))
        target.cues.clear()
        for cue in source.cues:
            new = target.cues.add()
            for name in _CUE:
                setattr(new, name, getattr(cue, name))


def performance_of(group: Group) -> Performance:
    """The performance that a group describes: amounts of life are 0 where switched off; raises RequestError."""
    amounts = {name: getattr(group, name) * getattr(group, amount) for name, amount in AMOUNTS.items()}
    plain = {name: getattr(group, name) for name in _PLAIN} | {"mirror": int(group.mirror)}
    return Performance(**plain, **amounts, marks=parse_marks(group.marks), emotions=tuple(cues_of(group)))


def choose(group: Group, performance: Performance) -> None:
    """Give a group this performance; no curve is written. Its emotion at second 0 becomes the feeling, others rows."""
    with paused():
        for name in _PLAIN:
            if name != "style" or performance.style in KNOWN:
                setattr(group, name, getattr(performance, name))
        group.marks = marks_text(performance.marks)
        for name, amount in AMOUNTS.items():
            value = getattr(performance, name)
            setattr(group, name, value > 0)
            if value:
                setattr(group, amount, value)
        _choose_cues(group, performance.emotions, performance.transition)


def _choose_cues(group: Group, cues: Sequence[Cue], transition: float) -> None:
    group.cues.clear()
    group.emotion = EMOTIONS[0]
    for cue in cues:
        felt = sorted(cue.emotions.items(), key=lambda item: -item[1]) or [(EMOTIONS[0], INTENSITY.default)]
        if cue.seconds <= 0:
            group.emotion, group.intensity = felt.pop(0)
        for emotion, intensity in felt:
            row = group.cues.add()
            row.seconds, row.emotion, row.intensity = max(0.0, cue.seconds), emotion, intensity
            row.ease = transition if cue.ease is None else cue.ease


def cues_of(group: Group) -> list[Cue]:
    """The feeling from the start and the timed ones after it."""
    return [
        Cue(0.0, _mix(group.emotion, group.intensity)),
        *(Cue(cue.seconds, _mix(cue.emotion, cue.intensity), cue.ease) for cue in group.cues),
    ]


def _mix(emotion: str, intensity: float) -> dict[str, float]:
    return {} if emotion == EMOTIONS[0] else {emotion: intensity}
