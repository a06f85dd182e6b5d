"""What a head can feel: its emotions, each with the weights of the blendshapes that make it, kept with its Key."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

import bpy
import numpy as np

from ...inference.arrays import Floats
from ...inference.head.blendshapes import Blendshapes
from ...inference.head.face_parts import known_mouth_of, mouth_of
from ...inference.head.library import label
from ...inference.take import EMOTIONS, Take

_STORE = "duet_emotions"  # custom property of the Key: JSON


@dataclass(frozen=True)
class Emotion:
    """An emotion at intensity 1 as weights, those that are not 0, by the names of a head's keys.

    `opening` is on speech keys, and holds in silence alone; `mouth` is what of `expression` moves the mouth, none on a
    head of a version before.
    """

    name: str
    expression: dict[str, float]
    opening: dict[str, float]
    mouth: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The shape key that holds the expression."""
        return f"Emotion {label(self.name)}"

    @property
    def silent_key(self) -> str:
        """The shape key that opens the mouth in silence; made where there is an opening."""
        return f"Silent {label(self.name)}"

    @property
    def mouth_key(self) -> str:
        """The shape key that gives more or less to the mouth than to the rest of the face."""
        return f"Mouth {label(self.name)}"

    @property
    def mixes(self) -> dict[str, dict[str, float]]:
        """The weights of each of these keys; one without weights is not made."""
        return {self.key: self.expression, self.silent_key: self.opening, self.mouth_key: self.mouth}


def of_take(take: Take, names: Iterable[str]) -> list[Emotion]:
    """Those of the named emotions that move the face: all but 'neutral'."""
    mouth = known_mouth_of(take.expression_names, take.expression_weights)
    rows = zip(take.emotions, take.expression_weights, take.emotion_opening, mouth, strict=True)
    return _moving(rows, set(names), take.speech_names, take.expression_names)


def of_blendshapes(shapes: Blendshapes, names: Iterable[str] = EMOTIONS) -> list[Emotion]:
    """The same from learned blendshapes."""
    mouth = mouth_of(shapes, shapes.emotion_weights)
    rows = zip(shapes.emotions, shapes.emotion_weights, shapes.emotion_opening, mouth, strict=True)
    return _moving(rows, set(names), shapes.speech_names, shapes.expression_names)


def _moving(
    rows: Iterable[tuple[str, Floats, Floats, Floats]],
    names: set[str],
    speech: tuple[str, ...],
    expression: tuple[str, ...],
) -> list[Emotion]:
    return [
        Emotion(name, _sparse(expression, felt), _sparse(speech, opening), _sparse(expression, mouth))
        for name, felt, opening, mouth in rows
        if name in names and (np.any(felt) or np.any(opening))
    ]


def _sparse(names: tuple[str, ...], row: Floats) -> dict[str, float]:
    return {name: float(weight) for name, weight in zip(names, row, strict=True) if weight}


def stored_on(obj: bpy.types.Object) -> dict[str, Emotion]:
    """The head's emotions by name, in the order of its sliders; none on a head of a version before."""
    text = obj.data.shape_keys.get(_STORE, "[]") if obj.data.shape_keys else "[]"
    return {entry["name"]: Emotion(**entry) for entry in json.loads(text)}


def knows_mouth(obj: bpy.types.Object) -> bool:
    """Whether emotions move the head's mouth by an amount of its own; one of a version before knows of none."""
    return any(emotion.mouth for emotion in stored_on(obj).values())


def store(obj: bpy.types.Object, emotions: Iterable[Emotion]) -> None:
    """Keep them with the head's Key."""
    obj.data.shape_keys[_STORE] = json.dumps([asdict(emotion) for emotion in emotions])


def spread(emotions: Iterable[Emotion], values: dict[str, Floats]) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """What values (T,) of the emotions' keys amount to, by the names of expression keys and of speech keys."""
    expression: dict[str, Floats] = {}
    opening: dict[str, Floats] = {}
    for emotion in emotions:
        for key, weights in emotion.mixes.items():
            sums = opening if key == emotion.silent_key else expression
            if key in values and np.any(values[key]):
                for name, weight in weights.items():
                    sums[name] = sums.get(name, np.float32(0)) + np.float32(weight) * values[key]
    return expression, opening
