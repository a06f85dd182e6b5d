"""A performance's settings as plain data: groups of registered properties read, copied and kept from acting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

from ..inference.emotion_keys import Cue
from ..inference.life import Life
from ..inference.take import STYLES, Take

# The settings that the next take and each take have in common.
SPEECH = ("style", "articulation", "smoothing", "offset")
EMOTION = ("emotion", "intensity")
_SWITCHES = ("blinks", "eyes", "head_motion", "breaths")
LIFE = (*_SWITCHES, "blink_amount", "eye_amount", "head_amount", "breath_amount", "seed")
_CUE = ("seconds", "emotion", "intensity", "ease")

_paused = 0


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


def reset(group: bpy.types.PropertyGroup, take: Take) -> None:
    """Give a group plain speech, no life, and the emotions of the take's request, the strongest as its feeling."""
    with paused():
        for name in (*SPEECH, *EMOTION, *LIFE):
            group.property_unset(name)
        for name in _SWITCHES:
            setattr(group, name, False)
        group.cues.clear()
        if take.request.get("style") in STYLES:
            group.style = take.request["style"]
        first, *more = sorted(_felt(take).items(), key=lambda item: -item[1]) or [("neutral", 0.0)]
        group.emotion = first[0]
        if first[1]:
            group.intensity = first[1]
        for emotion, intensity in more:
            cue = group.cues.add()
            cue.seconds, cue.emotion, cue.intensity = 0.0, emotion, intensity


def _felt(take: Take) -> dict[str, float]:
    """What the take feels in its first frame."""
    return {name: float(value) for name, value in zip(take.emotions, take.emotion_curves[0], strict=True) if value > 0}


def cues_of(group: bpy.types.PropertyGroup) -> list[Cue]:
    """The feeling from the start and the timed ones after it."""
    return [
        Cue(0.0, _mix(group.emotion, group.intensity)),
        *(Cue(cue.seconds, _mix(cue.emotion, cue.intensity), cue.ease) for cue in group.cues),
    ]


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
