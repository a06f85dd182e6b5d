"""Phone times to face: what a phonetician would check, on sequences whose answer is known."""

import numpy as np
import pytest
from duet.training.speech_rig import CHANNEL_NAMES
from duet.training.synthesis.coarticulation import FRAME_RATE, LAG, channels_of, loudness_gains
from duet.training.synthesis.utterance import Segment

COLUMN = {name: i for i, name in enumerate(CHANNEL_NAMES)}


def sequence(*phones, length=0.09, silence=0.6):
    """Phones of equal length, or (phone, seconds), between silences; also the time at which each begins."""
    segments, starts, time = [Segment("", 0.0, silence)], [], silence
    for phone in phones:
        name, seconds = phone if isinstance(phone, tuple) else (phone, length)
        segments.append(Segment(name, time, time + seconds))
        starts.append(time)
        time += seconds
    segments.append(Segment("", time, time + silence))
    return segments, starts


def face(segments):
    return channels_of(segments, round(segments[-1].end * FRAME_RATE))


def at(channels, name, time):
    """A channel at the moment when the sound of `time` is seen."""
    return float(np.interp((time + LAG) * FRAME_RATE, np.arange(len(channels)), channels[:, COLUMN[name]]))


@pytest.mark.parametrize("phone", ["p", "b", "m"])
@pytest.mark.parametrize("vowel", ["a", "æ", "ɔ", "i"])
@pytest.mark.parametrize("length", [0.05, 0.09])
def test_bilabials_close_fully_between_any_vowels(phone, vowel, length):
    segments, starts = sequence(vowel, (phone, length), vowel)
    channels, middle = face(segments), starts[1] + 0.35 * length
    assert at(channels, "jaw_open", middle) < 0.03
    assert at(channels, "press", middle) > 0.3
    assert at(channels, "roll_upper", middle) > 0.05
    for parting in ("lower_down", "upper_up", "lips_oh", "bite"):
        assert at(channels, parting, middle) < 0.04
    if vowel != "i":
        assert at(channels, "jaw_open", starts[0] + 0.045) > 0.15
        assert at(channels, "roll_lower", starts[0] + 0.03) < 0.05


@pytest.mark.parametrize("phone", ["f", "v"])
def test_labiodentals_bring_the_lip_to_the_teeth(phone):
    segments, starts = sequence("a", phone, "a")
    channels = face(segments)
    assert at(channels, "bite", starts[1] + 0.045) > 0.9
    assert at(channels, "jaw_open", starts[1] + 0.045) < 0.12
    assert at(channels, "bite", starts[0] + 0.02) < 0.15
    assert at(channels, "roll_lower", starts[1] + 0.045) < 0.02


def test_rounding_begins_well_before_its_vowel():
    segments, starts = sequence("a", "s", "t", ("u", 0.15))
    pucker = face(segments)[:, COLUMN["pucker"]]
    peak, onset = pucker.max(), starts[3] + LAG
    begins = np.flatnonzero(pucker > 0.15 * peak)[0] / FRAME_RATE
    assert 0.08 < onset - begins < 0.25
    assert peak > 0.35
    spread, _ = sequence("a", "s", "t", ("i", 0.15))
    assert face(spread)[:, COLUMN["pucker"]].max() < 0.05


def test_consonants_take_the_rounding_of_their_neighbours():
    rounded, starts = sequence(("u", 0.12), "t", ("u", 0.12))
    plain, _ = sequence(("i", 0.12), "t", ("i", 0.12))
    assert at(face(rounded), "pucker", starts[1] + 0.045) > 0.25
    assert at(face(plain), "pucker", starts[1] + 0.045) < 0.03


@pytest.mark.parametrize(
    ("phone", "channel"),
    [*((p, "tongue_up") for p in "tdnl"), *((p, "tongue_back") for p in "kɡ"), *((p, "tongue_teeth") for p in "θð")],
)
def test_the_tongue_goes_where_the_sound_is_made(phone, channel):
    segments, starts = sequence("a", phone, "a")
    channels = face(segments)
    assert at(channels, channel, starts[1] + 0.04) > 0.7
    others = {"tongue_up", "tongue_back", "tongue_teeth"} - {channel}
    assert all(at(channels, other, starts[1] + 0.04) < 0.3 for other in others)


def test_silence_is_exactly_still_and_speech_begins_and_ends_there():
    segments, _ = sequence("m", "a", "p", "u", "f", silence=1.0)
    channels = face(segments)
    assert channels[:25].max() < 0.01
    assert channels[-25:].max() < 0.01
    assert channels[:10].max() == 0
    assert channels_of([Segment("", 0.0, 2.0)], 100).max() == 0


def test_timing_is_exact():
    segments, starts = sequence("a", ("m", 0.08), "a", length=0.2)
    fine = channels_of(segments, round(segments[-1].end * FRAME_RATE))
    roll = fine[:, COLUMN["roll_upper"]]
    centre = (roll * np.arange(len(roll))).sum() / roll.sum() / FRAME_RATE
    core = starts[1] + 0.08 * (0.1 + 0.85) / 2
    assert centre == pytest.approx(core + LAG, abs=0.006)


def test_moving_the_phones_moves_the_face():
    segments, _ = sequence("m", "a", "u")
    later = [s._replace(start=s.start + 0.2, end=s.end + 0.2) for s in segments]
    later[0] = later[0]._replace(start=0.0)
    count = round(segments[-1].end * FRAME_RATE)
    first, second = channels_of(segments, count), channels_of(later, count + 10)
    np.testing.assert_allclose(second[15 : count + 10], first[5:], atol=2e-3)


def test_fast_speech_opens_less():
    slow, _ = sequence("t", "a", "t", "a", "t", length=0.16)
    fast, _ = sequence("t", "a", "t", "a", "t", length=0.06)
    assert face(fast)[:, 0].max() < 0.85 * face(slow)[:, 0].max()


def test_loud_and_stressed_vowels_open_more():
    segments = [Segment("a", 0.0, 0.5), Segment("a", 0.5, 1.0), Segment("a", 1.0, 1.5, 1.0), Segment("p", 1.5, 1.6)]
    time = np.arange(25600) / 16000
    samples = (np.sin(2 * np.pi * 120 * time) * np.where((time >= 0.5) & (time < 1.0), 0.05, 0.5)).astype(np.float32)
    loud, quiet, stressed, consonant = loudness_gains(segments, samples)
    assert quiet < 0.7 * loud < 0.7 * stressed
    assert consonant == 1.0


def test_motion_has_no_jumps():
    segments, _ = sequence("b", "a", "m", "i", "f", "u", "p", "ɔ", "ʃ", "æ", "w", "i", length=0.08)
    speed = np.abs(np.diff(face(segments), axis=0)).max(axis=0) * FRAME_RATE
    assert speed[: COLUMN["bite"]].max() < 13  # a second; the animated jaw's fastest is 12
