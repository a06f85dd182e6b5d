"""Marks: changes as text, found in what a mouth does and by a text, and what a change does to the mouth."""

import importlib.util
import json

import numpy as np
import pytest
from duet.inference.engine.pipeline import Pipeline
from duet.inference.errors import RequestError, WeightsError
from duet.inference.head.recompose import mixed, vertices_of
from duet.inference.performance.face import FaceCurves
from duet.inference.performance.mark_evidence import _mouth
from duet.inference.performance.mark_search import find_marks
from duet.inference.performance.marks import KINDS, MarkChange, marks_text, parse_marks, placed
from duet.inference.performance.performance import Performance
from duet.inference.performance.spelling import sounds_of, text_beside
from duet.inference.take import GenerateRequest
from duet.tests.places import ROOT

pytestmark = [pytest.mark.embedded, pytest.mark.slow]
FPS, AWAY = 30.0, 0.15  # seconds beyond which a change must not reach
WORDS = "had he married a more amiable woman he might have been made still more respectable than he was"


@pytest.fixture(scope="module")
def take(recording):
    """A real sentence (the suite's recording) as the pipeline gives it."""
    return Pipeline(ROOT / "weights", "numpy").generate(recording, GenerateRequest(fps=FPS), lambda *_: None)


def gap(take, weights):
    """(T,) mm between the inner lips, above rest."""
    return _mouth().gap(mixed(take.speech_names, weights)[1])


def performed(take, text):
    return FaceCurves(take, Performance(marks=parse_marks(text))).speech


def shut_around(gaps, frame, limit=0.6):
    """The first and last frame of the closure that a frame lies in; None where it lies in none."""
    if gaps[frame] > limit:
        return None
    open_ = np.flatnonzero(gaps > limit)
    return open_[open_ < frame].max() + 1, open_[open_ > frame].min() - 1


def closures(take):
    """The marks of closures between open mouths."""
    gaps, found = gap(take, take.speech_weights), []
    for mark in find_marks(take):
        frame = round(mark.seconds * FPS)
        around = gaps[max(frame - 7, 0) : frame + 8]
        if mark.kind == "closed" and gaps[frame] < 0.6 and len(around) == 15 and (around[[0, -1]] > 3).all():
            found.append(mark)
    assert len(found) >= 6
    return found


# As text


def test_changes_are_written_and_read_alike():
    text = "closed@1.24>1.34*0.8 round@2 +teeth@2.1*1.5 -open@3.05"
    changes = parse_marks(text)
    assert marks_text(changes) == text
    assert changes[0] == MarkChange("closed", 1.24, 1.34, 0.8)
    assert changes[2] == MarkChange("teeth", None, 2.1, 1.5)
    assert changes[3].seconds is None
    own = Performance(marks=changes, text="so be it", effort=0.5)
    assert Performance.from_json(json.loads(json.dumps(own.to_json()))) == own
    assert Performance().with_texts({"marks": text, "text": " so be it ", "effort": "0.5"}) == own


@pytest.mark.parametrize("text", ["shut@1", "closed", "closed@1.2.3", "-closed@1*2", "+closed@1>2", "closed@1*2.5"])
def test_what_is_no_change_is_named(text):
    with pytest.raises(RequestError) as caught:
        parse_marks(f"open@1 {text}")
    assert caught.value.remedy


def test_spelling_gives_the_mouth_events_in_order():
    def shown(text):
        return [sound.kind for sound in sounds_of(text) if sound.kind]

    assert shown("Bomb!") == ["closed", "open", "closed"]
    assert shown("five") == ["teeth", "wide", "teeth"]
    assert shown("the phoebe") == ["tongue", "teeth", "round", "closed"]
    assert shown("One who") == ["round", "open", "tongue", "round"]
    assert shown("kissed 1990 ...") == ["wide", "tongue"]
    assert shown("Überfall") == ["round", "closed", "teeth", "round", "tongue"] or shown("Überfall").count("teeth") == 1


def test_a_text_lies_beside_its_recording(tmp_path):
    assert text_beside(tmp_path / "line.wav") == ""
    (tmp_path / "line.txt").write_bytes("so be it\n".encode("utf-16"))
    assert text_beside(tmp_path / "line.wav") == "so be it"


# Found


def test_a_text_decides_which_marks_there_are(take):
    found = find_marks(take, WORDS)
    assert [mark.kind for mark in found] == [sound.kind for sound in sounds_of(WORDS) if sound.kind]
    assert (np.diff([mark.seconds for mark in found]) > 0).all()
    heard = find_marks(take)
    assert {mark.kind for mark in heard} <= set(KINDS)
    assert (np.diff([mark.seconds for mark in heard]) >= 0).all()


