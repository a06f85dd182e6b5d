"""The whole path on a real recording: rest, rates, emotions, linearity, progress and cancel."""

import numpy as np
import pytest
from duet.inference.engine.pipeline import Pipeline
from duet.inference.errors import AudioError, CancelledError, RequestError
from duet.inference.head.correctives import Corrective
from duet.inference.head.lips import lips_of
from duet.inference.head.retarget import ArkitSolver
from duet.inference.performance.face import FaceCurves
from duet.inference.performance.performance import Performance
from duet.inference.performance.timeline import Cue
from duet.inference.take import EMOTIONS, GenerateRequest
from duet.tests.places import WEIGHTS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline(WEIGHTS, "numpy")


def generate(pipeline, samples, emotions=None, **asked):
    """A take as it is performed, with coefficients and vertices."""
    spoken = pipeline.generate(samples, GenerateRequest(**asked), lambda *_: None)
    felt = Performance(emotions=(Cue(0.0, emotions or {}),))
    return FaceCurves(spoken, felt).performed(arkit=True, vertices=True)


@pytest.fixture(scope="module")
def take(pipeline, recording):
    return generate(pipeline, recording, {"happy": 1.0})


def lip_gap(pipeline, vertices):
    """Distance (T,) in metres between the middles of the inner lips."""
    regions = pipeline.head.regions
    middle = len(regions["inner_lip_upper"]) // 2
    upper, lower = (regions[f"inner_lip_{side}"][middle] for side in ("upper", "lower"))
    return vertices[:, upper, 2] - vertices[:, lower, 2]


def test_lips_part_and_meet(pipeline, take):
    gap = lip_gap(pipeline, take.vertices) * 1000
    assert np.quantile(gap, 0.9) > 3, "a speaking mouth opens by millimetres"
    assert gap.min() < 1.5, "and closes on m and b"


def test_the_face_is_the_stated_sum(pipeline, take):
    shapes = pipeline.shapes
    weights = take.emotion_curves @ take.expression_weights
    face = (
        pipeline.head.vertices
        + np.tensordot(take.speech_weights, shapes.speech_basis, axes=1)
        + np.tensordot(weights, shapes.expression_basis, axes=1)
    )
    for corrective, delta in zip(shapes.correctives, shapes.corrective_basis, strict=True):
        if isinstance(corrective, Corrective) and corrective.first in shapes.speech_names:
            first, second = (shapes.speech_names.index(name) for name in (corrective.first, corrective.second))
            amounts = corrective.value(take.speech_weights[:, first], take.speech_weights[:, second])
            face = face + np.tensordot(amounts[:, None], delta[None], axes=1)
    np.testing.assert_allclose(take.vertices, face, atol=1e-6)


def test_neutral_is_rest_and_the_others_are_not(take):
    energy = np.linalg.norm(take.expression_weights, axis=1)
    assert energy[EMOTIONS.index("neutral")] == 0
    assert (energy[1:] > 0.1).all()


def test_arkit_coefficients_are_in_range_and_speak(take):
    assert take.arkit.shape == (take.frame_count, 52)
    assert take.arkit.min() >= 0
    assert take.arkit.max() <= 1
    jaw, smile = (take.arkit[:, take.arkit_names.index(name)] for name in ("jawOpen", "mouthSmileLeft"))
    assert np.ptp(jaw) > 0.15
    assert smile.mean() > 0.3


@pytest.mark.parametrize("fps", [23.976, 30, 60])
def test_frames_cover_the_recording(pipeline, recording, fps):
    take = pipeline.generate(recording, GenerateRequest(fps=fps), lambda *_: None)
    assert (take.frame_count - 1) / fps < len(recording) / 16000 <= take.frame_count / fps


def test_the_same_request_gives_the_same_take(pipeline, take, recording):
    again = pipeline.generate(recording, GenerateRequest(), lambda *_: None)
    np.testing.assert_array_equal(again.speech_weights, take.speech_weights)


def test_a_quiet_recording_moves_the_same_lips(pipeline, take, recording):
    quiet = pipeline.generate(recording * np.float32(0.1), GenerateRequest(), lambda *_: None)
    np.testing.assert_allclose(quiet.speech_weights, take.speech_weights, atol=0.02)


def test_progress_rises_to_one(pipeline, recording):
    seen = []
    pipeline.generate(recording, GenerateRequest(), lambda fraction, stage: seen.append((fraction, stage)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {stage for _, stage in seen} == {"Listening", "Done"}


def test_progress_can_stop_the_work(pipeline, recording):
    def stop(fraction, stage):
        raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        pipeline.generate(recording, GenerateRequest(), stop)


def test_bad_requests_are_named(pipeline, recording):
    with pytest.raises(RequestError, match="no speaking style 'mumbled'"):
        pipeline.generate(recording, GenerateRequest(style="mumbled"), lambda *_: None)
    with pytest.raises(AudioError, match=r"hush\.wav"):
        pipeline.generate(np.zeros(16000, np.float32), GenerateRequest(audio="hush.wav"), lambda *_: None)


# Emotions in silence, and beyond the eight


@pytest.fixture(scope="module")
def quiet(pipeline, recording):
    """A surprised line with a second of silence before and after it, with vertices."""
    still = np.zeros(16000, np.float32)
    return generate(pipeline, np.concatenate([still, recording, still]), {"surprised": 1.0, "happy": 0.3})


def test_the_mouth_may_open_in_silence_and_nowhere_else(quiet):
    speaks = np.abs(quiet.speech_weights).max(axis=1) > 1e-4
    assert (quiet.silence[[0, -1]] == 1).all()
    assert speaks.mean() > 0.5
    assert (quiet.silence[speaks] == 0).all()
    assert np.abs(np.diff(quiet.silence)).max() < 0.3, "smoothly"


def test_vertices_and_coefficients_have_what_opens_in_silence(pipeline, quiet):
    shapes = pipeline.shapes
    face = shapes.faces(pipeline.head.vertices, quiet.face_weights[:1])[0]
    np.testing.assert_allclose(quiet.vertices[0], face, atol=1e-6)
    solved = ArkitSolver(pipeline.head.arkit, shapes.basis, lips=lips_of(pipeline.head))(
        shapes.mixed(quiet.face_weights)
    )
    np.testing.assert_allclose(quiet.arkit, solved, atol=1e-6)


def test_a_take_has_what_was_asked_for_of_the_library(pipeline, recording):
    names = pipeline.shapes.emotions[len(EMOTIONS) :][:2]
    take = generate(pipeline, recording[:16000], dict.fromkeys(names, 0.5))
    assert take.emotions == EMOTIONS + names
    for name in names:
        row = pipeline.shapes.emotions.index(name)
        np.testing.assert_array_equal(
            take.expression_weights[take.emotions.index(name)], pipeline.shapes.emotion_weights[row]
        )
    assert (take.emotion_curves[:, len(EMOTIONS) :] == 0.5).all()
