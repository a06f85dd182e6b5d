"""A performance and the face that comes of it: one table of settings, and curves that follow from it."""

import json
from dataclasses import fields

import numpy as np
import pytest
from duet.inference.errors import RequestError
from duet.inference.flame.duet import duet_flame
from duet.inference.flame.fit import flame_motion
from duet.inference.flame.model import NECK, TO_BLENDER, rotation_matrices
from duet.inference.head import recompose
from duet.inference.head.canonical import ARKIT_NAMES, load_head
from duet.inference.performance.curves import smooth
from duet.inference.performance.face import FaceCurves
from duet.inference.performance.performance import LIFE, SETTINGS, Performance
from duet.inference.performance.silence import silence_around
from duet.inference.performance.timeline import Cue, parse_track
from duet.inference.take import EMOTIONS, Take

pytestmark = [pytest.mark.embedded, pytest.mark.slow]
FPS = 30.0
BLINK = ARKIT_NAMES.index("eyeBlinkLeft")


def spoken(speech, silence=None, opening=None):
    """A take as the worker gives it, of speech weights (T, Ks)."""
    shapes, count = recompose._shapes()[1], len(EMOTIONS)
    return Take(
        fps=FPS,
        speech_weights=speech,
        expression_weights=shapes.emotion_weights[:count],
        emotion_opening=shapes.emotion_opening[:count] if opening is None else opening,
        emotion_curves=np.zeros((len(speech), count), np.float32),
        silence=np.zeros(len(speech), np.float32) if silence is None else silence,
        arkit=np.zeros((len(speech), 0), np.float32),
        speech_names=shapes.speech_names,
        expression_names=shapes.expression_names,
        emotions=EMOTIONS,
        arkit_names=(),
        model_id="x",
        request={"style": "natural"},
    )


@pytest.fixture(scope="module")
def line():
    """Five seconds of smooth speech."""
    names = recompose._shapes()[1].speech_names
    return spoken(smooth(np.random.default_rng(2).normal(0, 0.2, (150, len(names))).astype(np.float32), 3))


# The table


def test_every_field_is_described_and_its_default_is_one_of_its_values():
    assert list(SETTINGS) == [field.name for field in fields(Performance)]
    for setting in SETTINGS.values():
        setting.check(setting.default)
        assert setting.label and setting.help and not setting.help.endswith(".")
    assert LIFE == ("blinks", "eyes", "head_motion", "brows", "breaths")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"articulation": 1.6}, "'1.6' is no value for articulation. Give a number from 0 to 1.5"),
        ({"smoothing": float("nan")}, "'nan' is no value for smoothing"),
        ({"style": ""}, "'' is no value for style. Give natural, enunciated or one of your own"),
        ({"seed": 1.5}, "no value for seed. Give a whole number from 0 to 2147483647"),
        ({"emotions": (Cue(0.0, {"happy": 1.6}),)}, "'1.6' is no value for intensity"),
        ({"trim_start": 3.0, "trim_end": 2.0}, "cut before it begins"),
    ],
)
def test_a_value_out_of_range_is_named(given, message):
    with pytest.raises(RequestError, match=message) as caught:
        Performance(**given)
    assert caught.value.remedy


def test_texts_are_read_as_the_settings_say():
    texts = {"articulation": "0.8", "seed": "3", "emotions": "happy=1;sad@2", "style": "enunciated", "blinks": None}
    found = Performance(eyes=0.5).with_texts({**texts, "smoothing": "", "audio": "line.wav"})
    cues = (Cue(0.0, {"happy": 1.0}), Cue(2.0, {"sad": 0.7}))
    assert found == Performance("enunciated", 0.8, emotions=cues, eyes=0.5, seed=3)
    assert Performance.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert Performance().to_json() == {}
    for texts, message in (({"seed": "1.5"}, "'1.5' is no value for seed"), ({"eyes": "much"}, "'much' is no value")):
        with pytest.raises(RequestError, match=message):
            Performance().with_texts(texts)


def test_a_mix_is_steady_where_nothing_changes():
    assert Performance(emotions=parse_track("happy=1+sad=0.2")).steady == {"happy": 1.0, "sad": 0.2}
    assert Performance(emotions=parse_track("happy=1;neutral@2")).steady == {}
    assert Performance(emotions=parse_track("happy=1;neutral@2")).felt == ("happy",)
    assert Performance().steady == {}


