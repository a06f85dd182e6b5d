"""Changes of the recording: as drawn, as long, and not a sample out of time; changes of the voice: times follow."""

import numpy as np
import pytest
from duet.training.synthesis import augment
from duet.training.synthesis.sampling import shifted, to_16k
from duet.training.synthesis.utterance import Segment, Utterance

STEPS = (augment.room, augment.microphone, augment.noisy, augment.codec, augment.level)


def rng(seed=3):
    return np.random.default_rng(seed)


@pytest.fixture
def clicks():
    """A train of short tone bursts, whose place is easily found again."""
    time = np.arange(32000) / 16000
    bursts = (np.sin(2 * np.pi * 900 * time) * np.exp(-60 * (time % 0.37))).astype(np.float32)
    return 0.3 * bursts


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.__name__)
@pytest.mark.parametrize("seed", range(4))
def test_each_step_changes_the_sound_but_not_its_time(clicks, step, seed):
    changed = step(clicks, rng(seed))
    assert changed.shape == clicks.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    assert not np.allclose(changed, clicks)
    correlation = np.correlate(changed[400:-400], clicks, "valid")[::-1]
    assert abs(int(np.argmax(np.abs(correlation))) - 400) <= 8  # half a millisecond


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.__name__)
def test_the_same_seed_gives_the_same_sound(clicks, step):
    np.testing.assert_array_equal(step(clicks, rng()), step(clicks, rng()))
    assert not np.array_equal(step(clicks, rng(1)), step(clicks, rng(2)))


def test_noise_is_as_loud_as_asked(clicks):
    for seed in range(20):
        noise = augment.noisy(clicks, rng(seed)) - clicks
        ratio = 20 * np.log10(augment._level(clicks) / np.sqrt(np.mean(noise**2)))
        assert 4.9 < ratio < 30.1


def test_babble_is_made_of_other_voices(clicks):
    voice = np.sin(np.arange(8000) * 0.3).astype(np.float32)
    kinds = [augment.noise_of(16000, rng(seed), [voice]) for seed in range(12)]
    tone = [abs(np.fft.rfft(n)[round(0.3 / (2 * np.pi) * 16000)]) / np.abs(np.fft.rfft(n)).sum() for n in kinds]
    assert max(tone) > 0.05 > min(tone)


def test_telephone_loses_what_is_above_4_khz():
    noise = rng().standard_normal(32000).astype(np.float32) * 0.1
    lost = []
    for seed in range(8):
        spectrum = np.abs(np.fft.rfft(augment.codec(noise, rng(seed))))
        lost.append(spectrum[15000:].mean() / spectrum[2000:6000].mean())
    assert max(lost) < 0.5


def test_level_covers_quiet_and_loud(clicks):
    levels = [20 * np.log10(augment._level(augment.level(clicks, rng(s)))) for s in range(30)]
    assert min(levels) < -30
    assert max(levels) > -18
    assert all(np.abs(augment.level(clicks, rng(s))).max() <= 1 for s in range(30))


def test_recorded_says_what_was_done(clicks):
    said = {augment.recorded(clicks, rng(seed))[1] for seed in range(60)}
    assert {"room", "microphone", "noisy", "codec", "level"} <= set("+".join(said).split("+"))
    quiet = next(s for s in range(200) if augment.recorded(clicks, rng(s))[1] == "")
    np.testing.assert_array_equal(augment.recorded(clicks, rng(quiet))[0], clicks)


def test_a_shorter_vocal_tract_moves_pitch_and_times_alike():
    time = np.arange(16000) / 16000
    tone = np.sin(2 * np.pi * 500 * time).astype(np.float32)
    higher = shifted(Utterance(tone, (Segment("a", 0.2, 0.6), Segment("", 0.6, 1.0))), 1.25)
    assert len(higher.samples) == 12800
    assert higher.segments[0] == pytest.approx(("a", 0.16, 0.48, 0.0))
    peak = np.argmax(np.abs(np.fft.rfft(higher.samples))) * 16000 / len(higher.samples)
    assert peak == pytest.approx(625, abs=2)


def test_padding_shifts_every_phone_and_joins_pauses():
    padded = Utterance(np.ones(16000, np.float32), (Segment("", 0.0, 0.1), Segment("a", 0.1, 1.0))).padded(0.5, 0.25)
    assert [s.phone for s in padded.segments] == ["", "a", ""]
    assert padded.segments[1][1:3] == pytest.approx((0.6, 1.5))
    assert padded.segments[-1].end == padded.duration == pytest.approx(1.75)
    assert padded.samples[:8000].max() == 0 == padded.samples[-4000:].max()


def test_resampling_keeps_the_length_in_seconds():
    assert len(to_16k(np.zeros(22050, np.float32), 22050)) == 16000
    assert len(to_16k(np.zeros(24000, np.float32), 24000)) == 16000
