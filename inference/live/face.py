"""From what was heard to frames of a face at a frame rate: blendshape weights, and ARKit coefficients where asked for.

When sound stops coming the face holds for a moment and then eases to rest, instead of standing with an open mouth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..arrays import Floats
from ..engine.windows import FRAME_RATE
from ..head.retarget import ArkitSolver
from ..numeric import smoothstep
from ..take import within_limit
from .listener import Heard

HELD, EASED = 0.25, 0.4  # seconds without sound in which the face holds, and over which it then comes to rest
_BEFORE = 2  # frames that the solver sees before a new one, so that it stays smooth


@dataclass(frozen=True, eq=False)
class Frame:
    """The face at `time` seconds of the sound: speech weights (Ks,), silence, ARKit coefficients (52,) or None."""

    time: float
    speech: Floats
    silence: float
    arkit: Floats | None


@dataclass(frozen=True, eq=False)
class Emotions:
    """Sliders (E,) of emotions and what each does: weights (E, Ke), and openings (E, Ks) in silence."""

    sliders: Floats
    weights: Floats
    openings: Floats

    def added(self, speech: Floats, silence: Floats) -> Floats:
        """Weights (n, Ks + Ke) of all blendshapes, of speech weights (n, Ks) and silence (n,)."""
        mix = within_limit(np.tile(self.sliders, (len(speech), 1)))
        return np.concatenate([speech + silence[:, None] * (mix @ self.openings), mix @ self.weights], axis=1)


class LiveFace:
    """Frames at `fps` of what was heard at 50 Hz, read between two of its frames."""

    def __init__(
        self,
        weigh: Callable[[Floats], Floats],
        emotions: Emotions,
        fps: float,
        solver: ArkitSolver | None = None,
        articulation: float = 1.0,
    ) -> None:
        """`weigh` gives speech weights (n, Ks) of rig channels (n, C)."""
        self.emotions = emotions
        self._weigh, self._solver, self._fps, self._articulation = weigh, solver, fps, np.float32(articulation)
        self._last: tuple[Floats, float] | None = None  # of the last frame at 50 Hz
        self._heard = 0  # frames at 50 Hz
        self._shown = 0  # frames at fps
        self._dropped = 0.0  # seconds by which the frames' times are ahead of the sound, since it stopped for a while
        self._missing = 0.0  # seconds since the last sound
        self._before: Floats | None = None

    def show(self, heard: Heard) -> Iterator[Frame]:
        """The frames that this sound completes."""
        if not len(heard.channels):
            return
        self._missing = 0.0
        speech = self._articulation * self._weigh(heard.channels)
        times, weights, silence = [], [], []
        for row, still in zip(speech, heard.silence, strict=True):
            before = self._last or (row, float(still))
            while self._shown / self._fps <= self._heard / FRAME_RATE + self._dropped + 1e-9:
                part = 1.0 - (self._heard / FRAME_RATE + self._dropped - self._shown / self._fps) * FRAME_RATE
                part = min(max(part, 0.0), 1.0)
                times.append(self._shown / self._fps)
                weights.append(before[0] + np.float32(part) * (row - before[0]))
                silence.append(before[1] + part * (float(still) - before[1]))
                self._shown += 1
            self._last = (row, float(still))
            self._heard += 1
        yield from self._frames(times, np.array(weights, np.float32), np.array(silence, np.float32))

    def miss(self, seconds: float) -> Iterator[Frame]:
        """The frames of some seconds in which no sound came: the last face, then rest."""
        if self._last is None:
            return
        end, (row, still) = self._heard / FRAME_RATE + self._dropped + seconds, self._last
        times, weights = [], []
        while self._shown / self._fps <= end:
            missing = self._missing + seconds - (end - self._shown / self._fps)
            left = 1.0 - (missing - HELD) / EASED
            times.append(self._shown / self._fps)
            weights.append(row * np.float32(smoothstep(np.array(left))))
            self._shown += 1
        self._missing += seconds
        self._dropped += seconds
        if self._missing > HELD + EASED:
            self._last = (0.0 * row, 1.0)
        yield from self._frames(times, np.array(weights, np.float32), np.full(len(times), still, np.float32))

    def _frames(self, times: list[float], speech: Floats, silence: Floats) -> Iterator[Frame]:
        arkit: Floats | None = None
        if self._solver is not None and times:
            arkit = self._solved(self.emotions.added(speech, silence))
        for i, time in enumerate(times):
            yield Frame(time, speech[i], float(silence[i]), None if arkit is None else arkit[i])

    def _solved(self, weights: Floats) -> Floats:
        before = weights[:0] if self._before is None else self._before
        known = np.concatenate([before, weights])
        self._before = known[-_BEFORE:]
        assert self._solver is not None
        return self._solver(known)[len(before) :]
