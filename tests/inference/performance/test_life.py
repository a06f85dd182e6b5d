"""Blinks, eye darts, head motion and breaths: rates and shapes as the literature has them, seeded and separable."""

import numpy as np
import pytest
from duet.inference.audio import prosody
from duet.inference.audio.loudness import RATE, envelope, pauses
from duet.inference.performance.blinks import SEEDS, blink_times
from duet.inference.performance.effort import DEPTH, swelled
from duet.inference.performance.life import Life, breath_spans, live
from duet.inference.performance.listening import Heard, listen
from duet.inference.performance.timeline import curves_at
from duet.inference.performance.voice import Voice
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.embedded
ALL = Life(blinks=1, eyes=1, head=1, breaths=1, seed=3)
PAUSES = [(0.0, 0.4), (3.0, 3.8), (7.0, 7.3), (11.0, 12.5)]


def dense(keys, seconds):
    return curves_at(keys[0], np.asarray(keys[1], np.float32)[:, None], seconds)[:, 0]


def test_people_blink_about_twenty_times_a_minute():
    times = blink_times(600.0, Voice(), 0)
    assert 140 < len(times) < 260
    gaps = np.diff(times)
    assert gaps.min() > 0.5
    assert gaps.std() > 0.5  # no metronome


def test_blinks_are_drawn_to_pauses():
    starts = np.arange(2.0, 600.0, 6.0)
    times = np.array(blink_times(600.0, Voice([(s, s + 0.6) for s in starts]), 0))

    def at_ends(blinks):
        return np.mean([((blinks > s - 0.1) & (blinks < s + 0.35)).any() for s in starts])

    assert at_ends(times) > 0.25
    free = np.array(blink_times(600.0, Voice(), 0))
    assert at_ends(times) > 2 * at_ends(free)


@given(st.integers(0, 50), st.floats(0.5, 40))
def test_keys_are_in_time_in_order_and_in_range(seed, duration):
    keys = live(duration, Voice([(a, b) for a, b in PAUSES if b < duration]), Life(1, 1, 1, 1, seed))
    for name, (seconds, values) in keys.shapes.items():
        assert (np.diff(seconds) > 0).all(), name
        assert not len(seconds) or seconds[-1] <= duration + 0.2
        assert values.min(initial=0) >= 0
        assert values.max(initial=0) <= 1
    for seconds, values in keys.neck:
        assert (np.diff(seconds) > 0).all()
        assert np.abs(values).max() < np.radians(8)
        assert values[0] == values[-1] == 0


def test_the_same_seed_is_the_same_life_and_another_is_not():
    one, two, other = (live(20, Voice(PAUSES), Life(1, 1, 1, 1, seed)) for seed in (3, 3, 4))
    assert all(np.array_equal(one.shapes[name], two.shapes[name]) for name in one.shapes)
    assert not np.array_equal(one.shapes["eyeBlinkLeft"][0], other.shapes["eyeBlinkLeft"][0])


def test_switching_one_part_off_leaves_the_others():
    whole, part = (
        live(20, Voice(PAUSES), ALL),
        live(20, Voice(PAUSES), Life(blinks=0, eyes=1, head=1, breaths=0, seed=3)),
    )
    assert not {"eyeBlinkLeft", "jawOpen"} & set(part.shapes)
    assert np.array_equal(whole.shapes["eyeLookUpLeft"], part.shapes["eyeLookUpLeft"])
    assert np.array_equal(whole.neck[0], part.neck[0])
    nothing = live(20, Voice(PAUSES), Life())
    assert (nothing.shapes, nothing.neck) == ({}, None)


def test_amounts_scale():
    half = live(20, Voice(PAUSES), Life(0.5, 0.5, 0.5, 0.5, 3))
    full = live(20, Voice(PAUSES), ALL)
    for name in full.shapes:
        assert np.allclose(half.shapes[name][1], 0.5 * full.shapes[name][1]), name
    assert np.allclose(half.neck[1][1], 0.5 * full.neck[1][1])


def test_both_eyes_look_the_same_way():
    shapes = live(30, Voice(), ALL).shapes
    at = np.arange(0, 30, 0.01)
    left = dense(shapes["eyeLookOutLeft"], at) - dense(shapes["eyeLookInLeft"], at)
    right = dense(shapes["eyeLookInRight"], at) - dense(shapes["eyeLookOutRight"], at)
    assert np.allclose(left, right, atol=1e-6)
    moving = np.abs(np.diff(left)) > 1e-6
    assert moving.mean() < 0.2  # eyes jump and rest


