"""Phones of real recordings and when they are spoken, found by PocketSphinx (its en-us model comes with the package).

Where the words are known they are aligned; where they are not, phones alone are recognised, which is also what
Rhubarb Lip Sync does for languages that its recogniser lacks. Times are those of the recogniser's 10 ms frames.
"""

from __future__ import annotations

import functools
import os
import re
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...inference.arrays import Floats
from ...inference.audio.mel import SAMPLE_RATE
from ...inference.errors import DuetError
from ..synthesis.utterance import PAUSE, Segment, merge_pauses

_FRAME = 0.01  # seconds
_SETTINGS = {"loglevel": "FATAL", "bestpath": False, "dither": False}
# Phone recognition as PocketSphinx's manual recommends it: wide beams and a language model of phones.
_PHONES = {"beam": 1e-20, "pbeam": 1e-20, "lw": 2.0, "pip": 0.3}

# CMU's ARPAbet to the IPA of synthesis/phones.py; diphthongs are two sounds of one phone's time.
ARPABET = {
    **{"AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð"},
    **{"EH": "ɛ", "ER": "ɝ", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "dʒ", "K": "k"},
    **{"L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ"},
    **{"T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ"},
}


class AlignmentError(DuetError):
    """The recogniser cannot align these words with this recording."""

    kind = "alignment"


@dataclass(frozen=True, eq=False)
class Recording:
    """A person's speech: samples (N,) at 16 kHz, and its words, "" where nobody wrote them down."""

    name: str
    speaker: str
    samples: Floats
    words: str


def recordings_folder() -> Path:
    """Debian's pocketsphinx-testdata: the environment variable DUET_SPHINX_DATA, else where the package installs."""
    return Path(os.environ.get("DUET_SPHINX_DATA", "/usr/share/pocketsphinx/test/data"))


def real_recordings(folder: Path | None = None) -> Iterator[Recording]:
    """English lines by several people: a LibriVox reader, and the callers of PocketSphinx's own tests.

    Raises AlignmentError where the folder is not there.
    """
    folder = folder or recordings_folder()
    if not (folder / "librivox").is_dir():
        raise AlignmentError(
            f"There are no recordings in {folder}.",
            "Install Debian's pocketsphinx-testdata, or set DUET_SPHINX_DATA to the folder that holds librivox/.",
        )
    for group, speaker in (("librivox", "librivox reader"), ("cards", "card player")):
        for name, words in _transcript(folder / group).items():
            yield Recording(name, speaker, _read_wave(folder / group / f"{name}.wav"), words)
    for name, words in (("goforward", "go forward ten meters"), ("numbers", ""), ("something", "")):
        samples = np.frombuffer((folder / f"{name}.raw").read_bytes(), "<i2").astype(np.float32) / 32768
        yield Recording(name, name, samples, words)


def _transcript(folder: Path) -> dict[str, str]:
    """Words by file name, from Sphinx's `<s> words </s> (name)`."""
    (path,) = folder.glob("*transcription")
    lines = re.findall(r"<s>(.*)</s>\s*\((\S+)\)", path.read_text("utf-8"))
    return {name: " ".join(words.split()) for words, name in lines}


def _read_wave(path: Path) -> Floats:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768


def aligned(recording: Recording) -> tuple[Segment, ...]:
    """Phones in IPA with times, from 0 to the recording's end: by its words, or by those that are recognised.

    Raises AlignmentError where the words do not fit the sound.
    """
    words = recording.words or recognised_words(recording.samples)
    from pocketsphinx import Decoder

    decoder = Decoder(lm=None, **_SETTINGS)
    missing = [word for word in words.split() if decoder.lookup_word(word) is None]
    if missing:
        raise AlignmentError(
            f"{recording.name}: the dictionary lacks {', '.join(missing)}.", "Spell them as words that it holds."
        )
    decoder.set_align_text(words)
    decode(decoder, recording.samples)
    try:
        decoder.set_alignment()  # from words to phones: a second pass
    except RuntimeError as error:
        raise AlignmentError(f"{recording.name} does not say {words!r}.", "Check its transcript.") from error
    decode(decoder, recording.samples)
    entries = [(phone.name, phone.start, phone.duration) for word in decoder.get_alignment() for phone in word]
    return _segments(entries, len(recording.samples) / SAMPLE_RATE)


def recognised_words(samples: Floats) -> str:
    """The words that PocketSphinx hears, without its marks of noise and silence."""
    from pocketsphinx import Decoder

    decoder = Decoder(**_SETTINGS)
    decode(decoder, samples)
    hypothesis = decoder.hyp()
    return hypothesis.hypstr if hypothesis else ""


def recognised_phones(samples: Floats) -> tuple[Segment, ...]:
    """Phones in IPA with times, recognised without knowing words or language: (N,) samples at 16 kHz."""
    decoder = _phone_decoder()
    decode(decoder, samples)
    entries = [(s.word, s.start_frame, s.end_frame - s.start_frame + 1) for s in decoder.seg() or ()]
    return _segments(entries, len(samples) / SAMPLE_RATE)


@functools.cache
def _phone_decoder():  # type: ignore[no-untyped-def]  # pocketsphinx has no types
    from pocketsphinx import Decoder, get_model_path

    return Decoder(allphone=get_model_path("en-us/en-us-phone.lm.bin"), lm=None, **_SETTINGS, **_PHONES)


def decode(decoder, samples: Floats) -> None:  # type: ignore[no-untyped-def]  # pocketsphinx has no types
    """Let a decoder hear samples (N,) at 16 kHz."""
    pcm = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()


def _segments(entries: list[tuple[str, int, int]], duration: float) -> tuple[Segment, ...]:
    """ARPAbet phones (name, first frame, frames) as IPA segments without gaps; noises are silence.

    A diphthong's two sounds share its time in halves.
    """
    segments, end = [], 0.0
    for name, first, count in entries:
        start, stop = first * _FRAME, (first + count) * _FRAME
        if start > end:
            segments.append(Segment(PAUSE, end, start))
        sounds = ARPABET.get(name.rstrip("012"), PAUSE)
        split = [sounds] if len(sounds) <= 1 else list(sounds)
        edges = np.linspace(start, stop, len(split) + 1)
        segments += [Segment(s, float(a), float(b)) for s, a, b in zip(split, edges, edges[1:], strict=False)]
        end = stop
    segments.append(Segment(PAUSE, end, max(duration, end)))
    return merge_pauses(segments)
