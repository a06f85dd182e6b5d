"""The shipped blendshapes in mixes of emotions and sounds: lips close, nothing comes through, emotions differ."""

from dataclasses import replace

import numpy as np
import pytest
from duet.inference.engine.models import load_models
from duet.inference.engine.pipeline import Pipeline
from duet.inference.take import EMOTIONS
from duet.training.evaluation.lip_gaps import LipGaps
from duet.training.evaluation.sound_measures import LIMITS, SoundMeasures, worst
from duet.training.evaluation.soundness import Kind, SpokenFrames, measured, most_unlike, random_mixes
from duet.training.features import WEIGHTS
from duet.training.fusion.emotion_measures import felt, likeness, read_vertices, wanted
from duet.training.fusion.lip_seal import lip_distances
from duet.training.speech_rig import SPEECH_KEYS, key_deltas, rig_deltas
from duet.training.synthesis.phones import gesture_of
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

SOUNDS = ("p", "b", "m", "a", "o", "u", "i", "e", "f", "v", "s", "ʃ", "t", "l", "θ", "k", "w", "ɹ")


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline(WEIGHTS, "numpy")


@pytest.fixture(scope="module")
def head(pipeline):
    return pipeline.head


@pytest.fixture(scope="module")
def speech(pipeline):
    """w_A of sounds held still, one row a sound, lips kept out of each other."""
    names = load_models(WEIGHTS).rig.channels
    channels = [[gesture_of(sound).targets.get(name, 0.0) for name in names] for sound in SOUNDS]
    held = pipeline.in_contact(np.array(channels, np.float32))
    return pipeline.speech_weights(held, lambda *_: None)


@pytest.fixture(scope="module")
def measures(head):
    return SoundMeasures(head)


def spoken(pipeline, weights):
    shapes = pipeline.shapes
    return shapes.faces(pipeline.head.vertices, np.pad(weights, ((0, 0), (0, len(shapes.expression_names)))))


# Speech


def test_neutral_speech_is_what_the_rig_makes(pipeline):
    """Within micrometres, where channels at random move the lips by a centimetre."""
    given_rig = load_models(WEIGHTS).rig.deltas(pipeline.head)
    channels = np.random.default_rng(0).random((50, len(given_rig))).astype(np.float32) * 0.5
    lips = np.concatenate(
        [pipeline.head.regions[name] for name in ("outer_lips", "inner_lip_upper", "inner_lip_lower")]
    )
    weights = pipeline.speech_weights(channels, lambda *_: None)
    found = np.tensordot(weights, pipeline.shapes.speech_basis[:, lips], axes=1)
    due = np.tensordot(channels, given_rig[:, lips], axes=1)
    off = 1000 * np.linalg.norm(found - due, axis=-1)
    assert off.mean() < 0.002134
    assert 1000 * np.linalg.norm(due, axis=-1).mean() > 5
    np.testing.assert_allclose(given_rig, rig_deltas(pipeline.head), atol=1e-6)


def test_speech_blendshapes_are_the_keys_and_go_from_0_to_1(pipeline, speech):
    shapes = pipeline.shapes
    assert shapes.speech_names == tuple(f"Speech {key}" for key in SPEECH_KEYS)
    np.testing.assert_allclose(shapes.speech_basis, key_deltas(pipeline.head), atol=1e-6)
    assert speech.min() > -1e-4
    assert speech.max() <= 1.001
    assert (speech > 0.1).sum(axis=1).mean() < 5


# Emotions


def test_emotions_are_told_apart_and_are_what_their_recipes_say(pipeline, head):
    shapes, seen = pipeline.shapes, read_vertices(head)
    due, silent, quiet = wanted(head, seen), felt(shapes, seen), felt(shapes, seen, silent=False)
    count, other = len(EMOTIONS), ~np.eye(len(EMOTIONS) - 1, dtype=bool)
    for shown in (silent, quiet):
        assert likeness(shown, shown)[1:count, 1:count][other].max() < 0.6
    like = np.diag(likeness(silent, due))
    assert like[1:count].min() > 0.9
    assert like[1:].min() > 0.75, "each of the library; of lips that are bitten back the seal takes most"
    assert (shapes.emotion_opening >= 0).all()
    assert (shapes.emotion_opening[EMOTIONS.index("surprised"), 0]) > 0.15, "its jaw drops in silence"
    assert not shapes.emotion_opening[EMOTIONS.index("neutral")].any()


def test_no_emotion_parts_lips_that_close(pipeline, head, speech):
    """Along the whole inner lip, corners included: at closed lips, some of the library too, and at a rolled-in p."""
    shapes, gaps = pipeline.shapes, LipGaps(head)
    fields = felt(shapes, np.arange(len(head.vertices)), silent=False)
    some = np.concatenate([fields[1 : len(EMOTIONS)], fields[len(EMOTIONS) :: 12]])
    assert gaps.added(head.vertices[None], some).max() < 0.05
    rolled = spoken(pipeline, speech[[SOUNDS.index("p")]]).astype(np.float32)
    assert gaps.added(rolled, fields[1 : len(EMOTIONS)]).max() < 0.05


# Soundness


