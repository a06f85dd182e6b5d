"""Statistics of the synthetic channels beside the animated takes', and the lag between jaw and loudness in both.

    python -m duet.training.evaluation.synthetic_statistics --set .cache/synthetic

Both are read at 30 frames a second, in speech only (pauses longer than half a second left out). The test take is
not looked at.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.animated import FPS, TRAINING_TAKES, load_animated
from ..read_at import at_times
from ..speech_rig import CHANNEL_NAMES

_SPEECH = -45.0  # dB of full scale
_NEAR = 0.25  # seconds around speech that count as speech
_LAGS = range(-3, 5)


@dataclass(frozen=True)
class Track:
    """Channels (T, C) at 30 fps, loudness (T,) in dB, and which frames are speech (T,)."""

    channels: NDArray[np.float32]
    loudness: NDArray[np.float64]
    speech: NDArray[np.bool_]


def loudness(samples: NDArray[np.float32], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Level in dB of full scale of the 50 ms around each time."""
    power = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    first, last = (np.clip(((times + d) * 16000).astype(int), 0, len(samples)) for d in (-0.025, 0.025))
    return 10 * np.log10((power[last] - power[first]) / np.maximum(last - first, 1) + 1e-10)


def near(speech: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Frames within a quarter of a second of speech."""
    return np.convolve(speech, np.ones(2 * int(_NEAR * FPS) + 1), "same") > 0


def animated_tracks() -> Iterator[Track]:
    """The training takes."""
    for name in TRAINING_TAKES:
        take = load_animated(name)
        level = loudness(take.samples, take.times)
        yield Track(take.channels, level, near(level > _SPEECH))


def synthetic_tracks(folder: Path, most: int = 2000) -> Iterator[Track]:
    """Training utterances; loudness is only known where the recording was left clean."""
    for path in sorted(folder.glob("*.npz"))[:most]:
        with np.load(path) as data:
            if str(data["split"]) != "train":
                continue
            channels, samples = data["channels"].astype(np.float32), data["samples"].astype(np.float32) / 32768
            phones, spans, clean = data["phones"], data["times"], not str(data["recording"])
        times = (np.arange(int(len(samples) / 16000 * FPS)) + 0.5) / FPS
        spoken = np.zeros(len(times), bool)
        for start, end in spans[phones != ""]:
            spoken |= (times >= start) & (times < end)
        level = loudness(samples, times) if clean else np.full(len(times), np.nan)
        yield Track(at_times(times, channels), level, near(spoken))


def statistics(tracks: list[Track]) -> NDArray[np.float64]:
    """Per channel (C, 7): mean, standard deviation, 95th and 99th percentile, share of frames above 0.02, mean
    absolute change a second, and the frequency in Hz below which half of the velocity's power lies."""
    values = np.concatenate([t.channels[t.speech] for t in tracks])
    speed = np.concatenate([np.abs(np.diff(t.channels, axis=0))[t.speech[1:]] for t in tracks]) * FPS
    power = np.zeros((65, values.shape[1]))
    for track in tracks:
        velocity = np.diff(track.channels, axis=0)
        for start in range(0, len(velocity) - 127, 64):
            power += np.abs(np.fft.rfft(velocity[start : start + 128] * np.hanning(128)[:, None], axis=0)) ** 2
    half = (np.cumsum(power, axis=0) < power.sum(axis=0) / 2).sum(axis=0) * FPS / 128
    columns = (values.mean(0), values.std(0), *np.percentile(values, (95, 99), axis=0), (values > 0.02).mean(0))
    return np.stack([*columns, speed.mean(0), half], axis=1)


def lag(tracks: list[Track]) -> tuple[float, float]:
    """Seconds by which the jaw follows loudness, from the peak of their correlation while there is sound, and that
    correlation.
    """
    heard = [t for t in tracks if np.isfinite(t.loudness).all()]
    r = []
    for shift in _LAGS:
        jaw = np.concatenate([t.channels[:, 0] for t in heard])
        level = np.concatenate([np.roll(t.loudness, shift) for t in heard])
        r.append(np.corrcoef(jaw[level > _SPEECH], level[level > _SPEECH])[0, 1])
    best = int(np.clip(np.argmax(r), 1, len(r) - 2))
    a, b, c = r[best - 1 : best + 2]
    return (_LAGS[best] + 0.5 * (a - c) / (a - 2 * b + c)) / FPS, b


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, default=Path(".cache/synthetic"))
    real, made = list(animated_tracks()), list(synthetic_tracks(parser.parse_args().set))
    print(" " * 20 + "".join(f"{t:>13s}" for t in ("mean", "std", "95 %", "99 %", "on", "speed", "Hz")))
    print(" " * 20 + "  capt. synth" * 7)
    for name, a, b in zip(CHANNEL_NAMES, statistics(real), statistics(made), strict=True):
        print(f"{name:20s} " + "  ".join(f"{x:5.3f} {y:5.3f}" for x, y in zip(a, b, strict=True)))
    for label, tracks in (("animated", real), ("synthetic", made)):
        seconds, r = lag(tracks)
        print(f"{label}: the jaw follows loudness by {1000 * seconds:.0f} ms (r = {r:.2f})")


if __name__ == "__main__":
    main()
