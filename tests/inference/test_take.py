"""Requests and takes: only what has a meaning exists, and both survive their messages."""

from dataclasses import replace

import numpy as np
import pytest
from duet.inference.errors import AudioError, DuetError, RequestError, error_of_kind
from duet.inference.take import GenerateRequest, Take
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.embedded


@given(st.floats(1, 240), st.text())
def test_request_survives_json(fps, audio):
    request = GenerateRequest(fps=fps, audio=audio)
    assert GenerateRequest.from_json(request.to_json()) == request


@pytest.mark.parametrize(
    ("fields", "pattern"),
    [
        ({"fps": 0.0}, "0 frames per second"),
        ({"fps": -24.0}, "-24 frames per second"),
        ({"fps": 1000.0}, "1000 frames per second"),
        ({"fps": float("nan")}, "nan frames per second"),
        ({"fps": float("inf")}, "inf frames per second"),
    ],
)
def test_request_without_meaning_is_refused(fields, pattern):
    with pytest.raises(RequestError, match=pattern) as caught:
        GenerateRequest(**fields)
    assert caught.value.remedy


def test_unknown_field_of_a_request_is_refused():
    with pytest.raises(RequestError, match="tempo"):
        GenerateRequest.from_json({"fps": 24.0, "tempo": 2})


@pytest.mark.parametrize("with_vertices", [False, True])
def test_take_survives_its_message(make_take, with_vertices):
    vertices = np.arange(10 * 5 * 3, dtype=np.float32).reshape(10, 5, 3) if with_vertices else None
    take = make_take(fps=24000 / 1001, vertices=vertices)
    header, arrays = take.to_message()
    again = Take.from_message(header, arrays)
    assert ("vertices" in arrays) == with_vertices
    for name in Take.__dataclass_fields__:
        before, after = getattr(take, name), getattr(again, name)
        if isinstance(before, np.ndarray):
            assert after.dtype == np.float32
            np.testing.assert_array_equal(after, before)
        else:
            assert after == before
    assert take.frame_count == 10


@pytest.mark.parametrize(
    "changes",
    [
        {"speech_names": ("one",)},
        {"expression_names": ()},
        {"emotions": ("neutral",)},
        {"emotion_curves": np.zeros((9, 3), np.float32)},
        {"emotion_curves": np.zeros((10, 2), np.float32)},
        {"emotion_opening": np.zeros((3, 5), np.float32)},
        {"silence": np.zeros(9, np.float32)},
        {"arkit": np.zeros((11, 52), np.float32)},
        {"arkit_names": ("jawOpen",)},
        {"speech_weights": np.zeros(10, np.float32)},
    ],
)
def test_take_whose_parts_disagree_does_not_exist(make_take, changes):
    with pytest.raises(ValueError):
        replace(make_take(), **changes)


def test_message_without_a_part_is_refused(make_take):
    header, arrays = make_take().to_message()
    for name in set(arrays) - {"silence", "emotion_opening"}:
        with pytest.raises(KeyError):
            Take.from_message(header, {key: value for key, value in arrays.items() if key != name})
    for name in header:
        with pytest.raises(KeyError):
            Take.from_message({key: value for key, value in header.items() if key != name}, arrays)


def test_a_take_of_a_version_before_opens_no_mouth(make_take):
    header, arrays = make_take().to_message()
    old = Take.from_message(header, {k: v for k, v in arrays.items() if k not in ("silence", "emotion_opening")})
    assert old.silence.shape == (10,)
    assert not old.opening_curves.any()
    np.testing.assert_array_equal(old.face_weights[:, :6], old.speech_weights)


def test_the_face_is_speech_what_opens_in_silence_and_expressions_within_the_limit(make_take):
    take = replace(make_take(), emotion_curves=np.tile(np.float32([0, 1.5, 1.5]), (10, 1)))
    mix = np.float32([0, 0.75, 0.75])
    np.testing.assert_allclose(take.expression_curves[4], mix @ take.expression_weights, atol=1e-6)
    spoken = take.speech_weights[4] + take.silence[4] * (mix @ take.emotion_opening)
    np.testing.assert_allclose(take.face_weights[4], np.concatenate([spoken, take.expression_curves[4]]), atol=1e-6)


def test_errors_keep_their_class_over_the_pipe():
    error = AudioError("'a.wav' is silent.", "Raise its level.")
    again = error_of_kind(error.kind, error.message, error.remedy)
    assert type(again) is AudioError
    assert str(again) == "'a.wav' is silent. Raise its level."
    assert type(error_of_kind("from the future", "x", "")) is DuetError
    assert str(DuetError("x")) == "x"
