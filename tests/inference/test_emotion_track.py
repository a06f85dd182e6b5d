"""Timed emotions: what the text says is what the sliders do."""

import numpy as np
import pytest
from duet.inference.errors import RequestError
from duet.inference.performance.emotion_track import DEFAULT_INTENSITY, EASE, EmotionStep, EmotionTrack, parse_track
from duet.inference.take import EMOTIONS
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.embedded

SAD, ANGRY, HAPPY = (EMOTIONS.index(name) for name in ("sad", "angry", "happy"))


def test_the_text_of_the_manual():
    track = parse_track("happy=0.6; sad@2.0;angry=0.8 + disgusted=0.3@5.5;neutral@8")
    assert track.steps == (
        EmotionStep(0.0, {"happy": 0.6}),
        EmotionStep(2.0, {"sad": DEFAULT_INTENSITY}),
        EmotionStep(5.5, {"angry": 0.8, "disgusted": 0.3}),
        EmotionStep(8.0, {"neutral": DEFAULT_INTENSITY}),
    )
    assert not track.steady
    assert parse_track("happy=1").steady
    assert parse_track("") == EmotionTrack()


@pytest.mark.parametrize("fps", [24000 / 1001, 25.0, 30.0, 120.0])
def test_curves_hold_ease_and_hold(fps):
    curves = parse_track("sad=1@2.0;angry=0.5@5.5").curves(round(8 * fps), fps)
    at = lambda seconds: curves[round(seconds * fps)]  # noqa: E731
    assert not curves[: int(2 * fps)].any()
    np.testing.assert_allclose(at(2 + EASE / 2)[SAD], 0.5, atol=3 / fps)  # half way, to the nearest frame
    np.testing.assert_allclose(at(4.0)[[SAD, ANGRY]], [1, 0], atol=1e-6)
    np.testing.assert_allclose(at(7.0)[[SAD, ANGRY]], [0, 0.5], atol=1e-6)


def test_a_step_at_the_beginning_needs_no_easing():
    curves = parse_track("happy=0.8").curves(10, 30.0)
    np.testing.assert_allclose(curves[:, HAPPY], 0.8)


def test_a_step_that_interrupts_another_starts_where_the_face_is():
    curves = parse_track("sad=1@1;neutral=0@1.25").curves(200, 100.0)
    assert curves[125, SAD] == pytest.approx(0.5, abs=1e-6)
    assert np.abs(np.diff(curves[:, SAD])).max() < 0.05
    assert curves[199, SAD] == pytest.approx(0, abs=1e-6)


@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from(EMOTIONS), st.floats(0, 1.5)), max_size=6),
    st.sampled_from([24.0, 30000 / 1001, 60.0]),
)
def test_curves_never_leave_the_range_of_their_steps(steps, fps):
    steps = sorted({seconds: (name, value) for seconds, name, value in steps}.items())
    track = EmotionTrack(tuple(EmotionStep(seconds, {name: value}) for seconds, (name, value) in steps))
    curves = track.curves(120, fps)
    assert curves.shape == (120, len(EMOTIONS))
    assert curves.min() >= 0
    assert curves.max(initial=0) <= max([value for _, (_, value) in steps], default=0) + 1e-6


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("hungry@2", "no emotion 'hungry'"),
        ("sad@soon", "'soon' in 'sad@soon' is not a number"),
        ("sad=nan", "not a number"),
        ("sad=2@1", "is 2"),
        ("sad@-1", "before the recording"),
        ("sad@3;angry@2", "order of time"),
        ("sad@2;angry@2", "order of time"),
        ("sad@", "not a number"),
        ("=0.5", "no emotion ''"),
    ],
)
def test_damaged_tracks_are_named(text, part):
    with pytest.raises(RequestError, match=part) as caught:
        parse_track(text)
    assert caught.value.remedy
