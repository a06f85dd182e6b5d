"""The library of emotions that the shipped blendshapes know: EMOTIONS, and the named expressions beyond them."""

from __future__ import annotations

import difflib
from functools import cache

from ..checkpoints import load_checkpoint
from ..errors import RequestError, WeightsError
from ..take import EMOTIONS, Take
from .blendshapes import DEFAULT_PATH, shipped


@cache
def emotion_names() -> tuple[str, ...]:
    """EMOTIONS, then the library's; raises WeightsError where the weights are missing or damaged."""
    return tuple(load_checkpoint(DEFAULT_PATH).json("emotions"))


def require_emotion(name: str) -> str:
    """The name, where it is one of an emotion; raises RequestError with the names that come nearest."""
    if name not in EMOTIONS and name not in emotion_names():
        near = difflib.get_close_matches(name, emotion_names(), 1)
        asked = f"Did you mean '{near[0]}'? " if near else ""
        remedy = f"{asked}There are {', '.join(EMOTIONS)}, and the expressions of docs/expressions.md."
        raise RequestError(f"There is no emotion '{name}'.", remedy)
    return name


def label(name: str) -> str:
    """A name as the user reads it: 'smile_broad' is 'Smile Broad'."""
    return name.replace("_", " ").title()


def with_emotions(take: Take, names: tuple[str, ...]) -> Take:
    """The take with rows for these emotions too, at 0; raises WeightsError where it is of other blendshapes."""
    added = tuple(name for name in names if name not in take.emotions)
    if not added:
        return take
    shapes = shipped()
    known = (take.speech_names, take.expression_names) == (shapes.speech_names, shapes.expression_names)
    if not known or not set(added) <= set(shapes.emotions):
        raise WeightsError(f"The take's version of Duet has no '{added[0]}'.", "Generate it again.")
    rows = [shapes.emotions.index(name) for name in added]
    return take.with_rows(added, shapes.emotion_weights[rows], shapes.emotion_opening[rows])
