"""Speech with phone times from eSpeak NG, in a hundred languages, through the C library's phoneme events.

Needs Debian's libespeak-ng1 and espeak-ng-data. Each call runs in a forked child: the library keeps state between
sentences, so that only a fresh copy of it gives the same samples for the same request, and a hang can be ended.
"""

from __future__ import annotations

import ctypes
import functools
import os
import pickle
import select
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .phones import sounds_of
from .sampling import to_16k
from .utterance import PAUSE, Segment, SynthesisError, Utterance, merge_pauses

LIBRARY = "libespeak-ng.so.1"
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4  # espeak_PARAMETER
_SYNCHRONOUS, _PHONEME_EVENTS_IN_IPA, _UTF8 = 2, 3, 1
_PHONEME_EVENT, _END_OF_EVENTS = 7, 0
_SILENT = 10 ** (-60 / 20)
_LONGEST_CLOSURE = 0.12  # seconds
_VOICELESS_STOPS = set("ptkcʈq")
_NOT_IPA = {"??": "ʔ", 'u"': "ʉ", "ɪ^": "ɪ"}  # eSpeak's own mnemonics (German, Russian, Portuguese)


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h, revision 12."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # milliseconds
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True)
class EspeakVoice:
    """A voice variant and its settings: words a minute, pitch and its range from 0 to 99."""

    variant: str
    rate: int = 165
    pitch: int = 50
    pitch_range: int = 50


@functools.cache
def _library() -> tuple[ctypes.CDLL, int]:
    """The library, initialised, and its sample rate."""
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise SynthesisError(
            f"{LIBRARY} cannot be loaded ({error}).", "Install the packages libespeak-ng1 and espeak-ng-data."
        ) from error
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS_IN_IPA)
    if rate <= 0:
        raise SynthesisError("eSpeak NG has no data.", "Install the package espeak-ng-data.")
    return library, rate


def available() -> bool:
    """Whether the library and its data are installed."""
    try:
        _library()
    except SynthesisError:
        return False
    return True


def _in_child(work: Callable[[], Any], timeout: float = 60.0) -> Any:
    """The result of `work`, run in a forked copy of this process."""
    _library()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            reply: tuple[bool, Any] = (True, work())
        except Exception as error:
            reply = (False, str(error))
        with os.fdopen(write, "wb") as pipe:
            pickle.dump(reply, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        if not select.select([pipe], [], [], timeout)[0]:
            os.kill(child, signal.SIGKILL)
        data = pipe.read()
    os.waitpid(child, 0)
    if not data:
        raise SynthesisError(f"eSpeak NG gave no answer within {timeout:g} s.", "Leave this sentence out.")
    done, result = pickle.loads(data)
    if not done:
        raise SynthesisError(f"eSpeak NG failed: {result}", "Check the voice and the text.")
    return result


def _set_voice(library: ctypes.CDLL, name: str) -> None:
    if library.espeak_SetVoiceByName(name.encode()) != 0:
        raise SynthesisError(f"eSpeak NG has no voice {name!r}.", "See `espeak-ng --voices`.")


def transcribe(text: str, language: str) -> str:
    """Text as IPA with stress marks, without punctuation."""

    def work() -> str:
        library, _ = _library()
        _set_voice(library, language)
        pointer = ctypes.c_char_p(text.encode())
        parts = []
        while pointer.value:
            parts.append(library.espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, 2).decode())
        return " ".join(parts)

    return str(_in_child(work)).strip()


def _events(text: str, language: str, voice: EspeakVoice) -> tuple[NDArray[np.int16], list[tuple[float, str]], int]:
    """Samples, phoneme events (seconds, IPA) and the sample rate; runs in the child."""
    library, rate = _library()
    _set_voice(library, f"{language}+{voice.variant}" if voice.variant else language)
    for parameter, value in ((_RATE, voice.rate), (_PITCH, voice.pitch), (_RANGE, voice.pitch_range)):
        library.espeak_SetParameter(parameter, value, 0)
    pieces: list[NDArray[np.int16]] = []
    events: list[tuple[float, str]] = []

    def receive(wave: Any, count: int, event: Any) -> int:
        if wave and count:
            pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while event[index].type != _END_OF_EVENTS:
            if event[index].type == _PHONEME_EVENT:
                name = ctypes.string_at(ctypes.addressof(event[index]) + _Event.id.offset, 8).split(b"\0")[0]
                # names longer than eight bytes are cut, maybe within a modifier
                events.append((event[index].audio_position / 1000, name.decode(errors="ignore")))
            index += 1
        return 0

    callback = _CALLBACK(receive)
    library.espeak_SetSynthCallback(callback)
    data = text.encode() + b"\0"
    library.espeak_Synth(data, len(data), 0, 1, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    return (np.concatenate(pieces) if pieces else np.zeros(0, np.int16)), events, rate


def speak(text: str, language: str, voice: EspeakVoice) -> Utterance:
    """One sentence with its phones. Raises SynthesisError, and UnknownPhoneError for phones that the table lacks."""
    wave, events, rate = _in_child(lambda: _events(text, language, voice))
    samples = wave.astype(np.float32) / 32768
    segments = _segments(events, len(samples) / rate)
    return Utterance(to_16k(samples, rate), merge_pauses(_with_closures(segments, samples, rate)))


def _segments(events: list[tuple[float, str]], end: float) -> list[Segment]:
    """Events as phones; a group such as "aɪ" shares its time among its sounds."""
    events = [(t, name) for t, name in events if not name.startswith("(")]  # "(en)" marks a change of language
    segments = [Segment(PAUSE, 0.0, events[0][0])] if events else []
    for (start, name), (stop, _) in zip(events, [*events[1:], (end, PAUSE)], strict=True):
        sounds = sounds_of(_NOT_IPA.get(name, name))
        if not sounds:
            segments.append(Segment(PAUSE, start, stop))
        total = sum(sound.weight for sound in sounds)
        for sound in sounds:
            length = (stop - start) * sound.weight / total
            begin = segments[-1].end if segments else start
            segments.append(Segment(sound.phone, begin, begin + length, sound.stress))
    return segments


def _with_closures(segments: list[Segment], samples: NDArray[np.float32], rate: int) -> list[Segment]:
    """Voiceless stops from their closure on: eSpeak's event marks the burst, after 30 to 60 ms of digital silence."""
    fixed = list(segments)
    for i in range(1, len(fixed)):
        previous, stop = fixed[i - 1], fixed[i]
        if stop.phone[:1] not in _VOICELESS_STOPS:
            continue
        burst = int(stop.start * rate)
        before = samples[max(burst - int(_LONGEST_CLOSURE * rate), 0) : burst]
        sounding = np.flatnonzero(np.abs(before) > _SILENT)
        closure = (len(before) - 1 - sounding[-1] if len(sounding) else len(before)) / rate
        start = max(stop.start - closure, previous.start + 0.3 * (previous.end - previous.start))
        fixed[i - 1], fixed[i] = previous._replace(end=start), stop._replace(start=start)
    return fixed