@pytest.mark.skipif(not importlib.util.find_spec("pocketsphinx"), reason="pocketsphinx is not installed")
def test_marks_are_where_forced_alignment_has_the_sounds():
    from duet.training.evaluation.marks import bundled_lines, scores, total

    lines = bundled_lines(Pipeline(ROOT / "weights", "numpy"))
    for with_text in (False, True):
        found = scores(lines, with_text)
        assert total(found).median <= 0.040, "the missed count as off by more than any"
        assert len(found["closed"].off) >= 0.9 * found["closed"].phones
        assert len(found["closed"].off) >= 0.8 * found["closed"].marks


# Changed


@pytest.mark.parametrize("frames", [3, -3])
def test_a_closure_moves_with_its_shut_lips_and_nothing_else_does(take, frames):
    before, seconds = gap(take, take.speech_weights), np.arange(take.frame_count) / FPS
    faces = vertices_of(take.speech_names, take.speech_weights)
    for mark in closures(take):
        to = mark.seconds + frames / FPS
        weights = performed(take, f"closed@{mark.seconds:.3f}>{to:.6f}")
        first, last = shut_around(before, round(mark.seconds * FPS))
        now = shut_around(gap(take, weights), first + frames, 0.65)  # to a twentieth of a millimetre
        assert now is not None, mark
        joined = (before[[first + frames - 1, last + frames + 1]] < 3).any()  # there the lips were shut already
        assert now == (first + frames, last + frames) or joined, mark
        assert not gap(take, weights)[first + frames : last + frames + 1].max() > 0.65
        away = np.minimum(np.abs(seconds - mark.seconds), np.abs(seconds - to)) > AWAY
        moved = np.linalg.norm(vertices_of(take.speech_names, weights) - faces, axis=2).max(axis=1)
        assert moved[away].max() < 0.0002
        assert moved.max() > 0.002


def test_marks_are_taken_away_added_made_weaker_and_stronger(take):
    before = gap(take, take.speech_weights)
    for mark in closures(take):
        frame, at = round(mark.seconds * FPS), f"closed@{mark.seconds:.3f}"
        assert gap(take, performed(take, f"-{at}"))[frame] > 1.5
        assert (
            before[frame] < gap(take, performed(take, f"{at}*0.5"))[frame] < gap(take, performed(take, f"-{at}"))[frame]
        )
        assert gap(take, performed(take, f"{at}*2"))[frame] < 0.6
        np.testing.assert_array_equal(performed(take, at), take.speech_weights)
        np.testing.assert_allclose(performed(take, f"{at}*0.999999"), take.speech_weights, atol=1e-5)
    opened = find_marks(take)
    vowel = max((mark for mark in opened if mark.kind == "open"), key=lambda mark: mark.seen).seconds
    frame = round(vowel * FPS)
    assert before[frame] > 8
    assert gap(take, performed(take, f"+closed@{frame / FPS:.5f}"))[frame] < 0.6
    assert gap(take, performed(take, f"+teeth@{frame / FPS:.5f}"))[frame] < 2.0
    assert gap(take, performed(take, f"open@{vowel:.3f}*2"))[frame] > before[frame] + 1
    rounded = performed(take, f"+round@{frame / FPS:.5f}")
    assert _mouth().rounding(mixed(take.speech_names, rounded)[1])[frame] > 6
    lips = gap(take, performed(take, " ".join(f"+{kind}@{frame / FPS + 0.05:.3f}*2" for kind in KINDS)))
    assert lips.min() > -1.0, "lips do not pass each other"


def test_nothing_changes_where_there_is_no_change_and_emotions_keep_out_of_an_added_mark(take):
    assert FaceCurves(take, Performance()).speech is not None
    np.testing.assert_array_equal(FaceCurves(take, Performance(text=WORDS)).speech, take.speech_weights)
    silent = float(np.flatnonzero(take.silence[:-20] == take.silence.max())[-1] / FPS)
    face = FaceCurves(take, Performance(marks=parse_marks(f"+closed@{silent:.3f}")))
    moving = np.abs(face.speech).max(axis=1) > 1e-4
    assert not face.quiet[moving].any()


def test_a_take_of_another_version_says_so(take, make_take):
    with pytest.raises(WeightsError, match="another version"):
        performed(make_take(), "-closed@0.1")


def test_changes_find_their_marks_again_where_they_have_moved_a_little(take):
    mark = closures(take)[0]
    rows = placed(find_marks(take), parse_marks(f"closed@{mark.seconds + 0.04:.3f}>2.5 +wide@0.2 -round@99"))
    changed = [row for row in rows if row.mark == mark]
    assert len(changed) == 1 and changed[0].change.seconds == 2.5
    assert [row.change.kind for row in rows if row.mark is None] == ["wide", "round"]
    near = performed(take, f"-closed@{mark.seconds + 0.04:.3f}")
    np.testing.assert_array_equal(near, performed(take, f"-closed@{mark.seconds:.3f}"))