@settings(max_examples=15, deadline=None)
@given(
    sliders=st.lists(st.floats(0, 1.5), min_size=7, max_size=7), sound=st.sampled_from(SOUNDS), loud=st.floats(0.2, 1.0)
)
def test_any_mix_stays_whole(pipeline, measures, speech, sliders, sound, loud):
    mix = np.zeros(len(EMOTIONS), np.float32)
    mix[1:] = np.array(sliders, np.float32) * 1.5 / max(1.5, sum(sliders))
    shapes = pipeline.shapes
    felt_ = mix @ shapes.emotion_weights[: len(EMOTIONS)]
    weights = np.concatenate([speech[SOUNDS.index(sound)] * np.float32(loud), felt_])
    found = measures.flaws(shapes.faces(pipeline.head.vertices, weights[None])[0])
    assert found.through <= LIMITS.through
    assert found.lips <= LIMITS.lips
    assert found.lids <= LIMITS.lids
    assert found.fold <= LIMITS.fold


def test_nothing_turns_over_while_an_emotion_speaks(pipeline, measures, speech):
    """No triangle of lips and lids, in the 126 faces of every emotion and sound."""
    shapes = pipeline.shapes
    faces = [np.concatenate([said, felt_]) for felt_ in shapes.emotion_weights[1 : len(EMOTIONS)] for said in speech]
    for face in shapes.faces(pipeline.head.vertices, np.array(faces)):
        assert not len(measures.turned(face.astype(float)))


@pytest.mark.parametrize("blink", [0.25, 0.5, 0.75, 1.0])
def test_a_blink_goes_around_the_eye_whatever_is_felt(pipeline, measures, blink):
    """Of the emotions, of some of the library, and of emotions at the end of their sliders."""
    shapes = pipeline.shapes
    rows, count = [*range(len(EMOTIONS)), *range(len(EMOTIONS), len(shapes.emotions), 8)], len(EMOTIONS)

    def blinking(names, felt_):
        return Kind("blink", np.zeros((len(names), len(shapes.speech_names)), np.float32), felt_, names, blink)

    kind = blinking(tuple(shapes.emotions[row] for row in rows), shapes.emotion_weights[rows])
    found = measured(kind, shapes, measures)
    assert found["neutral"].lids < 0.05
    assert worst(found)["lids"][0] < LIMITS.lids
    assert worst(found)["turned"][0] == 0
    far = measured(blinking(EMOTIONS, np.float32(1.5) * shapes.emotion_weights[:count]), shapes, measures)
    assert worst(far)["lids"][0] < LIMITS.lids
    assert worst(far)["turned"][0] == 0
    wide = replace(shapes, correctives=shapes.correctives[:8], corrective_basis=shapes.corrective_basis[:8])
    if blink > 0.5:
        assert measured(kind, wide, measures)["surprised"].lids > 0.9, "without correctives"


@pytest.mark.parametrize("ways", [("Up",), ("Down",), ("In",), ("Out",), ("Up", "Out")], ids=" ".join)
def test_lids_keep_off_eyes_that_look_as_far_as_they_can(head, measures, ways):
    both = {f"eyeLook{way}{side}": 1.0 for way in ways for side in ("Left", "Right")}
    assert measures.flaws(head.pose(both)).lids < 0.1


def test_the_measures_see_what_is_wrong(head, measures):
    assert measures.flaws(head.vertices) == type(LIMITS)(0, 0, 0, 0, 0)
    pushed = head.vertices.copy()
    pushed[head.regions["lower_teeth"], 1] -= 0.012
    assert measures.flaws(pushed).through > 1
    crossed = head.vertices.copy()
    above, below = lip_distances(head)
    crossed[(above < 0.008) & (above < below), 2] -= 0.001
    assert measures.flaws(crossed).lips == pytest.approx(0.9, abs=0.3)
    eyed = head.vertices.copy()
    for eye in ("left_eye", "right_eye"):
        eyed[head.regions[eye], 1] -= 0.002
    assert measures.flaws(eyed).lids > 1
    turned = head.vertices.copy()
    one = measures._folding[0][100]
    turned[one[:2]] = turned[one[1::-1]]
    assert measures.flaws(turned).turned >= 1
    folded, lower = head.vertices.copy(), head.regions["inner_lip_lower"]
    folded[lower, 2] -= 0.01 * (1 - np.abs(head.vertices[lower, 0]) / 0.022)
    assert measures.flaws(folded).fold > 25


def test_the_worst_of_a_kind_is_named(pipeline, measures):
    shapes = pipeline.shapes
    said = np.zeros((2, len(shapes.speech_names)), np.float32)
    said[1, 0] = 0.5
    felt_ = np.zeros((2, len(shapes.expression_names)), np.float32)
    found = measured(Kind("two", said, felt_, ("rest", "open")), shapes, measures)
    assert worst(found)["fold"] == (found["open"].fold, "open")


def test_frames_that_differ_most_are_looked_at():
    rng = np.random.default_rng(0)
    weights = np.concatenate([rng.normal(0, 0.01, (50, 2)), [[1, 0], [0, 1], [0.5, 0.5]]]).astype(np.float32)
    chosen = most_unlike(SpokenFrames(weights, tuple(map(str, range(53)))), np.ones(2, np.float32), 4)
    assert {"50", "51", "52"} <= set(chosen.names)


def test_mixes_are_within_the_limit():
    mixes = random_mixes(np.random.default_rng(2), 300, 8)
    assert mixes.sum(axis=1).max() <= 1.5 + 1e-5
    assert (mixes[:, 0] == 0).all()
    assert ((mixes > 0).sum(axis=1) > 4).any()
    assert ((mixes > 0).sum(axis=1) == 1).any()
