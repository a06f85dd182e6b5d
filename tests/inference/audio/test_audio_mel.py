"""The front end against librosa's definitions and its own promises."""

import librosa
import numpy as np
import pytest
from duet.inference.audio import mel
from duet.inference.audio.mel import (
    MAX_GAIN,
    LogMel,
    log_power,
    loud_level,
    mel_filters,
    mel_frame_count,
    normalised_mel,
)


@pytest.fixture(scope="module")
def speech(recording):
    return recording[: 16000 * 3]


def test_filters_are_librosas():
    expected = librosa.filters.mel(sr=16000, n_fft=400, n_mels=80)
    np.testing.assert_allclose(mel_filters(), expected, atol=1e-6)


def test_log_power_is_librosas_melspectrogram(speech):
    expected = librosa.feature.melspectrogram(
        y=speech, sr=16000, n_fft=400, hop_length=160, n_mels=80, pad_mode="constant"
    )
    expected = np.log10(np.maximum(expected, 1e-10)).T
    np.testing.assert_allclose(log_power(speech, 0, 300), expected[:300], atol=2e-3)


def test_a_piece_is_the_same_as_the_whole(speech):
    whole = log_power(speech, 0, 300)
    np.testing.assert_allclose(log_power(speech, 120, 180), whole[120:180], atol=1e-4)


def test_what_is_kept_of_a_short_recording_is_as_what_is_computed_again_of_a_long_one(speech, monkeypatch):
    kept = LogMel(speech)
    monkeypatch.setattr(mel, "_KEPT", 100)
    again = LogMel(speech)
    assert len(kept.levels) == 300
    np.testing.assert_array_equal(kept.levels, again.levels)
    assert kept.level == loud_level(speech)
    np.testing.assert_allclose(kept.normalised(40, 250), again.normalised(40, 250), atol=1e-6)
    np.testing.assert_allclose(kept.normalised(40, 250), normalised_mel(speech, 40, 250, kept.level), atol=1e-6)


def test_level_does_not_matter(speech):
    loud = normalised_mel(speech, 0, 300, loud_level(speech))
    quiet = speech * np.float32(0.1)
    np.testing.assert_allclose(normalised_mel(quiet, 0, 300, loud_level(quiet)), loud, atol=1e-3)


def test_noise_is_not_raised_to_the_level_of_speech():
    hiss = np.random.default_rng(0).normal(0, 1e-5, 16000).astype(np.float32)
    raised = normalised_mel(hiss, 0, 100, loud_level(hiss)) * 4 - 4
    assert raised.max() == pytest.approx(log_power(hiss, 0, 100).max() + MAX_GAIN, abs=1e-4)


def test_frame_count():
    assert mel_frame_count(16000) == 100