# The face


def test_a_take_that_is_performed_plainly_is_as_spoken(line):
    face = FaceCurves(line, Performance())
    assert face.speech is line.speech_weights or np.array_equal(face.speech, line.speech_weights)
    assert not face.sliders.any()
    assert face.names == recompose._shapes()[1].names
    np.testing.assert_array_equal(face.weights[:, : line.speech_weights.shape[1]], line.speech_weights)
    assert face.turns == {}


def test_speech_is_larger_softer_and_later(line):
    face = FaceCurves(line, Performance(articulation=0.5, smoothing=50, offset=100))
    due = smooth(np.float32(0.5) * line.speech_weights, 0.05 * FPS)
    np.testing.assert_allclose(face.speech[3:], due[:-3], atol=1e-5)
    assert face.performed().request["style"] == "natural"


def test_another_frame_rate_keeps_the_seconds(line):
    face = FaceCurves(line, Performance(emotions=parse_track("sad=1@2"), blinks=1), 60.0)
    assert face.frames == 299
    np.testing.assert_allclose(face.speech[::2], line.speech_weights, atol=1e-6)
    assert face.sliders[120, EMOTIONS.index("sad")] == 0
    assert face.sliders[150, EMOTIONS.index("sad")] == 1


@pytest.mark.parametrize("limit", [1.5, 0.5, 3.0])
def test_no_mix_is_beyond_the_limit_steady_ones_too(line, limit):
    for text in ("happy=1.2+angry=1.2", "happy=1.2@1;angry=1.2+happy=1.2@2;neutral=1.5+sad=1@2.2"):
        face = FaceCurves(line, Performance(emotions=parse_track(text), mix_limit=limit))
        assert 0.3 < face.sliders.sum(axis=1).max() <= min(limit, 2.4) + 1e-5
        assert not face.sliders[:, EMOTIONS.index("neutral")].any()
        take = face.performed()
        np.testing.assert_allclose(take.expression_curves, face.sliders @ take.expression_weights, atol=1e-5)


def test_silence_opens_the_mouth_as_far_as_asked_for_and_never_in_speech():
    rng, count = np.random.default_rng(5), len(EMOTIONS)
    speech = np.zeros((120, len(recompose._shapes()[1].speech_names)), np.float32)
    speech[40:70] = rng.random((30, speech.shape[1]))
    opening = rng.random((count, speech.shape[1]), np.float32) * (np.arange(count) > 0)[:, None]
    take = spoken(speech, silence_around(np.abs(speech).max(axis=1) > 0, FPS), opening)
    felt = {"emotions": (Cue(0.0, {EMOTIONS[4]: 1.0}),)}
    whole, half, none = (
        FaceCurves(take, Performance(**felt, open_in_silence=amount)).performed().opening_curves
        for amount in (1, 0.5, 0)
    )
    assert whole.any()
    np.testing.assert_allclose(half, 0.5 * whole, atol=1e-6)
    assert not none.any()
    moved = FaceCurves(take, Performance(smoothing=80, offset=200)).performed()
    speaks = np.abs(moved.speech_weights).max(axis=1) > 1e-4
    assert speaks.sum() > 35
    assert not moved.silence[speaks].any()
    assert moved.silence[0] == 1


def test_lips_alone_and_the_rest_of_the_face_alone(line):
    told = {"emotions": parse_track("happy=0.8"), "blinks": 1.0, "head_motion": 1.0}
    whole = FaceCurves(line, Performance(**told))
    lips = FaceCurves(line, Performance(**told, upper_face=0.0))
    np.testing.assert_array_equal(lips.speech, whole.speech)
    assert not lips.life
    np.testing.assert_array_equal(lips.neck, whole.neck)
    rest = FaceCurves(line, Performance(**told, lips=0.0))
    assert not rest.speech.any() and not rest.silence.any()
    assert rest.life.keys() == whole.life.keys()
    half = FaceCurves(line, Performance(**told, lips=0.5, upper_face=0.5))
    np.testing.assert_allclose(half.speech, whole.speech / 2)
    np.testing.assert_allclose(half.performed().expression_curves, whole.performed().expression_curves / 2, rtol=1e-5)


