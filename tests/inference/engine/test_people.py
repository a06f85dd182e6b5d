"""The shipped face on people whom nobody trained on, and the measures that say so on curves whose answer is known."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from duet.inference.engine.pipeline import Pipeline
from duet.inference.take import DEFAULT_STYLE
from duet.training.data.animated import data_folder
from duet.training.evaluation.people import Pair, PeopleFace, row, scores_of, told_by_the_sound
from duet.training.evaluation.talkers import Face, shipped
from duet.training.features import WEIGHTS
from duet.training.synthesis.coarticulation import CLEAR, channels_of
from duet.training.synthesis.phones import gesture_of
from duet.training.synthesis.utterance import Segment
from duet.training.timing import intensity_correlation, temporal_misalignment
from duet.training.video.face_measures import COMPARED
from duet.training.video.people import test_clips as clips_of_test_people
from duet.training.video.people_rules import FITTED, Heard, fit, people_manner

pytestmark = pytest.mark.slow


def curve(shift=0.0, count=75, fps=25.0):
    """A gap that opens four times, in mm."""
    time = np.arange(count) / fps - shift
    return sum(8 * np.exp(-(((time - at) / 0.12) ** 2)) for at in (0.5, 1.1, 1.8, 2.4)).astype(np.float32)


def test_misalignment_is_the_time_between_openings():
    assert temporal_misalignment(curve(), curve(), 25.0) == pytest.approx(0.0, abs=1e-6)
    assert temporal_misalignment(curve(0.08), curve(), 25.0) == pytest.approx(80.0, abs=12.0)
    assert temporal_misalignment(3 * curve(), curve(), 25.0) == pytest.approx(0.0, abs=5.0), "size is no time"
    assert np.isnan(temporal_misalignment(curve(), np.zeros(75), 25.0))


def test_intensities_correlate_over_clips():
    assert intensity_correlation([0.1, 0.2, 0.3], [1.0, 2.0, 3.0]) == pytest.approx(1.0)
    assert intensity_correlation([0.1, 0.2, 0.3], [3.0, 2.0, 1.0]) == pytest.approx(-1.0)


def pair(shown, real, level=0.1):
    columns = np.arange(1, len(COMPARED) + 1, dtype=np.float32)
    return Pair(real[:, None] * columns, shown[:, None] * columns, level, 25.0, np.ones(len(real), bool))


def test_a_face_that_does_what_the_person_does_scores_fully():
    found = scores_of([pair(curve(), curve())])
    np.testing.assert_allclose(found.r, 1.0, atol=1e-6)
    assert (found.shut, found.wide) == (1.0, pytest.approx(float("nan"), nan_ok=True))
    assert found.amplitude == pytest.approx(1.0)
    assert found.late == pytest.approx(0.0, abs=1e-3)
    assert found.shake == pytest.approx(1.0)
    assert "1.00" in row("one", found)


def test_lips_that_stay_apart_after_the_last_word_are_told_from_those_that_open_in_speech():
    real = np.concatenate([np.zeros(25, np.float32), curve(), np.full(25, 4.0, np.float32)])
    there = replace(pair(real, real), speaking=np.repeat([False, True, False], (25, 75, 25)))
    at_rest = replace(there, shown=there.shown * there.speaking[:, None])
    assert scores_of([at_rest]).shut < 0.9, "shut where the person is open"
    assert scores_of([at_rest]).shut_speaking == 1.0
    assert scores_of([at_rest]).shut < scores_of([told_by_the_sound(at_rest)]).shut < 1.0


def test_a_small_late_face_is_told_so():
    found = scores_of([pair(0.5 * curve(0.04), curve())])
    assert found.amplitude == pytest.approx(0.5, abs=0.02)
    assert found.late == pytest.approx(0.04, abs=0.008)
    assert found.shake == pytest.approx(0.5, abs=0.05)
    assert found.r[0] < 0.95


def test_rules_are_fitted_to_the_motion_that_is_seen():
    """Fitted to faces that open twice as far on one vowel, that vowel's jaw doubles and closures stay."""
    segments = (
        Segment("", 0, 0.3),
        Segment("b", 0.3, 0.4),
        Segment("ɛ", 0.4, 0.6),
        Segment("t", 0.6, 0.7),
        Segment("", 0.7, 1.2),
    )
    gains = np.ones(len(segments))
    plain = channels_of(segments, 60, gains, CLEAR)
    seen = plain.copy()
    seen[:, 0] *= 2
    found = fit([Heard(segments, gains, seen)] * 30)
    jaw = gesture_of("ɛ").targets["jaw_open"]
    assert found.targets["ɛ"]["jaw_open"] == pytest.approx(min(1.0, 2 * jaw), rel=0.25)
    assert "b" not in found.targets, "a closure stays what it is"


def test_the_fitted_rules_keep_what_phonetics_fixes():
    manner = people_manner()
    for phone in "pbmfv":
        assert manner.gesture(phone).targets == gesture_of(phone).targets
    for phone in ("u", "ɔ", "w", "ʃ"):
        for name, least in gesture_of(phone).targets.items():
            if name in FITTED and name in ("pucker", "lips_oo", "lips_oh"):
                assert manner.gesture(phone).targets[name] >= 0.8 * least
    assert 0.0 <= manner.lag <= 0.04
    wide, small = (people_manner(reach) for reach in (1.25, 1.0))
    segments = (Segment("", 0, 0.2), Segment("a", 0.2, 0.5), Segment("", 0.5, 0.8))
    assert channels_of(segments, 40, None, wide)[:, 0].max() > 1.1 * channels_of(segments, 40, None, small)[:, 0].max()


@pytest.mark.skipif(not (data_folder() / "talking").is_dir(), reason="the people on video are not here: set DUET_DATA")
@pytest.mark.skipif(
    not importlib.util.find_spec("pocketsphinx"), reason="pocketsphinx is not installed (requirements/training.txt)"
)
def test_the_shipped_face_does_what_strangers_do():
    people_face = PeopleFace(Face(Pipeline(WEIGHTS, "numpy")))
    talker = shipped(people_face.face.pipeline)
    clips = [clip for own in clips_of_test_people().values() for clip in own]
    found = scores_of([people_face.pair(talker, clip, DEFAULT_STYLE) for clip in clips])
    gap, width, _, _, chin = found.r
    # wanted are 0.88, 0.55, 0.80 and 0.93 of shut lips: the model card says what is reached, this that it stays
    assert gap >= 0.87
    assert width >= 0.46
    assert chin >= 0.75
    assert 0.85 <= found.amplitude <= 1.15
    assert abs(found.late) <= 1 / 30
    assert found.shake <= 1.2
    assert found.shut >= 0.82
    assert found.shut_speaking >= 0.90