def test_a_breath_is_drawn_before_speech_goes_on():
    spans = breath_spans(14.0, PAUSES)
    assert [round(full, 2) for _, full, _ in spans] == [0.32, 3.72, 12.42]
    jaw = live(14.0, Voice(PAUSES), ALL).shapes["jawOpen"]
    assert dense(jaw, np.array([3.72]))[0] == pytest.approx(0.05)
    assert dense(jaw, np.array([5.0]))[0] == 0


def test_pauses_are_heard():
    speech = np.random.default_rng(0).normal(0, 0.2, 16000 * 4).astype(np.float32)
    speech[16000:24000] *= 0.001
    speech[40000:41000] = 0  # too short to be a pause
    loudness = envelope(speech, 16000)
    assert len(loudness) == 4 * RATE
    assert pauses(loudness) == [(1.0, 1.5)]
    assert pauses(envelope(np.zeros(100, np.float32), 16000)) == []


def spoken(seconds=120.0, rate=50.0, seed=0):
    """Syllables of a quarter of a second, 0.6 of each loud, a pause each six seconds, accents here and there."""
    rng, at = np.random.default_rng(seed), np.arange(0, seconds, 1 / rate)
    quiet = at % 6.0 < 0.7
    loud = np.where(quiet, 0.0, np.where((at * 4) % 1.0 < 0.6, 0.9, 0.1))
    accents = np.sort(rng.choice(np.arange(2.0, seconds - 2, 0.9), int(seconds / 2), replace=False))
    accents = accents[(accents % 6.0 > 1.0)]
    out = np.exp(-0.5 * ((at[:, None] - accents) / 0.06) ** 2).max(axis=1)
    pauses = [(a, a + 0.7) for a in np.arange(0, seconds, 6.0)]
    return Voice(pauses, loud, out, rate), accents


@pytest.mark.parametrize("seed", range(4))
def test_blinks_keep_out_of_vowels_and_come_at_a_rate_of_people(seed):
    """People blink 10 to 25 times a minute while they speak; lids are shut within a vowel in under 5 % of them."""
    voice, _ = spoken()
    times = np.array(blink_times(120.0, voice, seed))
    assert 10 <= len(times) / 2 <= 25
    assert np.diff(times).min() >= 0.7
    shut = times[:, None] + np.linspace(0.04, 0.11, 4)
    into = np.interp(shut, np.arange(len(voice.loud)) / voice.rate, voice.loud).min(axis=1) > 0.8
    assert into.mean() < 0.05


def together(one, other):
    """Share of one's blinks that begin within 50 ms of one of another's."""
    return np.mean(np.abs(np.subtract.outer(one, other)).min(axis=1) < 0.05)


def test_heads_that_say_the_same_do_not_blink_in_step():
    """Chance would have 3 % of them meet, at that rate."""
    voice, _ = spoken(300.0)
    heads = [[blink_times(300.0, voice, SEEDS * head + line) for line in (1, 2, 3)] for head in range(3)]
    for line in range(3):
        assert max(together(a[line], b[line]) for a in heads for b in heads if a is not b) < 0.05
    others = [together(a[0], b[line]) for a in heads for b in heads for line in (1, 2) if a is not b]
    assert np.mean(others) < 0.1
    ends = np.arange(6.0, 300.0, 6.0)
    for times in (np.array(each) for head in heads for each in head):
        at_ends = ((times[:, None] > ends - 0.1) & (times[:, None] < ends + 0.4)).any(axis=1)
        assert at_ends.mean() > 2 * (0.5 / 6.0), "twice as many as fall there by chance"


def test_heads_that_listen_to_the_same_do_not_move_in_step():
    heard = [Heard(0.0, 300.0, tuple(np.arange(4.0, 300.0, 5.0)))]
    one, other = (listen(300.0, [], heard, 0.0, 1.0, SEEDS * head) for head in range(2))
    lids = [keys.shapes["eyeBlinkLeft"][0][::4] for keys in (one, other)]
    assert all(8 < len(times) / 5 < 20 for times in lids)
    assert together(*lids) < 0.05
    nods = [keys.neck[0][0][1::3] for keys in (one, other)]
    assert together(*nods) < 0.05


