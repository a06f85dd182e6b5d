"""Recordings that claim more than they hold, end early, or come from phones and cameras: right, or one clear error."""

import os
import resource
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from duet.inference.audio import decode as audio_file
from duet.inference.audio.checks import MAX_SECONDS, Length
from duet.inference.audio.decode import load_audio
from duet.inference.errors import AudioError
from duet.tests.audio_samples import claims_hours_mp3, encode_audio, tone, write_wav_claiming
from duet.tests.inference.test_fuzz import check

pytestmark = pytest.mark.slow

LIMIT = 3 << 30  # bytes of addresses for a process that reads a damaged file; importing everything takes a third


def assert_tone(samples, seconds, tolerance=0.06):
    """440 Hz of amplitude 0.5 for so long, at its place to a twentieth of a millisecond but for what a codec pads."""
    assert abs(len(samples) / 16000 - seconds) < 0.04
    middle = samples[8000 : 8000 + 4000]
    np.testing.assert_allclose(middle, tone(16000, 2)[8000 : 8000 + 4000], atol=tolerance)


@pytest.mark.parametrize(
    ("name", "codec", "film"),
    [
        ("phone.m4a", "aac", False),
        ("phone.mp4", "aac", True),
        ("camera.mov", "aac", True),
        ("lossless.mov", "alac", False),
        ("browser.webm", "libopus", True),
        ("screen.mkv", "flac", True),
    ],
)
def test_phones_cameras_and_browsers(tmp_path, name, codec, film):
    path = encode_audio(tmp_path / name, codec, film=film)
    assert_tone(load_audio(path), 2.0)


@pytest.mark.parametrize("subtype", ["GSM610", "MS_ADPCM", "IMA_ADPCM", "ULAW"])
def test_telephone_and_old_windows_codecs(tmp_path, subtype):
    soundfile.write(tmp_path / "old.wav", tone(8000, 2), 8000, subtype=subtype)
    assert_tone(load_audio(tmp_path / "old.wav"), 2.0)


@pytest.mark.parametrize("claimed", [0, 0xFFFFFFFF, 0x7FFFFFFF, 2 * 32000 + 44])
def test_a_length_in_the_header_that_is_not_that_of_the_data(tmp_path, claimed):
    """As a recorder leaves it that was switched off, or a program that writes to a pipe, or counts the header too."""
    write_wav_claiming(tmp_path / "cut.wav", tone(16000, 2), claimed)
    assert_tone(load_audio(tmp_path / "cut.wav"), 2.0, 1e-3)


@pytest.mark.parametrize("name", ["line.wav", "loud.wav", "line.aiff"])
def test_a_line_that_lacks_its_end_is_an_error(tmp_path, name):
    """As a copy that was interrupted; WAV of 16 bits and of floats, which has a chunk before its sound, and AIFF."""
    from duet.scene.take.sound import decode

    path = tmp_path / name
    soundfile.write(path, tone(16000, 1), 16000, subtype="FLOAT" if name.startswith("loud") else "PCM_16")
    path.write_bytes(path.read_bytes()[:20_000])
    for read in (load_audio, decode):
        with pytest.raises(AudioError, match=rf"{name}' is cut off: it has 19,9\d\d of (32|64),\d\d\d bytes of sound"):
            read(path)


def test_a_film_without_sound_and_other_files_are_named(tmp_path):
    encode_audio(tmp_path / "mute.mp4", None, film=True)
    (tmp_path / "list.m4a").write_text("#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:2,\nphone.m4a\n#EXT-X-ENDLIST\n")
    (tmp_path / "line.mp4").write_bytes(os.urandom(4000))
    for name in ("mute.mp4", "list.m4a", "line.mp4"):
        with pytest.raises(AudioError, match=rf"{name}' is not a recording that can be decoded"):
            load_audio(tmp_path / name)


def test_damage_in_the_middle_is_named_by_its_second_and_not_skipped(tmp_path):
    path = encode_audio(tmp_path / "phone.m4a", "aac")
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + 4 + 8000
    data[middle : middle + 4000] = os.urandom(0) + bytes(range(250)) * 16
    path.write_bytes(data)
    with pytest.raises(AudioError, match=r"phone\.m4a' is damaged after \d\.\d+ s"):
        load_audio(path)


def test_without_pyav_the_error_says_so(tmp_path, monkeypatch):
    path = encode_audio(tmp_path / "phone.m4a", "aac")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(AudioError, match="PyAV is not installed"):
        load_audio(path)


