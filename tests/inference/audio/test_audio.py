"""Recordings: whatever can be played is read as mono at 16 kHz; what can't gives one error that names it."""

import re

import numpy as np
import pytest
import soundfile
from duet.inference.audio.checks import check_samples
from duet.inference.audio.decode import load_audio
from duet.inference.errors import AudioError
from duet.inference.live.sources import opened
from duet.tests.places import ROOT


def tone(rate, seconds=1.0, hertz=440.0):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def assert_tone(samples, seconds=1.0, tolerance=2e-3):
    """The samples are a 440 Hz tone of amplitude 0.5 at 16 kHz, in phase, away from both ends."""
    assert samples.dtype == np.float32
    assert abs(len(samples) - 16000 * seconds) <= 1
    middle = slice(1000, int(16000 * seconds) - 1000)
    np.testing.assert_allclose(samples[middle], tone(16000, seconds)[middle], atol=tolerance)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000, 96000])
def test_any_rate_becomes_16_khz(tmp_path, rate):
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(rate), rate, subtype="FLOAT")
    assert_tone(load_audio(path))


def test_six_channels_at_96_khz_are_mixed_down(tmp_path):
    path = tmp_path / "film.wav"
    gains = np.array([1, 1, 2, 0, 1, 1], np.float32)
    soundfile.write(path, tone(96000, 2.5)[:, None] * gains, 96000, subtype="FLOAT")
    assert_tone(load_audio(path), 2.5)


def test_tone_above_8_khz_is_not_folded_down(tmp_path):
    path = tmp_path / "high.wav"
    soundfile.write(path, tone(48000, hertz=11000) + 1e-2 * tone(48000), 48000, subtype="FLOAT")
    np.testing.assert_allclose(load_audio(path)[1000:-1000], 1e-2 * tone(16000)[1000:-1000], atol=2e-3)


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3", "aiff"])
def test_compressed_files(tmp_path, suffix):
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, tone(16000, 2.0), 16000)
    samples = load_audio(path)
    assert abs(len(samples) / 16000 - 2.0) < 0.1  # MP3 pads
    peak = np.argmax(np.abs(np.fft.rfft(samples)))
    assert peak / (len(samples) / 16000) == pytest.approx(440, abs=1)


def test_non_ascii_path_and_wrong_suffix(tmp_path):
    path = tmp_path / "Größe Ω 声音" / "naïve – 台詞.take"
    path.parent.mkdir()
    with path.open("wb") as file:
        soundfile.write(file, tone(16000), 16000, format="WAV", subtype="PCM_16")
    assert_tone(load_audio(path))


def fill(name, content=None):
    def make(folder):
        path = folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content is not None:
            soundfile.write(path, content, 16000, subtype="FLOAT")
        return path

    return make


def with_nan(at):
    samples = tone(16000)
    samples[at] = np.nan
    return samples


FAULTY = {
    "missing": (fill("missing.wav"), "There is no file"),
    "folder": (lambda folder: folder, "is a folder"),
    "zero bytes": (fill("zero.wav", b""), "is empty"),
    "text": (fill("text.wav", b"Dear actor, here are your lines.\n" * 40), "can be decoded"),
    "cut header": (fill("cut.wav", b"RIFF\x24\x00\x00\x00WAVEfmt "), "can be decoded"),
    "headerless": (fill("line.raw", bytes(32000)), "can be decoded"),
    "no samples": (fill("none.wav", tone(16000)[:0]), "holds no sound"),
    "short": (fill("short.wav", tone(16000, 0.05)), r"lasts only 0\.050 s"),
    "silent": (fill("silent.wav", np.zeros(16000, np.float32)), "is silent"),
    "nearly silent": (fill("hiss.wav", tone(16000) * 1e-3), "is silent"),
    "nan": (fill("nan.wav", with_nan(8000)), r"sample at 0\.500 s is not a number"),
    "inf": (fill("inf.wav", np.where(np.arange(16000) == 4000, np.inf, tone(16000))), r"at 0\.250 s is not a number"),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_faulty_file_gives_one_error_that_names_it(tmp_path, fault):
    make, pattern = FAULTY[fault]
    path = make(tmp_path)
    with pytest.raises(AudioError, match=pattern) as caught:
        check_samples(load_audio(path), str(path))
    assert str(path) in caught.value.message
    assert caught.value.remedy.endswith(".")


def test_file_name_that_the_system_refuses_is_an_error(tmp_path):
    with pytest.raises(AudioError, match="cannot be read"):
        load_audio(tmp_path / ("x" * 300))


def test_nan_at_another_rate_keeps_its_time(tmp_path):
    samples = tone(48000)
    samples[12000] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 48000, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"at 0\.250 s"):
        load_audio(tmp_path / "nan.wav")


def test_what_is_animated_is_checked_once_where_it_becomes_a_face(tmp_path):
    """Neither decoder asks whether a recording can be animated: what is left of it between the trims must be."""
    paths = [path for room in ("inference", "scene", "operators") for path in (ROOT / room).rglob("*.py")]
    calls = {path.name: re.findall(r"(?<!def )\bcheck_samples\(", path.read_text("utf-8")) for path in paths}
    assert {name: len(found) for name, found in calls.items() if found} == {"pipeline.py": 1, "sources.py": 1}
    with pytest.raises(AudioError, match=r"hush\.wav' is silent"):
        opened(str(fill("hush.wav", np.zeros(16000, np.float32))(tmp_path)), 16000, None, 1.0)


def test_check_samples_makes_float32_of_what_blender_gives():
    samples = check_samples(tone(16000).astype(np.float64)[::-1], "line")
    assert samples.dtype == np.float32
    assert samples.flags.c_contiguous
    with pytest.raises(AudioError, match="'line' has samples of shape"):
        check_samples(np.ones((16000, 2)), "line")
    with pytest.raises(AudioError, match="not a number"):
        check_samples(np.full(16000, 1e300), "line")


def test_quiet_but_audible_speech_passes():
    check_samples(tone(16000) * 0.01, "whisper")
