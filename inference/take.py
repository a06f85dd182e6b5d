"""What is asked of the worker and what comes back: plain data, stored with the head and sent over the pipe."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import RequestError

EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "afraid", "disgusted", "contempt")
MIN_FPS, MAX_FPS = 1.0, 240.0
STYLES = ("enunciated", "captured")  # every closure complete; like the captured speaker, relaxed
DEFAULT_STYLE = STYLES[0]
MAX_INTENSITY = 1.5  # of an emotion or of articulation

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class GenerateRequest:
    """One recording to animate.

    `emotions` maps names of EMOTIONS to intensities (0 is off, 1 is strong but natural, at most 1.5); `audio` is
    only a label, so that errors can name the file; `vertices` asks for the face's vertices as well. `articulation`
    makes speech smaller or larger: 0 is a still mouth, 1 as spoken, 1.5 theatre.
    """

    fps: float = 30.0
    emotions: dict[str, float] = field(default_factory=dict)
    style: str = DEFAULT_STYLE
    articulation: float = 1.0
    audio: str = "audio"
    vertices: bool = False

    def __post_init__(self) -> None:
        """Raise RequestError for an unknown emotion, an intensity out of [0, 1.5] or an impossible frame rate."""
        for name, value in self.emotions.items():
            if name not in EMOTIONS:
                raise RequestError(f"There is no emotion '{name}'.", f"Choose from: {', '.join(EMOTIONS)}.")
            if not 0.0 <= value <= MAX_INTENSITY:
                raise RequestError(f"The intensity of '{name}' is {value:g}.", "Give a number from 0 to 1.5.")
        if not 0.0 <= self.articulation <= MAX_INTENSITY:
            raise RequestError(f"The articulation is {self.articulation:g}.", "Give a number from 0 to 1.5.")
        if not MIN_FPS <= self.fps <= MAX_FPS:
            raise RequestError(f"{self.fps:g} frames per second is not a frame rate.", "Give 1 to 240.")

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> GenerateRequest:
        """The request a dict from `to_json` describes; raises RequestError where a field is unknown."""
        unknown = set(data) - set(cls.__dataclass_fields__)
        if unknown:
            raise RequestError(f"Unknown request fields: {', '.join(sorted(unknown))}.", "Update Duet.")
        return cls(**data)


@dataclass(frozen=True)
class Take:
    """A finished performance: everything needed to bake, re-bake or export without inference.

    The face at frame t, in metres on the Duet head, is linear:
    neutral + speech_basis * speech_weights[t] + expression_basis * (emotion_curves[t] @ expression_weights).
    Frame t is at t / fps seconds of the recording. Shapes: T frames, Ks speech and Ke expression blendshapes,
    E emotions.
    """

    fps: float
    speech_weights: Floats  # (T, Ks)
    expression_weights: Floats  # (E, Ke), one row an emotion at intensity 1; neutral is all zero
    emotion_curves: Floats  # (T, E), the sliders over time
    arkit: Floats  # (T, 52) in [0, 1]: speech and emotions together, as ARKit coefficients
    speech_names: tuple[str, ...]
    expression_names: tuple[str, ...]
    emotions: tuple[str, ...]
    arkit_names: tuple[str, ...]
    model_id: str
    request: dict[str, Any]
    vertices: Floats | None = None  # (T, V, 3) metres, where asked for

    def __post_init__(self) -> None:
        """Raise ValueError where shapes and names disagree."""
        frames, ks = self.speech_weights.shape
        emotions, ke = self.expression_weights.shape
        expected = {
            "speech_names": (len(self.speech_names), ks),
            "expression_names": (len(self.expression_names), ke),
            "emotions": (len(self.emotions), emotions),
            "emotion_curves": (self.emotion_curves.shape, (frames, emotions)),
            "arkit": (self.arkit.shape, (frames, len(self.arkit_names))),
        }
        wrong = [f"{name}: {got} where {want} is due" for name, (got, want) in expected.items() if got != want]
        if wrong:
            raise ValueError("; ".join(wrong))

    @property
    def frame_count(self) -> int:
        """T."""
        return len(self.speech_weights)

    def to_message(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """(JSON-ready header, named arrays), the form that crosses the pipe and is stored in a .blend."""
        header = {key: getattr(self, key) for key in _HEADER_KEYS}
        arrays: dict[str, NDArray[Any]] = {key: getattr(self, key) for key in _ARRAY_KEYS}
        if self.vertices is not None:
            arrays["vertices"] = self.vertices
        return {k: list(v) if isinstance(v, tuple) else v for k, v in header.items()}, arrays

    @classmethod
    def from_message(cls, header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Take:
        """The take that `to_message` described; raises ValueError or KeyError where parts are missing."""
        values: dict[str, Any] = {key: header[key] for key in _HEADER_KEYS}
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        floats: dict[str, Any] = {key: np.asarray(arrays[key], np.float32) for key in _ARRAY_KEYS}
        return cls(**values, **floats, vertices=arrays.get("vertices"))


_HEADER_KEYS = ("fps", "speech_names", "expression_names", "emotions", "arkit_names", "model_id", "request")
_ARRAY_KEYS = ("speech_weights", "expression_weights", "emotion_curves", "arkit")
