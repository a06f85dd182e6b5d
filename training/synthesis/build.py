"""The synthetic training set, one command, resumable.

    python -m duet.training.synthesis.build --hours 3 --out .cache/synthetic

Writes one .npz per utterance: samples (N,) int16 at 16 kHz; phones (P,) IPA, "" for silence; times (P, 2) start and
end in seconds; gains (P,), how far loudness and stress open each phone; channels (T, C) float16 in the rig's channels
(names in `channel_names`), frame i at i / 50 s; language, voice, split ("train", "heldout_voice",
"heldout_language"), text, and `recording`, what was done to the sound. Held-out utterances are left clean. Sentences
that a voice cannot speak are listed in skipped.txt and not tried again. `--refresh` writes the channels of finished
utterances anew, after a change of phones.py or coarticulation.py.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..speech_rig import CHANNEL_NAMES
from . import espeak, kokoro, piper, text
from .augment import recorded
from .coarticulation import FRAME_RATE, channels_of, loudness_gains
from .plan import ESPEAK_ENGLISH, ESPEAK_NAMES, TRAIN, Item, items, sources
from .sampling import shifted
from .utterance import SAMPLE_RATE, Segment, SynthesisError, Utterance

_BABBLE_VOICES = 40
_RECORDED = 0.6  # of the training utterances go through a room, a microphone, ...


@dataclass(frozen=True)
class Finished:
    """A finished utterance: what its file holds."""

    item: Item
    utterance: Utterance
    gains: NDArray[np.float64]
    channels: NDArray[np.float32]
    recording: str


def speak(item: Item, rng: np.random.Generator) -> Utterance:
    """The item's sentence in its voice, at a random pace and pitch, between stretches of silence."""
    source, voice = item.voice.split("/")
    language = ESPEAK_NAMES.get(item.language, item.language)
    pace = float(rng.uniform(0.85, 1.2))
    if source == "espeak":
        settings = espeak.EspeakVoice(voice, int(165 * pace), int(rng.integers(30, 70)), int(rng.integers(30, 75)))
        if item.language == "en":
            language = ESPEAK_ENGLISH[rng.integers(len(ESPEAK_ENGLISH))]
        sentence = text.pinyin(item.sentence) if item.language == "zh" else item.sentence
        utterance, factor = espeak.speak(sentence, language, settings), rng.uniform(0.92, 1.1)
    elif source == "piper":  # a man; up to a fifth shorter a vocal tract makes a woman or a child of him
        utterance, factor = piper.speak(item.sentence, int(rng.integers(1 << 31)), pace), rng.uniform(0.9, 1.3)
    else:
        utterance, factor = kokoro.speak(item.sentence, language, voice, pace, rng), rng.uniform(0.85, 1.15)
    if not any(s.phone for s in utterance.segments):
        raise SynthesisError(f"Nothing was said for {item.sentence!r}.", "Leave the sentence out.")
    utterance = shifted(utterance, float(factor))
    peak = np.abs(utterance.samples).max()
    utterance = utterance.timed(1.0, (utterance.samples * (0.6 / max(peak, 1e-3))).astype(np.float32))
    return utterance.padded(*rng.uniform(0.2, 0.6, 2))


def make(item: Item, seed: int, others: Sequence[NDArray[np.float32]]) -> Finished:
    """Speech, face and recording of one item; the same for the same item, seed and babble."""
    rng = np.random.default_rng((seed, item.number, 1))
    utterance = speak(item, rng)
    gains = loudness_gains(utterance.segments, utterance.samples)
    channels = channels_of(utterance.segments, int(utterance.duration * FRAME_RATE), gains)
    recording = ""
    if item.split == TRAIN and rng.random() < _RECORDED:
        samples, recording = recorded(utterance.samples, rng, others)
        utterance = utterance.timed(1.0, samples)
    return Finished(item, utterance, gains, channels, recording)


