"""From samples as they arrive to rig channels at 50 Hz, `look_ahead` seconds after the sound that they belong to.

What the offline pipeline knows of the whole recording is here known of the last seconds: the level that sound is
brought to, and where it is silent. After a pause the next word is heard as a recording's beginning; so nothing grows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Floats
from ..audio.mel import BANDS, HOP, SAMPLE_RATE, WINDOW, normalised, power_of
from ..engine.lip_contact import LipContact
from ..engine.silence_gate import EASE, NEAR, free
from ..engine.windows import FRAME_RATE
from .encoder import LiveEncoder, LiveSpeech

STEP = 2  # frames at 50 Hz that settle together: 40 ms
LOOK_AHEAD = 0.2  # seconds from a sound to its face, computing aside: a step, and what its frames hear beyond it
_LEVELS = 1200  # mel frames whose levels count: 12 s
_LOUD = 0.98  # quantile of the levels, as offline
_FIRST_LEVEL = -1.0  # log10 power: until something is louder, this counts as loud speech
_PAUSE = 25  # frames at rest after which the next word is a beginning, where a good deal was heard before
_ENOUGH = 500  # settled frames
_CARRIED = 150  # frames that are heard again where 30 s of speech had no pause: 3 s
_OPENS, _CLOSES = 0.35 * FRAME_RATE, 4  # frames in which an emotion opens the mouth after speech, and closes it before


@dataclass(frozen=True, eq=False)
class Heard:
    """Settled frames: rig channels (n, C), and the silence (n,) in which emotions may open the mouth."""

    channels: Floats
    silence: Floats


class Listener:
    """All that was heard and still counts."""

    def __init__(
        self, encoder: LiveEncoder, speech: LiveSpeech, contact: LipContact, look_ahead: float = LOOK_AHEAD
    ) -> None:
        """`look_ahead` is in seconds; a step's own 40 ms are part of it."""
        self.ahead = max(0, round(look_ahead * FRAME_RATE) - STEP)
        self._encoder, self._speech, self._contact = encoder, speech, contact
        self._samples = np.zeros(WINDOW // 2, np.float32)  # of which no mel frame was made; silence came before
        self._power = np.zeros((0, BANDS), np.float32)  # log mel power of the last frames
        self._waiting = 0  # frames at 50 Hz, the last ones of `_power`, that have not settled
        self._resting = 0  # settled frames since the face moved
        self._silence, self._free = 1.0, 0.0

    @property
    def look_ahead(self) -> float:
        """Seconds from a sound to its face, computing aside."""
        return (self.ahead + STEP) / FRAME_RATE

    def hear(self, samples: Floats) -> Heard:
        """What settles with these samples (N,) at 16 kHz; often nothing."""
        self._samples = np.concatenate([self._samples, samples])
        parts, needed = [self._nothing()], WINDOW + (2 * STEP - 1) * HOP
        while len(self._samples) >= needed:
            new = power_of(self._samples[:needed])
            self._samples = self._samples[2 * STEP * HOP :]
            self._power = np.concatenate([self._power, new])[-_LEVELS:]
            self._waiting += STEP
            if self._waiting > self.ahead:
                parts.append(self._settle(self._waiting - self.ahead))
        self._samples = self._samples.copy()  # not a view that keeps all that was heard
        return Heard(np.concatenate([p.channels for p in parts]), np.concatenate([p.silence for p in parts]))

    def rest(self) -> Heard:
        """What is still waiting, as if silence followed."""
        return self.hear(np.zeros((self.ahead + STEP) * SAMPLE_RATE // FRAME_RATE, np.float32))

    def _nothing(self) -> Heard:
        return Heard(np.zeros((0, len(self._contact.parting)), np.float32), np.zeros(0, np.float32))

    def _settle(self, count: int) -> Heard:
        levels = self._power.max(axis=1)
        level = max(float(np.quantile(levels, _LOUD)), _FIRST_LEVEL)
        near = 2 * (self._waiting + NEAR + EASE)
        moving = free(levels[-near:], level)[-self._waiting :]
        freed = np.array([self._freed(value) for value in moving[:count]], np.float32)
        channels = np.clip(self._channels(count, level), 0.0, 1.0) * freed[:, None]
        self._waiting -= count
        silence = np.array([self._opened(bool(moving[i:].any())) for i in range(count)], np.float32)
        self._resting = 0 if moving[:count].any() else self._resting + count
        if self._resting >= _PAUSE and self._encoder.settled >= _ENOUGH:
            self._encoder.restart()
            self._speech.restart()
        return Heard(self._contact.settled(channels), silence)

    def _channels(self, count: int, level: float) -> Floats:
        """Channels (count, C) of the first waiting frames; all of those are computed."""
        again = 0
        if self._encoder.settled + self._waiting > self._encoder.dims.context:
            self._encoder.restart()
            again = min(_CARRIED, len(self._power) // 2 - self._waiting)
        frames = self._waiting + again
        mel = normalised(self._power[-2 * frames - 4 if self._encoder.settled else -2 * frames :], level)
        features = self._encoder.step(mel, frames, again + count)
        return self._speech.step(features[again:], count)

    def _freed(self, wanted: float) -> float:
        """How free the next frame is: as its level says, but speech that the look-ahead tells late begins softly."""
        self._free = min(float(wanted), self._free + 1.0 / _CLOSES)
        return self._free

    def _opened(self, speaks: bool) -> float:
        """The silence of the next frame: it is gone when speech begins, which the look-ahead tells."""
        change = -1.0 / _CLOSES if speaks else 1.0 / _OPENS
        self._silence = min(max(self._silence + change, 0.0), 1.0)
        return self._silence