def test_accents_are_found_where_the_voice_stands_out():
    voice, accents = spoken()
    found = np.array(voice.accents)
    assert len(found) == len(accents)
    np.testing.assert_allclose(found[:, 0], accents, atol=0.02)
    assert Voice().accents == []


def test_brows_rise_with_some_accents_a_little_before_them_and_by_themselves():
    voice, accents = spoken()
    keys = live(120.0, voice, Life(seed=3, brows=1.0))
    assert set(keys.shapes) == {"browInnerUp", "browOuterUpLeft", "browOuterUpRight"}
    curve = dense(keys.shapes["browInnerUp"], np.arange(0, 120, 0.02))
    peaks = 0.02 * (1 + np.flatnonzero((curve[1:-1] > curve[:-2]) & (curve[1:-1] >= curve[2:]) & (curve[1:-1] > 0.05)))
    off = peaks[:, None] - accents
    nearest = off[np.arange(len(peaks)), np.abs(off).argmin(axis=1)]
    with_accents = (np.abs(nearest + 0.06) < 0.03).sum()
    assert 0.1 < with_accents / len(accents) < 0.5, "people's brows seldom go with the voice"
    assert 8 < len(peaks) / 2 < 47, "a minute, as of people"
    assert len(peaks) > 1.5 * with_accents
    assert (np.diff(keys.shapes["browInnerUp"][0]) > 0).all()


def test_the_head_nods_on_accents():
    voice, accents = spoken()
    nod, turn, tilt = live(120.0, voice, Life(head=1.0, seed=3)).neck
    still = live(120.0, Voice(voice.pauses), Life(head=1.0, seed=3)).neck
    seconds = np.arange(0, 120, 0.02)
    more = dense(nod, seconds) - dense(still[0], seconds)
    at = np.abs(seconds[:, None] - accents - 0.1).min(axis=1) < 0.03
    assert np.degrees(more[at].mean()) > 1.0
    assert abs(np.degrees(more[~at].mean())) < 0.6
    assert (np.diff(nod[0]) > 0).all() and len(nod[0]) == len(turn[0]) == len(tilt[0])


def test_a_recording_of_hours_is_heard_in_pieces(recording):
    """Cut anywhere, the voice is the same, and memory is that of a piece."""
    times = np.arange(0, 5, 0.04)
    whole = prosody.voice_curves(recording, times)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prosody, "_BLOCK", 37)
        np.testing.assert_allclose(prosody.voice_curves(recording, times), whole, atol=1e-6)
    assert whole.shape == (125, 2)
    assert whole.min() >= 0 and whole.max() <= 1
    assert whole[:, 0].max() > 0.9 and whole[:, 1].max() > 0.5


def test_emotions_swell_with_the_effort_of_the_voice_and_stay_within_their_limits():
    voice, _ = spoken(24.0)
    soft = Voice(
        voice.pauses, voice.loud * np.where(np.arange(len(voice.loud)) < 600, 0.3, 1.0), voice.standing_out, 50.0
    )
    keys = np.array([0.0]), np.array([[0.8, 0.4]], np.float32)
    assert swelled(*keys, soft, 0.0, 1.5)[1] is keys[1]
    assert swelled(*keys, Voice(), 1.0, 1.5)[1] is keys[1]
    seconds, sliders = swelled(*keys, soft, 1.0, 1.5)
    assert len(seconds) == len(sliders) <= 3 * 24, "few keys, to be edited"
    early, late = (curves_at(seconds, sliders, np.arange(a, b, 0.1)).mean(axis=0) for a, b in ((1, 11), (13, 23)))
    assert (late > 1.2 * early).all()
    np.testing.assert_allclose(sliders[:, 0], 2 * sliders[:, 1], rtol=1e-5)
    assert 0.8 * (1 - DEPTH) - 1e-5 <= sliders[:, 0].min() <= sliders[:, 0].max() <= 0.8 * (1 + DEPTH) + 1e-5
    _, most = swelled(keys[0], np.array([[1.5, 1.0]], np.float32), soft, 2.0, 1.2)
    assert most.sum(axis=1).max() <= 1.2 + 1e-5
