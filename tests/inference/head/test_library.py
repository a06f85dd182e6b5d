"""The library of expressions: its names, what an unknown one is told, and takes that use it."""

from dataclasses import replace

import numpy as np
import pytest
from duet.inference.errors import RequestError, WeightsError
from duet.inference.head import library
from duet.inference.head.blendshapes import load_blendshapes
from duet.inference.head.library import emotion_names, label, require_emotion, with_emotions
from duet.inference.performance.performance import Performance
from duet.inference.performance.timeline import curves_at, eased_keys, parse_track
from duet.inference.take import EMOTIONS
from duet.operators.batch.options import single_emotions

pytestmark = pytest.mark.embedded


@pytest.fixture
def known(monkeypatch):
    """A library of three."""
    names = (*EMOTIONS, "smirk", "smile_broad", "yawn")
    monkeypatch.setattr(library, "emotion_names", lambda: names)
    return names


def test_the_names_are_those_of_the_weights():
    assert emotion_names() == load_blendshapes().emotions


def test_labels_are_words():
    assert label("happy") == "Happy"
    assert label("smile_broad") == "Smile Broad"


def test_an_unknown_emotion_is_told_the_nearest(known):
    assert [require_emotion(name) for name in known] == list(known)
    with pytest.raises(RequestError, match=r"no emotion 'smrk'.*Did you mean 'smirk'\?.*neutral.*expressions\.md"):
        require_emotion("smrk")
    with pytest.raises(RequestError, match=r"no emotion 'qqq'\. There are neutral"):
        require_emotion("qqq")


def test_tracks_mix_them_with_the_emotions(known):
    track = parse_track("smirk=0.6;happy=0.5+smile_broad@2;neutral@4")
    assert Performance(emotions=track).felt == ("smirk", "happy", "smile_broad")
    curves = curves_at(*eased_keys(track, ("happy", "smirk", "smile_broad")), np.array([0.0, 3.0, 9.9]))
    np.testing.assert_allclose(curves, [[0, 0.6, 0], [0.5, 0, 0.7], [0, 0, 0]], atol=1e-6)


def test_several_may_follow_one_option():
    given = ["--emotion", "smile_broad=0.4", "happy=0.2", "line.wav"]
    assert single_emotions(given) == ["--emotion", "smile_broad=0.4", "--emotion", "happy=0.2", "line.wav"]


def test_a_take_gets_rows_for_what_it_is_to_feel(make_take, monkeypatch):
    take, shapes = make_take(), load_blendshapes()
    assert with_emotions(take, ("happy", "sad")) is take
    with pytest.raises(WeightsError, match="The take's version of Duet has no 'angry'"):
        with_emotions(take, ("angry",))
    own = {"speech_names": take.speech_names, "expression_names": take.expression_names}
    monkeypatch.setattr(library, "shipped", lambda: _like(shapes, **own))
    wider = with_emotions(take, ("happy", "angry"))
    assert wider.emotions == (*take.emotions, "angry")
    row = EMOTIONS.index("angry")
    np.testing.assert_array_equal(wider.expression_weights[-1], shapes.emotion_weights[row, :4])
    np.testing.assert_array_equal(wider.emotion_opening[-1], shapes.emotion_opening[row, :6])
    assert not wider.emotion_curves[:, -1].any()
    np.testing.assert_allclose(wider.face_weights, take.face_weights, atol=1e-6)


def _like(shapes, **names):
    weights, opening = shapes.emotion_weights[:, :4], shapes.emotion_opening[:, :6]
    return replace(shapes, emotion_weights=weights, emotion_opening=opening, **names)
