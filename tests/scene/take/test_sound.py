"""The sound of a bake: decoded by Blender, named where it is bad, and put on a free channel."""

import bpy
import numpy as np
import pytest
from duet.inference.errors import AudioError
from duet.scene.take import sound
from duet.tests.blender_fakes import (
    apply_take,
    fake_blendshapes,
    fake_head,
    fake_take,
    write_wav,
)

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("scene")]
HEAD, BLENDSHAPES = fake_head(), fake_blendshapes()
HUNDREDTH_MM = 1e-5  # metres


def test_sound_is_decoded_to_mono_at_16_khz(tmp_path):
    seconds = np.arange(96000) / 96000
    tone = 0.5 * np.sin(2 * np.pi * 440 * seconds)
    samples = sound.decode(write_wav(tmp_path / "Ünïcode 96k.wav", tone, 96000, channels=6))
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert abs(len(samples) - 16000) <= 2
    due = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(samples)) / 16000)
    assert np.abs(samples - due)[200:-200].max() < 0.01


def test_sound_above_the_new_band_does_not_alias(tmp_path):
    tone = 0.5 * np.sin(2 * np.pi * 11000 * np.arange(48000) / 48000)
    samples = sound.decode(write_wav(tmp_path / "high.wav", tone + 0.001, 48000))
    assert np.abs(samples[500:-500]).max() < 0.01


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.wav", None, "does not exist"),
        ("folder.wav", "folder", "is a folder"),
        ("zero.wav", b"", "is empty (zero bytes)"),
        ("text.wav", b"These are words, not sound. " * 40, "is not a sound that Blender can read"),
    ],
)
def test_bad_audio_is_named(tmp_path, name, content, message):
    path = tmp_path / name
    if isinstance(content, str):
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        write_wav(path, content)
    with pytest.raises(AudioError) as caught:
        sound.decode(path)
    assert message in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("rate", [16000, 48000])
def test_not_a_number_is_found_at_its_second(tmp_path, rate):
    path, size = tmp_path / "nan.wav", 16 * rate
    samples = np.full(4 * rate, 0.1, "<f4")
    samples[3 * rate] = np.nan
    header = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    header += np.array([3, 1], "<u2").tobytes() + np.array([rate, 4 * rate], "<u4").tobytes()
    header += np.array([4, 32], "<u2").tobytes() + b"data" + size.to_bytes(4, "little")
    path.write_bytes(header + samples.tobytes())
    for begin in (0.0, 1.0):
        with pytest.raises(AudioError, match=r"'nan.wav' is damaged: the sample at 3\.000 s is not a number"):
            sound.decode(path, begin)
    assert len(sound.decode(path, 0.0, 3.0)) == 48000, "what is not spoken may be damaged"


def test_the_strip_starts_at_the_frame_on_a_free_channel(scene, head, voice):
    first = scene.sequence_editor_create().strips.new_sound("Music", str(voice), 1, 1)
    apply_take(scene, head, fake_take(), voice, 31)
    (strip,) = sound.strips_of(scene, head)
    assert strip.name.startswith("Zoë läuft")
    assert (strip.channel, strip.frame_start if bpy.app.version < (5, 1, 0) else strip.content_start) == (2, 31)
    apply_take(scene, head, fake_take(), voice, 41)  # in place of the first one; the music stays
    (strip,) = sound.strips_of(scene, head)
    assert strip.channel == 2
    assert len(scene.sequence_editor.strips) == 2
    assert first.channel == 1
