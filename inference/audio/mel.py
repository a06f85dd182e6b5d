"""Log-mel spectrogram as Whisper takes it, made independent of the recording's level.

Source: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision": 25 ms Hann windows every
10 ms, 80 Slaney mel bands to 8 kHz, log10, floor 8 decades below the loudest, (x + 4) / 4. Whisper keeps the level;
here the loud frames of the recording are shifted to one reference, so that a quiet take moves the same lips.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from .checks import SAMPLE_RATE
from .stretch import stretch_of

HOP = 160  # samples: 100 mel frames a second
WINDOW = 400  # samples: 25 ms
BANDS = 80
MEL_RATE = SAMPLE_RATE // HOP
REFERENCE_LEVEL = 1.0  # log10 power that the loud frames are shifted to
MAX_GAIN = 4.0  # decades of power (40 dB): what is quieter than that is noise, not quiet speech
_LOUD_QUANTILE = 0.98
_FLOOR = 1e-10
_BLOCK = 500  # mel frames computed together
_KEPT = 5 * 60 * MEL_RATE  # mel frames of a short recording: 10 MB


def mel_filters() -> Floats:
    """Slaney-normalised triangular filters (80, 201), area 1 each, from 0 to 8 kHz (as librosa.filters.mel)."""
    bins = np.linspace(0, SAMPLE_RATE / 2, WINDOW // 2 + 1)
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(SAMPLE_RATE / 2), BANDS + 2))
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def _hz_to_mel(hz: float) -> float:
    return hz * 3 / 200 if hz < 1000 else 15.0 + np.log(hz / 1000.0) * 27.0 / np.log(6.4)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15.0, mel * 200 / 3, 1000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27.0))


_FILTERS = mel_filters()
_HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


def mel_frame_count(sample_count: int) -> int:
    """Mel frames of a recording: frame i is centred on sample 160 i."""
    return sample_count // HOP


def log_power(samples: Floats, start: int, stop: int) -> Floats:
    """Log10 mel power (stop - start, 80) of mel frames `start` to `stop`; silence is assumed outside the recording."""
    return power_of(stretch_of(samples, start * HOP - WINDOW // 2, (stop - 1) * HOP + WINDOW // 2))


def power_of(piece: Floats) -> Floats:
    """Log10 mel power (n, 80) of samples (WINDOW + (n - 1) HOP,), whose first frame is centred half a window in."""
    frames = np.lib.stride_tricks.sliding_window_view(piece, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * _HANN, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.log10(np.maximum(power.astype(np.float32) @ _FILTERS.T, _FLOOR))


class LogMel:
    """A recording's log10 mel power: `levels` (frames,) of each mel frame's strongest band, and windows of it.

    Of a short recording the power is kept; of a long one, whose memory must not grow, it is computed again.
    """

    def __init__(self, samples: Floats) -> None:
        """Of samples (N,) at 16 kHz."""
        count = mel_frame_count(len(samples))
        self._samples = samples
        self._kept = np.empty((count if count <= _KEPT else 0, BANDS), np.float32)
        self.levels = np.empty(count, np.float32)
        for start in range(0, count, _BLOCK):
            power = log_power(samples, start, min(start + _BLOCK, count))
            self.levels[start : start + len(power)] = power.max(axis=1)
            self._kept[start : start + len(power)] = power[: len(self._kept)]

    @cached_property
    def level(self) -> float:
        """Log10 power of the loud frames, to which windows are normalised."""
        return loudest(self.levels)

    def normalised(self, start: int, stop: int) -> Floats:
        """Whisper's input (stop - start, 80) for mel frames `start` to `stop`."""
        power = self._kept[start:stop] if len(self._kept) else log_power(self._samples, start, stop)
        return normalised(power, self.level)


def frame_levels(samples: Floats) -> Floats:
    """Log10 power (frames,) of each mel frame's strongest band."""
    return LogMel(samples).levels


def loudest(levels: Floats) -> float:
    """Log10 power of a recording's loud frames: the 0.98 quantile of its `frame_levels` (frames,)."""
    return float(np.quantile(levels, _LOUD_QUANTILE))


def loud_level(samples: Floats) -> float:
    """`loudest` of samples (N,)."""
    return loudest(frame_levels(samples))


def normalised(power: Floats, level: float) -> Floats:
    """Whisper's input (n, 80) of log10 mel power (n, 80), given the recording's `loud_level`."""
    gain = min(REFERENCE_LEVEL - level, MAX_GAIN)
    floor = REFERENCE_LEVEL - 8.0 + 0.5
    return (np.clip(power + np.float32(gain), floor, None) + np.float32(4.0)) / np.float32(4.0)


def normalised_mel(samples: Floats, start: int, stop: int, level: float) -> Floats:
    """Whisper's input (stop - start, 80) for mel frames `start` to `stop`, given the recording's `loud_level`."""
    return normalised(log_power(samples, start, stop), level)
