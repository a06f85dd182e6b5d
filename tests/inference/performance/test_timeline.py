"""Timed emotions: what the text says is what the sliders do."""

import numpy as np
import pytest
from duet.inference.errors import RequestError
from duet.inference.performance.timeline import (
    INTENSITY,
    TRANSITION,
    Cue,
    curves_at,
    eased_keys,
    on_frames,
    parse_track,
)
from duet.inference.take import EMOTIONS
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.embedded

SAD, ANGRY, HAPPY = (EMOTIONS.index(name) for name in ("sad", "angry", "happy"))


def curves(cues, frames, fps):
    """The sliders (frames, E), as a face has them."""
    return curves_at(*on_frames(*eased_keys(cues, EMOTIONS), fps), np.arange(float(frames)))


def test_the_text_of_the_manual():
    assert parse_track("happy=0.6; sad@2.0;angry=0.8 + disgusted=0.3@5.5;neutral@8") == (
        Cue(0.0, {"happy": 0.6}),
        Cue(2.0, {"sad": INTENSITY.default}),
        Cue(5.5, {"angry": 0.8, "disgusted": 0.3}),
        Cue(8.0, {"neutral": INTENSITY.default}),
    )
    assert parse_track("") == ()


@pytest.mark.parametrize("fps", [24000 / 1001, 25.0, 30.0, 120.0])
def test_curves_hold_ease_and_hold(fps):
    found = curves(parse_track("sad=1@2.0;angry=0.5@5.5"), round(8 * fps), fps)
    at = lambda seconds: found[round(seconds * fps)]  # noqa: E731
    assert not found[: int(2 * fps)].any()
    np.testing.assert_allclose(at(2 + TRANSITION / 2)[SAD], 0.5, atol=3 / fps)  # half way, to the nearest frame
    np.testing.assert_allclose(at(4.0)[[SAD, ANGRY]], [1, 0], atol=1e-6)
    np.testing.assert_allclose(at(7.0)[[SAD, ANGRY]], [0, 0.5], atol=1e-6)


def test_a_step_at_the_beginning_needs_no_easing():
    np.testing.assert_allclose(curves(parse_track("happy=0.8"), 10, 30.0)[:, HAPPY], np.float32(0.8))


def test_a_step_that_interrupts_another_starts_where_the_face_is():
    found = curves(parse_track("sad=1@1;happy=0@1.25"), 200, 100.0)
    assert found[125, SAD] == pytest.approx(0.5, abs=1e-6)
    assert np.abs(np.diff(found[:, SAD])).max() < 0.05
    assert found[199, SAD] == pytest.approx(0, abs=1e-6)


def test_keys_are_on_whole_frames_and_of_two_on_one_the_last_counts():
    frames, values = on_frames(np.array([0.0, 0.49, 0.51, 1.0]), np.eye(4, dtype=np.float32), 10.0)
    assert frames.tolist() == [0, 5, 10]
    np.testing.assert_array_equal(values, np.eye(4)[[0, 2, 3]])


@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from(EMOTIONS), st.floats(0, 1.5)), max_size=6),
    st.sampled_from([24.0, 30000 / 1001, 60.0]),
)
def test_curves_never_leave_the_range_of_their_steps(steps, fps):
    found = curves([Cue(seconds, {name: value}) for seconds, name, value in steps], 120, fps)
    assert found.shape == (120, len(EMOTIONS))
    assert found.min() >= 0
    assert found.max(initial=0) <= max([value for _, _, value in steps], default=0) + 1e-6


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
