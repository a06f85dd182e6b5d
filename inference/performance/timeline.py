"""Emotions over time: "sad from 2.0 s, angry from 5.5 s" as text, and as few eased keys for sliders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..errors import RequestError
from ..head.library import require_emotion
from ..numeric import smoothstep
from ..take import MAX_INTENSITY, MIX_LIMIT, within_limit
from .settings import Setting, number

TRANSITION = 0.5  # seconds
INTENSITY = Setting(
    "intensity",
    default=0.7,
    **number(
        "Intensity",
        0.0,
        MAX_INTENSITY,
        "how strong an emotion is: 0 is not at all, 1 is strong but natural, 1.5 is theatre",
        usual=(0.0, 1.0),
    ),
)
_REMEDY = "Write steps such as 'happy=0.6;sad@2.0;angry=0.8+disgusted=0.3@5.5;neutral@8'."

# What faces show more often than one pure emotion; intensities of the sliders.
PRESETS: dict[str, dict[str, float]] = {
    "Neutral": {},
    "Friendly": {"happy": 0.45},
    "Delighted": {"happy": 0.9, "surprised": 0.35},
    "Bittersweet": {"happy": 0.35, "sad": 0.55},
    "Worried": {"afraid": 0.4, "sad": 0.35},
    "Terrified": {"afraid": 1.0, "surprised": 0.3},
    "Irritated": {"angry": 0.45, "disgusted": 0.2},
    "Furious": {"angry": 1.1, "disgusted": 0.3},
    "Grieving": {"sad": 1.1, "afraid": 0.15},
    "Sceptical": {"contempt": 0.5, "surprised": 0.25},
    "Smug": {"contempt": 0.6, "happy": 0.35},
    "Appalled": {"disgusted": 0.7, "surprised": 0.45},
}


@dataclass(frozen=True)
class Cue:
    """From `seconds` on the face turns to `emotions` (intensities 0 to 1.5; others go) within `ease` seconds.

    `ease` None is the performance's transition.
    """

    seconds: float
    emotions: dict[str, float] = field(default_factory=dict)
    ease: float | None = None


def parse_track(text: str) -> tuple[Cue, ...]:
    """The cues that a text describes, such as `happy=0.6;sad@2.0;angry=0.8+disgusted=0.3@5.5`.

    Steps are parted by `;`, mixed emotions by `+`, an intensity follows `=` (0.7 where missing) and the second at
    which the step begins follows `@` (0 where missing). Raises RequestError naming the step.
    """
    parts = [part.strip() for part in text.split(";")]
    cues = [_step(part) for part in parts if part]
    seconds = [cue.seconds for cue in cues]
    if sorted(set(seconds)) != seconds:
        raise RequestError(f"The steps of '{text}' are not in order of time.", _REMEDY)
    return tuple(cues)


def _step(text: str) -> Cue:
    mix, at, moment = text.partition("@")
    seconds = _number(moment, text) if at else 0.0
    if seconds < 0:
        raise RequestError(f"'{text}' begins before the recording.", _REMEDY)
    emotions: dict[str, float] = {}
    for part in mix.split("+"):
        name, given, value = (piece.strip() for piece in part.partition("="))
        require_emotion(name)
        emotions[name] = _number(value, text) if given else INTENSITY.default
        if not INTENSITY.least <= emotions[name] <= INTENSITY.most:
            raise RequestError(f"The intensity in '{text}' is {emotions[name]:g}.", f"Give {INTENSITY.range}.")
    return Cue(seconds, emotions)


def _number(text: str, step: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RequestError(f"'{text.strip()}' in '{step}' is not a number.", _REMEDY)
    return value


def in_order(cues: Sequence[Cue]) -> list[Cue]:
    """Cues by time, those of one moment joined to one mix; the last one's transition counts."""
    joined: dict[float, Cue] = {}
    for cue in sorted(cues, key=lambda cue: cue.seconds):
        earlier = joined.get(cue.seconds)
        mix = {**(earlier.emotions if earlier else {}), **cue.emotions}
        joined[cue.seconds] = Cue(cue.seconds, mix, cue.ease)
    return list(joined.values())


def eased_keys(
    cues: Sequence[Cue], emotions: Sequence[str], transition: float = TRANSITION, limit: float = MIX_LIMIT
) -> tuple[NDArray[np.float64], Floats]:
    """(seconds (K,), sliders (K, E)): keys whose level handles draw the transitions; mixes are within the limit.

    A cue at or before 0 holds from the start. One that comes while another is easing starts from the face as it is.
    """
    times, values, current = [0.0], [np.zeros(len(emotions))], (0.0, 0.0, np.zeros(len(emotions)))
    for cue in in_order(cues):
        mix = np.array([[cue.emotions.get(name, 0.0) for name in emotions]])
        target = within_limit(mix, limit)[0].astype(np.float64)
        if cue.seconds <= 0:
            values[0], current = target, (0.0, 0.0, target)
            continue
        start, ease, goal = current
        before = values[-2] if ease and len(values) > 1 else goal
        if ease and cue.seconds < start + ease:  # the one before is still easing: it ends here
            goal = before + (goal - before) * smoothstep(np.array([(cue.seconds - start) / ease]))[0]
            times[-1], values[-1] = cue.seconds, goal
        else:
            times.append(cue.seconds)
            values.append(goal)
        ease = max(transition if cue.ease is None else cue.ease, 1e-3)
        times.append(cue.seconds + ease)
        values.append(target)
        current = (cue.seconds, ease, target)
    return np.array(times), np.array(values, np.float32)


def on_frames(seconds: NDArray[np.float64], values: Floats, fps: float) -> tuple[NDArray[np.float64], Floats]:
    """Keys (K,), (K, E) at the nearest whole frames from 0 on; of keys that fall on one frame, the last counts."""
    frames = np.round(seconds * fps)
    keep = np.append(np.diff(frames) > 0, True)
    return frames[keep], values[keep]


def curves_at(times: NDArray[np.floating], values: Floats, at: NDArray[np.floating]) -> Floats:
    """Keys (K,), (K, E) with level handles read at moments (S,): (S, E), as Blender evaluates them."""
    if len(times) == 1:
        return np.repeat(values, len(at), axis=0)
    left = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    blend = smoothstep((at - times[left]) / (times[left + 1] - times[left]))[:, None]
    return (values[left] + blend * (values[left + 1] - values[left])).astype(np.float32)