def save(spoken: Finished, path: Path) -> None:
    """Write the item's file whole or not at all."""
    item, segments = spoken.item, spoken.utterance.segments
    arrays = {
        "samples": np.round(np.clip(spoken.utterance.samples, -1, 1) * 32767).astype(np.int16),
        "phones": np.array([s.phone for s in segments]),
        "times": np.array([(s.start, s.end) for s in segments], np.float32),
        "gains": spoken.gains.astype(np.float32),
        "channels": spoken.channels.astype(np.float16),
        "channel_names": np.array(CHANNEL_NAMES),
        "recording": np.array(spoken.recording),
        "text": np.array(item.sentence),
    }
    arrays |= {name: np.array(getattr(item, name)) for name in ("language", "voice", "split")}
    _write(path, arrays)


def _write(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, **arrays)
    partial.replace(path)


def refresh(out: Path) -> None:
    """Channels of every finished utterance, computed anew from its phones."""
    for path in sorted(out.glob("*.npz")):
        with np.load(path) as data:
            arrays = dict(data)
        pairs = zip(arrays["phones"], arrays["times"], strict=True)
        segments = [Segment(str(phone), float(start), float(end)) for phone, (start, end) in pairs]
        channels = channels_of(segments, len(arrays["channels"]), arrays["gains"].astype(np.float64))
        _write(path, arrays | {"channels": channels.astype(np.float16), "channel_names": np.array(CHANNEL_NAMES)})


def babble(seed: int) -> list[NDArray[np.float32]]:
    """Utterances that are only ever heard in the background."""
    voices = ("f1", "m1", "f3", "m3", "f5", "m8")
    pool = text.sentences("de")[::-1][:_BABBLE_VOICES]
    rng = np.random.default_rng((seed, 2))
    made = (espeak.speak(s, "de", espeak.EspeakVoice(voices[rng.integers(len(voices))])) for s in pool)
    return [u.samples for u in made]


def build(out: Path, hours: float, seed: int) -> None:
    """Make what is missing until the set is `hours` long."""
    out.mkdir(parents=True, exist_ok=True)
    installed = sources()
    if "espeak" not in installed:
        espeak.transcribe("one", "en-us")  # says what to install
    _check_settings(out, {"seed": seed, "sources": list(installed), "channels": list(CHANNEL_NAMES)})
    skipped_file = out / "skipped.txt"
    skipped = {line[:6] for line in skipped_file.read_text("utf-8").splitlines()} if skipped_file.exists() else set()
    silent = [name for name in text.SOURCES if not text.sentences(name)]
    if silent:
        print(f"No sentences for {', '.join(silent)}: install Debian's fortunes in these languages.", flush=True)
    others, total, made, begun = babble(seed), 0.0, 0, time.monotonic()
    for item in items(seed, installed):
        if total >= hours * 3600:
            break
        path = out / f"{item.number:06d}.npz"
        if path.stem in skipped:
            continue
        if not path.exists():
            try:
                save(make(item, seed, others), path)
            except SynthesisError as error:
                with skipped_file.open("a", encoding="utf-8") as file:
                    file.write(f"{path.stem} {item.voice} {error}\n")
                continue
            made += 1
        total += duration_of(path)
        if item.number % 50 == 0:
            pace = made / max(time.monotonic() - begun, 1e-9)
            print(f"{total / 3600:.2f} of {hours:g} hours, item {item.number}, {pace:.1f} items a second", flush=True)


def duration_of(path: Path) -> float:
    """Seconds of speech in a file."""
    with np.load(path) as data:
        return len(data["samples"]) / SAMPLE_RATE


def _check_settings(out: Path, settings: dict[str, object]) -> None:
    """A folder holds one build: with another seed, other sources or channels, its files would not fit together."""
    path = out / "settings.json"
    found = path.read_text("utf-8") if path.exists() else json.dumps(settings)
    if json.loads(found) != settings:
        raise SynthesisError(f"{out} was built with other settings: {found}", "Choose another folder.")
    path.write_text(json.dumps(settings), "utf-8")


def main() -> None:
    """Build or refresh."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--out", type=Path, default=Path(".cache/synthetic"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--refresh", action="store_true")
    arguments = parser.parse_args()
    if arguments.refresh:
        refresh(arguments.out)
    else:
        build(arguments.out, arguments.hours, arguments.seed)


if __name__ == "__main__":
    main()
