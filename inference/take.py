"""What is asked of the worker and what comes back: plain data, stored with the head and sent over the pipe."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import Floats
from .errors import RequestError

EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "afraid", "disgusted", "contempt")
MIN_FPS, MAX_FPS = 1.0, 240.0
STYLES = ("natural", "enunciated")  # as people speak; every sound made clearly, as the rules of articulation say
DEFAULT_STYLE = STYLES[0]
MAX_INTENSITY = 1.5  # of an emotion or of articulation
MIX_LIMIT = 1.5  # of all emotions together; beyond it a face breaks


@dataclass(frozen=True)
class GenerateRequest:
    """One recording to hear: what it says is the same however it is performed (`performance.face`).

    `audio` is only a label, so that errors can name the file.
    """

    fps: float = 30.0
    style: str = DEFAULT_STYLE
    audio: str = "audio"

    def __post_init__(self) -> None:
        """Raise RequestError for an impossible frame rate."""
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
    """What a recording says, and how it is performed: all that is needed to bake, re-bake or export without inference.

    The face at frame t, in metres on the Duet head, is linear, but for correctives (Blendshapes.faces):
    neutral + speech_basis * (speech_weights[t] + silence[t] * (mix[t] @ emotion_opening))
    + expression_basis * (mix[t] @ expression_weights), where mix is emotion_curves within mix_limit.
    Frame t is at t / fps seconds of the recording. Shapes: T frames, Ks speech and Ke expression blendshapes,
    E emotions: EMOTIONS, then those of the library that the take uses. The worker's takes, and those stored in files,
    are as spoken: no emotions, no coefficients, no vertices; `performance.face` performs them.
    """

    fps: float
    speech_weights: Floats  # (T, Ks)
    expression_weights: Floats  # (E, Ke), one row an emotion at intensity 1; neutral is all zero
    emotion_opening: Floats  # (E, Ks) >= 0, what each does to the mouth in silence
    emotion_curves: Floats  # (T, E), the sliders over time
    silence: Floats  # (T,) in [0, 1], 0 wherever speech moves the face
    arkit: Floats  # (T, 52) in [0, 1]: speech and emotions together, as ARKit coefficients
    speech_names: tuple[str, ...]
    expression_names: tuple[str, ...]
    emotions: tuple[str, ...]
    arkit_names: tuple[str, ...]
    model_id: str
    request: dict[str, Any]
    vertices: Floats | None = None  # (T, V, 3) metres, where asked for
    voice: Floats | None = None  # (T, 2) in [0, 1]: how loud it is, and how far it stands out (audio.prosody)
    mix_limit: float = MIX_LIMIT  # not stored: it is the performance's

    def __post_init__(self) -> None:
        """Raise ValueError where shapes and names disagree."""
        frames, ks = self.speech_weights.shape
        emotions, ke = self.expression_weights.shape
        expected = {
            "speech_names": (len(self.speech_names), ks),
            "expression_names": (len(self.expression_names), ke),
            "emotions": (len(self.emotions), emotions),
            "emotion_opening": (self.emotion_opening.shape, (emotions, ks)),
            "emotion_curves": (self.emotion_curves.shape, (frames, emotions)),
            "silence": (self.silence.shape, (frames,)),
            "arkit": (self.arkit.shape, (frames, len(self.arkit_names))),
        }
        wrong = [f"{name}: {got} where {want} is due" for name, (got, want) in expected.items() if got != want]
        if wrong:
            raise ValueError("; ".join(wrong))

    @property
    def frame_count(self) -> int:
        """T."""
        return len(self.speech_weights)

    @property
    def expression_curves(self) -> Floats:
        """(T, Ke) of the expression blendshapes."""
        return within_limit(self.emotion_curves, self.mix_limit) @ self.expression_weights

    @property
    def opening_curves(self) -> Floats:
        """(T, Ks) of the speech blendshapes: what emotions open in silence."""
        return self.silence[:, None] * (within_limit(self.emotion_curves, self.mix_limit) @ self.emotion_opening)

    @property
    def face_weights(self) -> Floats:
        """(T, Ks + Ke) of all blendshapes: speech, what emotions open in silence, and expressions."""
        return np.concatenate([self.speech_weights + self.opening_curves, self.expression_curves], axis=1)

    def with_rows(self, names: tuple[str, ...], expression: Floats, opening: Floats) -> Take:
        """The take with n more emotions at 0, of weights (n, Ke) and openings (n, Ks)."""
        return replace(
            self,
            emotions=self.emotions + names,
            expression_weights=np.concatenate([self.expression_weights, expression]),
            emotion_opening=np.concatenate([self.emotion_opening, opening]),
            emotion_curves=np.pad(self.emotion_curves, ((0, 0), (0, len(names)))),
        )

    def to_message(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """(JSON-ready header, named arrays), the form that crosses the pipe and is stored in a .blend."""
        header = {key: getattr(self, key) for key in _HEADER_KEYS}
        arrays: dict[str, NDArray[Any]] = {key: getattr(self, key) for key in _ARRAY_KEYS}
        arrays |= {key: getattr(self, key) for key in _OPTIONAL_KEYS if getattr(self, key) is not None}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in header.items()}, arrays

    @classmethod
    def from_message(cls, header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Take:
        """The take that `to_message` described; raises ValueError, TypeError or LookupError where it is damaged.

        One that was stored by a version before opens no mouth in silence.
        """
        values: dict[str, Any] = {key: header[key] for key in _HEADER_KEYS}
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        _check_header(values)
        frames, speech = arrays["speech_weights"].shape
        closed = {"emotion_opening": np.zeros((len(values["emotions"]), speech)), "silence": np.zeros(frames)}
        known = {**closed, **arrays}
        floats: dict[str, Any] = {key: _numbers(key, known[key]) for key in _ARRAY_KEYS}
        floats |= {key: _numbers(key, arrays[key]) for key in _OPTIONAL_KEYS if key in arrays}
        take = cls(**values, **floats)
        if take.voice is not None and take.voice.shape != (take.frame_count, 2):
            raise ValueError(f"voice: {take.voice.shape}")
        if take.vertices is not None and take.vertices.shape[::2] != (take.frame_count, 3):
            raise ValueError(f"vertices: {take.vertices.shape}")
        return take


_HEADER_KEYS = ("fps", "speech_names", "expression_names", "emotions", "arkit_names", "model_id", "request")
_ARRAY_KEYS = ("speech_weights", "expression_weights", "emotion_opening", "emotion_curves", "silence", "arkit")
_OPTIONAL_KEYS = ("vertices", "voice")


def _check_header(values: dict[str, Any]) -> None:
    """Raise ValueError or TypeError where a field is of another kind."""
    for key in _HEADER_KEYS:
        is_list = key.endswith("names") or key == "emotions"
        if is_list and not (isinstance(values[key], tuple) and all(isinstance(name, str) for name in values[key])):
            raise ValueError(f"{key} are no names")
    if type(values["fps"]) not in (int, float) or not MIN_FPS <= values["fps"] <= MAX_FPS:
        raise ValueError("its frame rate is none")
    if not (isinstance(values["model_id"], str) and isinstance(values["request"], dict)):
        raise ValueError("where it comes from is not said")


def _numbers(name: str, array: NDArray[Any]) -> Floats:
    with np.errstate(over="ignore"):  # a double too large for a float becomes infinite, and is found
        floats = np.asarray(array, np.float32)
    if not np.isfinite(floats).all():
        raise ValueError(f"{name} are not all numbers")
    return floats


def within_limit(mix: NDArray[np.floating], limit: float = MIX_LIMIT) -> Floats:
    """Sliders (..., E) scaled down where they add up to more than the limit."""
    total = np.maximum(mix.sum(axis=-1, keepdims=True), limit)
    return (mix * (limit / total)).astype(np.float32)
