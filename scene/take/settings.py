"""A performance's settings as plain data: groups of registered properties read, copied and kept from acting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import bpy
import numpy as np

from ...inference.performance.emotion_keys import Cue
from ...inference.performance.life import Life
from ...inference.take import Floats, Take
from .styles import KNOWN

# The settings that the next take and each take have in common.
SPEECH = ("style", "articulation", "smoothing", "offset")
EMOTION = ("emotion", "intensity", "open_in_silence")
_SWITCHES = ("blinks", "eyes", "head_motion", "breaths")
LIFE = (*_SWITCHES, "blink_amount", "eye_amount", "head_amount", "breath_amount", "seed")
_CUE = ("seconds", "emotion", "intensity", "ease")

_paused = 0


@dataclass(frozen=True)
class Choice:
    """A performance's settings without a sidebar: smoothing and offset in milliseconds, emotions from their seconds."""

    style: str
    articulation: float
    smoothing: float
    offset: float
    cues: tuple[Cue, ...]
    life: Life
    open_in_silence: float = 1.0


@dataclass(frozen=True)
class Order:
    """All that a .blend is made with: the settings, first frame (None: the scene's), cut in seconds, and more.

    `loudness` is the envelope of what is spoken; `layer` keeps an action in the way playing under the speech; `plain`
    is a tolerance in mm where plain keys are wanted.
    """

    choice: Choice
    start: int | None = None
    begin: float = 0.0
    end: float = 0.0
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


def copy(source: bpy.types.PropertyGroup, target: bpy.types.PropertyGroup) -> None:
    """Give `target` the performance of `source`; no curve is written."""
    with paused():
        for name in (*SPEECH, *EMOTION, *LIFE):
            setattr(target, name, getattr(source, name))
        target.cues.clear()
        for cue in source.cues:
            new = target.cues.add()
            for name in _CUE:
                setattr(new, name, getattr(cue, name))


def choose(group: bpy.types.PropertyGroup, choice: Choice) -> None:
    """Give a group these settings; no curve is written. What is felt at second 0 becomes its feeling, the rest rows."""
    with paused():
        if choice.style in KNOWN:
            group.style = choice.style
        group.articulation, group.smoothing, group.offset = choice.articulation, choice.smoothing, choice.offset
        group.open_in_silence = choice.open_in_silence
        _choose_life(group, choice.life)
        _choose_cues(group, choice.cues)


def _choose_life(group: bpy.types.PropertyGroup, life: Life) -> None:
    amounts = (life.blinks, life.eyes, life.head, life.breaths)
    for switch, name, amount in zip(_SWITCHES, LIFE[len(_SWITCHES) :], amounts, strict=False):
        setattr(group, switch, amount > 0)
        if amount:
            setattr(group, name, amount)
    group.seed = life.seed


def _choose_cues(group: bpy.types.PropertyGroup, cues: Sequence[Cue]) -> None:
    group.cues.clear()
    group.emotion = "neutral"
    for cue in cues:
        felt = sorted(cue.emotions.items(), key=lambda item: -item[1]) or [("neutral", 0.0)]
        if cue.seconds <= 0:
            group.emotion, group.intensity = felt.pop(0)
        for emotion, intensity in felt:
            row = group.cues.add()
            row.seconds, row.emotion, row.intensity, row.ease = max(0.0, cue.seconds), emotion, intensity, cue.ease


def reset(group: bpy.types.PropertyGroup, take: Take) -> None:
    """Give a group plain speech, no life, and the emotions of the take's request, the strongest as its feeling."""
    with paused():
        for name in (*SPEECH, *EMOTION, *LIFE):
            group.property_unset(name)
        for name in _SWITCHES:
            setattr(group, name, False)
        if take.request.get("style") in KNOWN:
            group.style = take.request["style"]
        _choose_cues(group, [Cue(0.0, _felt(take))])


def _felt(take: Take) -> dict[str, float]:
    """What the take feels in its first frame."""
    return {name: float(value) for name, value in zip(take.emotions, take.emotion_curves[0], strict=True) if value > 0}


def cues_of(group: bpy.types.PropertyGroup) -> list[Cue]:
    """The feeling from the start and the timed ones after it."""
    return [
        Cue(0.0, _mix(group.emotion, group.intensity)),
        *(Cue(cue.seconds, _mix(cue.emotion, cue.intensity), cue.ease) for cue in group.cues),
    ]


def chosen_cues(chosen: bpy.types.PropertyGroup | Choice) -> Sequence[Cue]:
    """The feelings of settings, wherever they come from."""
    return chosen.cues if isinstance(chosen, Choice) else cues_of(chosen)


def _mix(emotion: str, intensity: float) -> dict[str, float]:
    return {} if emotion == "neutral" else {emotion: intensity}


def life_of(group: bpy.types.PropertyGroup) -> Life:
    """The amounts of life, 0 where switched off."""
    return Life(
        blinks=group.blinks * group.blink_amount,
        eyes=group.eyes * group.eye_amount,
        head=group.head_motion * group.head_amount,
        breaths=group.breaths * group.breath_amount,
        seed=group.seed,
    )
