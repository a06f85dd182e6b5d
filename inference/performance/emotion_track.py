"""Emotions over time: "sad from 2.0 s, angry from 5.5 s" as text, and as eased curves at any frame rate."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RequestError
from ..head.library import require_emotion
from ..take import EMOTIONS, Floats

DEFAULT_INTENSITY = 0.7  # where none is given; the sidebar's default
MAX_INTENSITY = 1.5
EASE = 0.5  # seconds from one step's feeling to the next one's
_REMEDY = "Write steps such as 'happy=0.6;sad@2.0;angry=0.8+disgusted=0.3@5.5;neutral@8'."


@dataclass(frozen=True)
class EmotionStep:
    """From `seconds` of the recording on, the face turns to these intensities (0 to 1.5); what is not named goes."""

    seconds: float
    emotions: dict[str, float]

    def values(self, names: tuple[str, ...]) -> NDArray[np.float64]:
        """The intensities of the named emotions, (E,)."""
        return np.array([self.emotions.get(name, 0.0) for name in names])


@dataclass(frozen=True)
class EmotionTrack:
    """Steps in order of time."""

    steps: tuple[EmotionStep, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The emotions that are felt at some time."""
        return tuple(dict.fromkeys(name for step in self.steps for name in step.emotions))

    @property
    def steady(self) -> bool:
        """Whether one mix holds from the first frame to the last."""
        return all(step.seconds <= 0 for step in self.steps)

    def curves(self, frames: int, fps: float, names: tuple[str, ...] = EMOTIONS, ease: float = EASE) -> Floats:
        """The sliders (frames, E) at t / fps seconds: neutral before the first step, then smoothstep over `ease` s.

        A step that comes while the one before still eases starts from where the face is then. A step at second 0
        holds from the first frame.
        """
        seconds = np.arange(frames) / fps
        value = np.zeros((frames, len(names)))
        before = np.zeros(len(names))
        for step, following in itertools.zip_longest(self.steps, self.steps[1:]):
            target, length = step.values(names), ease if step.seconds > 0 else 0.0
            since = seconds - step.seconds
            value = np.where(since[:, None] >= -1e-9, before + (target - before) * _eased(since, length), value)
            if following:
                before = before + (target - before) * _eased(np.array([following.seconds - step.seconds]), length)[0]
        return value.astype(np.float32)


def parse_track(text: str) -> EmotionTrack:
    """The track that a text describes, such as `happy=0.6;sad@2.0;angry=0.8+disgusted=0.3@5.5`.

    Steps are parted by `;`, mixed emotions by `+`, an intensity follows `=` (0.7 where missing) and the second at
    which the step begins follows `@` (0 where missing). Raises RequestError naming the step.
    """
    parts = [part.strip() for part in text.split(";")]
    steps = [_step(part) for part in parts if part]
    seconds = [step.seconds for step in steps]
    if sorted(set(seconds)) != seconds:
        raise RequestError(f"The steps of '{text}' are not in order of time.", _REMEDY)
    return EmotionTrack(tuple(steps))


def _step(text: str) -> EmotionStep:
    mix, at, moment = text.partition("@")
    seconds = _number(moment, text) if at else 0.0
    if seconds < 0:
        raise RequestError(f"'{text}' begins before the recording.", _REMEDY)
    emotions: dict[str, float] = {}
    for part in mix.split("+"):
        name, given, value = (piece.strip() for piece in part.partition("="))
        require_emotion(name)
        emotions[name] = _number(value, text) if given else DEFAULT_INTENSITY
        if not 0.0 <= emotions[name] <= MAX_INTENSITY:
            raise RequestError(f"The intensity in '{text}' is {emotions[name]:g}.", "Give a number from 0 to 1.5.")
    return EmotionStep(seconds, emotions)


def _number(text: str, step: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RequestError(f"'{text.strip()}' in '{step}' is not a number.", _REMEDY)
    return value


def _eased(since: NDArray[np.float64], length: float) -> NDArray[np.float64]:
    """Smoothstep (N, 1) from 0 to 1 over `length` seconds; at once where that is 0."""
    x = np.clip(since / length, 0.0, 1.0) if length else (since >= 0).astype(float)
    return np.asarray(x * x * (3 - 2 * x))[:, None]