def read_bounded(path):
    """`load_audio` in a process that has LIMIT of memory: what it printed."""
    code = "import sys; from pathlib import Path; from duet.inference.audio.decode import load_audio\n"
    code += "from duet.inference.errors import DuetError\n"
    code += "try:\n    print(len(load_audio(Path(sys.argv[1]))))\nexcept DuetError as error:\n    print(error)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT)),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_3690_hours_in_two_kilobytes_take_no_memory(tmp_path):
    claims_hours_mp3(tmp_path / "claims.mp3")
    assert "cannot hold the 3,691.0 hours it claims" in read_bounded(tmp_path / "claims.mp3")


def test_hours_that_are_not_claimed_but_come_are_stopped(tmp_path, monkeypatch):
    """A decoder that never ends, as damaged bytes have made one."""
    soundfile.write(tmp_path / "a.wav", tone(16000, 0.01), 16000)
    size = (tmp_path / "a.wav").stat().st_size

    def endless(path, size):
        while True:
            yield np.full(1 << 20, 0.1, np.float32), 16000

    monkeypatch.setattr(audio_file, "_soundfile_pieces", endless)
    with pytest.raises(AudioError, match=f"{size:,} bytes cannot hold"):
        load_audio(tmp_path / "a.wav")


def test_longer_than_duet_takes():
    Length("day.wav", 1 << 40, 48000).check(MAX_SECONDS * 48000)
    with pytest.raises(AudioError, match=r"'day\.wav' lasts more than the 4 hours that Duet takes\. Cut it"):
        Length("day.wav", 1 << 40, 48000).check(24 * 3600 * 48000)


@pytest.mark.parametrize("rate", [1, 999, 1_000_001])
def test_rates_that_no_sound_has(tmp_path, rate):
    write_wav_claiming(tmp_path / "rate.wav", tone(16000, 2), rate=rate)
    with pytest.raises(AudioError, match=f"sample rate of {rate:,} Hz"):
        load_audio(tmp_path / "rate.wav")


def test_flac_of_hours_of_silence_is_no_damage(tmp_path):
    """Half an hour in some kilobytes: the bound on what bytes can hold is no narrower than the best codec."""
    path = tmp_path / "still.flac"
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        file.write(tone(8000, 1))
        for _ in range(30):
            file.write(np.zeros(60 * 8000, np.float32))
    assert len(load_audio(path)) == 1801 * 16000


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such files")
def test_pipes_and_devices_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    for path in (tmp_path / "pipe.wav", Path("/dev/zero")):
        with pytest.raises(AudioError, match="is no file but a pipe or a device"):
            load_audio(path)


def test_resampling_in_pieces_is_resampling_at_once(tmp_path):
    import soxr

    samples = np.random.default_rng(3).normal(0, 0.1, 5 * 44100 + 7).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 44100, subtype="FLOAT")
    due = soxr.resample(samples, 44100, 16000, "HQ")
    found = load_audio(tmp_path / "a.wav")
    assert abs(len(found) - len(due)) <= 1
    np.testing.assert_allclose(found[: len(due) - 50], due[:-50], atol=1e-6)


def test_the_header_of_a_wav_is_what_the_test_says(tmp_path):
    write_wav_claiming(tmp_path / "cut.wav", tone(16000, 1), 77)
    data = (tmp_path / "cut.wav").read_bytes()
    assert struct.unpack_from("<I", data, data.index(b"data") + 4) == (77,)


@pytest.mark.parametrize("kind", ["audio", "audio in Blender"])
def test_damaged_recordings(tmp_path, kind):
    check(kind, 600, tmp_path)


def test_blender_reads_what_is_there_and_no_more(tmp_path):
    from duet.scene.take.sound import decode

    claims_hours_mp3(tmp_path / "claims.mp3")
    assert 15000 < len(decode(tmp_path / "claims.mp3")) < 18000
    write_wav_claiming(tmp_path / "rate.wav", tone(16000, 2), rate=2_000_000)
    with pytest.raises(AudioError, match="sample rate of 2,000,000 Hz"):
        decode(tmp_path / "rate.wav")


@pytest.mark.parametrize("claimed", [0, 0xFFFFFFFF, 32044])
def test_blender_and_the_command_line_read_the_same(tmp_path, claimed):
    from duet.scene.take.sound import decode

    path = write_wav_claiming(tmp_path / "cut.wav", tone(16000, 1), claimed)
    np.testing.assert_allclose(decode(path), load_audio(path), atol=1e-4)
