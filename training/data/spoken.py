"""Speech whose phones are known, to measure a face by: synthetic voices, and real people's aligned recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ..features import CACHE
from ..speech_rig import CHANNEL_NAMES
from ..synthesis.coarticulation import FRAME_RATE, LAG, channels_of, loudness_gains
from ..synthesis.utterance import PAUSE, Segment
from .alignment import aligned, real_recordings

SYNTHETIC = CACHE / "synthetic"
HELD_OUT = {"heldout_voice": "unseen voices", "heldout_language": "unseen language"}

# IPA letters; diacritics and length do not change the class.
BILABIAL = frozenset("pbmɓ")
ROUNDED = frozenset("uʊyʏʉoɔøœɵwʍɥʃʒʂʐ")
SPREAD = frozenset("iɪɨeɛæj")
OPEN = frozenset("aɑæɐɶ")
NEARLY_SHUT = frozenset("pbmɓfvszʃʒʂʐɕʑiɨyujwɥ")
# measure -> the sounds that have much of it, and those it must be told from; None: every other sound
CONTRASTS = {"closure": (BILABIAL, None), "rounding": (ROUNDED, SPREAD), "opening": (OPEN, NEARLY_SHUT)}


@dataclass(frozen=True, eq=False)
class Spoken:
    """Samples (N,) at 16 kHz, phones in IPA with times, and channels (T, C) at 50 Hz as coarticulation makes them."""

    name: str
    group: str
    voice: str
    samples: Floats
    segments: tuple[Segment, ...]
    channels: Floats


def synthetic_speech(split: str, folder: Path = SYNTHETIC, most: int | None = None) -> Iterator[Spoken]:
    """Utterances of one split of the synthetic set, the last first: the first choose the best step in training."""
    found = 0
    for path in sorted(folder.glob("*.npz"), reverse=True):
        with np.load(path) as data:
            if str(data["split"]) != split:
                continue
            samples = data["samples"].astype(np.float32) / 32767
            pairs = zip(data["phones"], data["times"], strict=True)
            segments = tuple(Segment(str(phone), float(start), float(end)) for phone, (start, end) in pairs)
            channels = _in_order(data["channels"].astype(np.float32), [str(name) for name in data["channel_names"]])
            group = HELD_OUT.get(split, split)
            voice = f"{data['language']} {data['voice']}"
        yield Spoken(path.stem, group, voice, samples, segments, channels)
        found += 1
        if found == most:
            return


def real_speech(folder: Path | None = None) -> Iterator[Spoken]:
    """People's recordings with phones found by the recogniser, and the motion that those phones call for."""
    for recording in real_recordings(folder):
        segments = aligned(recording)
        gains = loudness_gains(segments, recording.samples)
        channels = channels_of(segments, int(len(recording.samples) / 16000 * FRAME_RATE), gains)
        yield Spoken(recording.name, "real English", recording.speaker, recording.samples, segments, channels)


def _in_order(channels: Floats, names: Sequence[str]) -> Floats:
    """Columns in the rig's order; a channel that the file lacks is NaN."""
    unknown = np.full(len(channels), np.nan, np.float32)
    return np.stack([channels[:, names.index(n)] if n in names else unknown for n in CHANNEL_NAMES], axis=1)


def base_of(phone: str) -> str:
    """A phone's first letter without what modifies it; "" for silence."""
    return phone[:1]


def phones_at(segments: Sequence[Segment], count: int) -> NDArray[np.str_]:
    """The base letter (count,) of the phone that each frame at 50 Hz shows: the face follows the sound by LAG."""
    times = np.arange(count) / FRAME_RATE - LAG
    index = np.searchsorted([s.start for s in segments], times, side="right") - 1
    letters = np.array([base_of(s.phone) for s in segments])
    return np.where((index >= 0) & (times < segments[-1].end), letters[np.clip(index, 0, None)], PAUSE)


def contrast(measure: str, letters: NDArray[np.str_]) -> NDArray[np.int8]:
    """For each frame 1 where its phone has much of the measure, 0 where it has little, -1 where it does not count."""
    much, little = CONTRASTS[measure]
    is_much = np.isin(letters, list(much))
    is_little = np.isin(letters, list(little - much)) if little is not None else (letters != PAUSE) & ~is_much
    return np.where(is_much, 1, np.where(is_little, 0, -1)).astype(np.int8)
