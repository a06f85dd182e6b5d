"""From speech curves and a performance to what a face does: the same for every head, here and in Blender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..head.canonical import ARKIT_NAMES
from ..head.face_parts import in_parts
from ..head.library import with_emotions
from ..head.recompose import knows, mixed, solve_arkit, vertices_of
from ..steps import finish
from ..take import EMOTIONS, Take
from .curves import at_frames, frame_span, smooth
from .effort import swelled
from .life import LifeKeys, live
from .mark_edits import with_marks
from .mark_search import find_marks
from .marks import placed
from .mirror import mirrored, mirrored_life
from .performance import Performance
from .silence import kept_from_speech
from .timeline import curves_at, eased_keys, on_frames
from .voice import Spans, Voice

_NECK = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float64)  # axes of the neck's bone, which points up


class FaceCurves:
    """A take as it is performed, over S frames at `fps` a second; each curve is computed where it is asked for.

    `fps` None is the take's own rate; `pauses` are the recording's (`audio.loudness`), by which life goes. `speech`
    (S, Ks) stands for the take's where parts of it are kept from before.
    """

    def __init__(
        self,
        take: Take,
        performance: Performance,
        fps: float | None = None,
        pauses: Spans = (),
        speech: Floats | None = None,
    ) -> None:
        self.spoken, self.performance = take, performance
        self.fps = take.fps if fps is None else fps
        self.frames = frame_span(take.frame_count, take.fps, self.fps)
        self._pauses, self._speech = pauses, speech

    @cached_property
    def speech(self) -> Floats:
        """(S, Ks) of the speech blendshapes: with their marks, articulated, smoothed, moved in time."""
        if self._speech is not None:
            return self._speech
        weights = np.float32(self.performance.spoken) * with_marks(self.spoken, self.performance.marks)
        weights = smooth(weights, self.performance.smoothing / 1000 * self.spoken.fps)
        return at_frames(weights, self.spoken.fps, self.fps, self.performance.offset / 1000)

    @cached_property
    def quiet(self) -> Floats:
        """(S,) 1 where nobody speaks, 0 wherever speech moves the face."""
        later = self.performance.offset / 1000
        silence = at_frames(self.spoken.silence[:, None], self.spoken.fps, self.fps, later)
        return kept_from_speech(silence[:, 0], self.speech, self.fps)

    @property
    def silence(self) -> Floats:
        """(S,) how far emotions open the mouth."""
        return np.float32(self.performance.opened) * self.quiet

    def emotion_keys(self, names: Sequence[str]) -> tuple[NDArray[np.float64], Floats]:
        """(frames (K,), sliders (K, E)) of these emotions: eased keys on whole frames, 0 the first."""
        own = self.performance
        keys = eased_keys(own.emotions, names, own.transition, own.mix_limit)
        frames, values = on_frames(*swelled(*keys, self.voice, own.effort, own.mix_limit), self.fps)
        return frames, values

    @cached_property
    def take(self) -> Take:
        """With rows for all that is felt, mirrored and in parts; raises WeightsError where its version cannot."""
        take, own = with_emotions(self.spoken, self.performance.felt), self.performance
        return in_parts(mirrored(take) if own.mirror else take, own.upper_face, own.lips)

    @cached_property
    def sliders(self) -> Floats:
        """(S, E) of the take's emotions."""
        felt = [column for column, name in enumerate(self.take.emotions) if name != EMOTIONS[0]]
        curves = np.zeros((self.frames, len(self.take.emotions)), np.float32)
        keys = self.emotion_keys([self.take.emotions[column] for column in felt])
        curves[:, felt] = curves_at(*keys, np.arange(float(self.frames)))
        return curves

    @cached_property
    def voice(self) -> Voice:
        """What life and the swell of emotions go by; without curves where the take does not know them."""
        curves = np.zeros((0, 2)) if self.spoken.voice is None else self.spoken.voice
        return Voice(self._pauses, curves[:, 0], curves[:, 1], self.spoken.fps)

    @cached_property
    def life_keys(self) -> LifeKeys:
        """Blinks, brows, eyes, head motion and breaths as keys in seconds."""
        keys = live(self.spoken.frame_count / self.spoken.fps, self.voice, self.performance.life)
        return mirrored_life(keys) if self.performance.mirror else keys

    @cached_property
    def life(self) -> dict[str, Floats]:
        """(S,) of each ARKit shape that lives."""
        found = {name: self._at(*keys) for name, keys in self.life_keys.shapes.items() if len(keys[0])}
        return {name: curve for name, curve in found.items() if np.any(curve)}

    @cached_property
    def neck(self) -> Floats | None:
        """(S, 3) radians of nod, turn and tilt about the neck's own axes; None where the head is still."""
        keys = self.life_keys.neck
        return None if keys is None else np.stack([self._at(*each) for each in keys], axis=1)

    @property
    def turns(self) -> dict[str, Floats]:
        """Bone -> rotations (S, 3, 3) from rest, Blender's axes."""
        return {} if self.neck is None else {"neck": neck_turns(self.neck)}

    def _at(self, seconds: NDArray[np.float64], values: NDArray[np.float64]) -> Floats:
        return curves_at(seconds, np.asarray(values, np.float32)[:, None], np.arange(self.frames) / self.fps)[:, 0]

    @cached_property
    def _spoken_and_felt(self) -> tuple[tuple[str, ...], Floats]:
        """Speech and expression shapes, and their weights (S, Ks + Ke); emotions open the mouth in silence alone."""
        return (*self.take.speech_names, *self.take.expression_names), self.performed().face_weights

    @cached_property
    def _moves(self) -> tuple[tuple[str, ...], Floats]:
        names, weights = mixed(*self._spoken_and_felt, self.life)
        return (*names, *self.life), np.column_stack([weights, *self.life.values()])

    @property
    def names(self) -> tuple[str, ...]:
        """Of the K shapes that move: all learned ones, and those of ARKit's that live; raises WeightsError."""
        return self._moves[0]

    @property
    def weights(self) -> Floats:
        """(S, K) of these shapes; raises WeightsError."""
        return self._moves[1]

    def arkit(self) -> Floats:
        """(S, 52) in [0, 1]: what comes nearest to speech and emotions, and life on it; raises WeightsError."""
        found = finish(solve_arkit(*self._spoken_and_felt))
        for name, curve in self.life.items():
            found[:, ARKIT_NAMES.index(name)] += curve
        return np.clip(found, 0.0, 1.0)

    def vertices(self) -> Floats:
        """(S, V, 3) of the Duet head, in metres, its bones at rest; raises WeightsError."""
        return vertices_of(*self._spoken_and_felt, self.life)

    @property
    def _marks_left(self) -> list[list[Any]]:
        """[kind, second, strength] of each mark that the face shows; none of a take of another version."""
        if not knows(self.spoken.speech_names):
            return []
        rows = placed(find_marks(self.spoken, self.performance.text), self.performance.marks)
        left = [row.change for row in rows if row.change.seconds is not None]
        return [[change.kind, round(change.seconds or 0.0, 3), change.strength] for change in left]

    def performed(self, arkit: bool = False, vertices: bool = False) -> Take:
        """The take with these curves, and with coefficients and vertices where asked for; raises WeightsError."""
        return replace(
            self.take,
            fps=self.fps,
            speech_weights=self.speech,
            silence=self.silence,
            emotion_curves=self.sliders,
            mix_limit=self.performance.mix_limit,
            arkit=self.arkit() if arkit else np.zeros((self.frames, 0), np.float32),
            arkit_names=ARKIT_NAMES if arkit else (),
            vertices=self.vertices() if vertices else None,
            request={**self.take.request, "emotions": self.performance.steady, "marks": self._marks_left},
        )


def neck_turns(angles: Floats) -> Floats:
    """Rotations (S, 3, 3) from rest, Blender's axes, of nods, turns and tilts (S, 3) in radians."""
    return np.asarray(_NECK @ _euler(angles) @ _NECK.T, np.float32)


def _euler(angles: Floats) -> NDArray[np.float64]:
    """Rotations (S, 3, 3) of angles (S, 3) about x, then y, then z, as Blender's order XYZ."""
    one, zero = np.ones(len(angles)), np.zeros(len(angles))
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles.T.astype(np.float64)), np.sin(angles.T.astype(np.float64))
    about_x = [[one, zero, zero], [zero, cx, -sx], [zero, sx, cx]]
    about_y = [[cy, zero, sy], [zero, one, zero], [-sy, zero, cy]]
    about_z = [[cz, -sz, zero], [sz, cz, zero], [zero, zero, one]]
    x, y, z = (np.moveaxis(np.array(each), 2, 0) for each in (about_x, about_y, about_z))
    return np.asarray(z @ y @ x)