@pytest.mark.parametrize("emotion", EMOTIONS[1:])
def test_what_is_felt_moves_the_mouth_or_the_rest_of_the_face_alone(line, emotion):
    head, basis = load_head(), recompose._shapes()[1].expression_basis

    def moved(region, **parts):
        felt = FaceCurves(line, Performance(emotions=(Cue(0.0, {emotion: 1.0}),), **parts)).performed()
        far = np.linalg.norm(np.tensordot(felt.expression_curves[0], basis, 1)[head.regions[region]], axis=1)
        return 1000 * float(far.mean()), 1000 * float(far.max())

    (mouth, brows), rest = [moved(region)[0] for region in ("outer_lips", "brows")], {"lips": 0.0}
    assert moved("outer_lips", **rest)[0] < 0.25 < mouth and moved("outer_lips", **rest)[1] < 1.0
    assert moved("brows", **rest)[0] > 0.6 * brows
    assert moved("brows", upper_face=0.0)[0] < 0.35 < brows
    assert moved("outer_lips", upper_face=0.0)[0] > 0.9 * mouth


def test_a_mirrored_face_is_the_other_way_round(line):
    told = {"emotions": parse_track("contempt=1"), "eyes": 1.0, "head_motion": 1.0}
    plain, turned = (FaceCurves(line, Performance(**told, mirror=mirror)) for mirror in (0, 1))
    np.testing.assert_array_equal(turned.speech, plain.speech)
    head, basis = load_head(), recompose._shapes()[1].expression_basis
    before, after = (
        np.tensordot(face.take.expression_weights[EMOTIONS.index("contempt")], basis, 1) for face in (plain, turned)
    )
    corners = head.regions["mouth_corners"]  # right, left: symmetric on the head
    across = np.array([-1, 1, 1])
    assert np.linalg.norm(before[corners[0]] - before[corners[1]] * across) > 0.004, "contempt is of one side"
    np.testing.assert_allclose(after[corners], before[corners[::-1]] * across, atol=5e-4)
    np.testing.assert_array_equal(turned.life["eyeLookInLeft"], plain.life["eyeLookInRight"])
    np.testing.assert_allclose(turned.neck, plain.neck * [1, -1, -1])


def test_coefficients_and_vertices_are_there_where_they_are_asked_for(line, monkeypatch):
    face = FaceCurves(line, Performance())
    assert face.performed().arkit.shape == (150, 0)
    assert face.performed().vertices is None
    monkeypatch.setattr(recompose.ArkitSolver, "__call__", lambda *_: pytest.fail("solved for nobody"))
    face.performed(vertices=True)


@pytest.mark.once
def test_life_is_in_coefficients_vertices_and_flame_alike(line):
    still, alive = FaceCurves(line, Performance()), FaceCurves(line, Performance(blinks=1, head_motion=1, seed=3))
    before, after = still.performed(arkit=True, vertices=True), alive.performed(arkit=True, vertices=True)
    lids = alive.life["eyeBlinkLeft"]
    assert lids.max() == 1
    np.testing.assert_allclose(after.arkit[:, BLINK], np.clip(before.arkit[:, BLINK] + lids, 0, 1), atol=1e-6)
    others = [row for row, name in enumerate(ARKIT_NAMES) if not name.startswith("eyeBlink")]
    np.testing.assert_array_equal(after.arkit[:, others], before.arkit[:, others])
    frame, head = int(lids.argmax()), load_head()
    shut = after.vertices[frame] - before.vertices[frame]
    both = head.arkit[[BLINK, ARKIT_NAMES.index("eyeBlinkRight")]].sum(axis=0)
    np.testing.assert_allclose(shut, both, atol=1e-5)
    motion, _ = flame_motion(alive.names, alive.weights, FPS, duet_flame(), turned=alive.turns)
    turned = TO_BLENDER @ rotation_matrices(motion.pose[:, NECK].astype(float)) @ TO_BLENDER.T
    np.testing.assert_allclose(turned, alive.turns["neck"], atol=1e-5)
    assert np.abs(motion.pose[:, NECK]).max() > 0.01
