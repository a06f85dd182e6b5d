"""Timed emotions as few eased keys, mixes kept within a limit, and ready-made mixes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..numeric import smoothstep
from ..take import Floats, within_limit
from .emotion_track import EmotionStep

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
    """From `seconds` on the face turns to `emotions` (intensities 0 to 1.5; others go) within `ease` seconds."""

    seconds: float
    emotions: dict[str, float] = field(default_factory=dict)
    ease: float = 0.5

    @classmethod
    def of(cls, step: EmotionStep, ease: float) -> Cue:
        """A step of an EmotionTrack with its transition."""
        return cls(step.seconds, step.emotions, ease)


def in_order(cues: Sequence[Cue]) -> list[Cue]:
    """Cues by time, those of one moment joined to one mix; the last one's transition counts."""
    joined: dict[float, Cue] = {}
    for cue in sorted(cues, key=lambda cue: cue.seconds):
        earlier = joined.get(cue.seconds)
        mix = {**(earlier.emotions if earlier else {}), **cue.emotions}
        joined[cue.seconds] = Cue(cue.seconds, mix, cue.ease)
    return list(joined.values())


def eased_keys(cues: Sequence[Cue], emotions: Sequence[str]) -> tuple[NDArray[np.float64], Floats]:
    """(seconds (K,), sliders (K, E)): keys whose level handles draw the transitions; mixes are within MIX_LIMIT.

    A cue at or before 0 holds from the start. One that comes while another is easing starts from the face as it is.
    """
    times, values, current = [0.0], [np.zeros(len(emotions))], (0.0, 0.0, np.zeros(len(emotions)))
    for cue in in_order(cues):
        target = within_limit(np.array([[cue.emotions.get(name, 0.0) for name in emotions]]))[0].astype(np.float64)
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
        ease = max(cue.ease, 1e-3)
        times.append(cue.seconds + ease)
        values.append(target)
        current = (cue.seconds, ease, target)
    return np.array(times), np.array(values, np.float32)


def curves_at(times: NDArray[np.float64], values: Floats, seconds: NDArray[np.floating]) -> Floats:
    """Keys (K,), (K, E) with level handles read at moments (S,): (S, E), as Blender evaluates them."""
    if len(times) == 1:
        return np.repeat(values, len(seconds), axis=0)
    left = np.clip(np.searchsorted(times, seconds, side="right") - 1, 0, len(times) - 2)
    blend = smoothstep((seconds - times[left]) / (times[left + 1] - times[left]))[:, None]
    return (values[left] + blend * (values[left + 1] - values[left])).astype(np.float32)
