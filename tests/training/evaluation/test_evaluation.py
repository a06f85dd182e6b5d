"""The evaluation's parts on faces and phones whose answer is known."""

import importlib.util
import itertools

import numpy as np
import pytest
from duet.inference.engine.pipeline import Pipeline
from duet.inference.head.canonical import load_head
from duet.inference.head.mouth import mouth_of
from duet.training.data.alignment import ARPABET, Recording, aligned, recognised_phones, recognised_words
from duet.training.data.animated import AnimatedTake
from duet.training.data.spoken import CONTRASTS, Spoken, contrast, phones_at, synthetic_speech
from duet.training.evaluation.model_card import measured, with_section
from duet.training.evaluation.robustness import music, speech_level, through_rate, with_noise
from duet.training.evaluation.speech import still_errors, take_scores
from duet.training.evaluation.talkers import Face, Talker, shipped
from duet.training.evaluation.voices import gather, truth_talker
from duet.training.features import WEIGHTS
from duet.training.measures import mean_lip_error, motion, roc_auc
from duet.training.mouth import LIPS, vertices_of
from duet.training.speech_rig import CHANNEL_NAMES, rig_deltas
from duet.training.synthesis.coarticulation import LAG, channels_of
from duet.training.synthesis.phones import gesture_of
from duet.training.synthesis.utterance import Segment

pytestmark = pytest.mark.slow

needs_pocketsphinx = pytest.mark.skipif(
    not importlib.util.find_spec("pocketsphinx"), reason="pocketsphinx is not installed (requirements/training.txt)"
)
WORDS = "had he married a more a amiable woman he might have been made still more respectable than he was"


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.fixture(scope="module")
def face():
    return Face(Pipeline(WEIGHTS, "numpy"))


def rig(**values):
    row = np.zeros((1, len(CHANNEL_NAMES)), np.float32)
    for name, value in values.items():
        row[0, CHANNEL_NAMES.index(name)] = value
    return row


@pytest.mark.parametrize(
    ("high", "low", "auc"), [([3, 4], [1, 2], 1.0), ([1, 2], [3, 4], 0.0), ([1, 3], [2, 2], 0.5), ([5, 5], [5], 0.5)]
)
def test_roc_auc(high, low, auc):
    scores = np.array([*high, *low, 99.0])
    labels = np.array([1] * len(high) + [0] * len(low) + [-1])
    assert roc_auc(scores, labels) == pytest.approx(auc)


def test_roc_auc_without_a_class_is_not_a_number():
    assert np.isnan(roc_auc(np.ones(3), np.zeros(3, int)))


def test_mean_lip_error_and_motion_are_in_millimetres():
    still = np.zeros((3, 2, 3))
    moved = still.copy()
    moved[1, 0, 1], moved[2, 1, 2] = 0.003, 0.001
    assert mean_lip_error(moved, still) == pytest.approx(4 / 3)
    np.testing.assert_allclose(motion(moved, 50.0)[0], 50 * 3 / np.sqrt(2), rtol=1e-6)


def test_the_mouths_measures_are_those_of_the_vertices(head):
    deltas, mouth = rig_deltas(head), mouth_of(head, rig_deltas(head))
    wide = rig(jaw_open=0.5)
    upper, lower = (ring[len(ring) // 2] for ring in (head.regions["inner_lip_upper"], head.regions["inner_lip_lower"]))
    moved = head.vertices + np.tensordot(wide[0], deltas, axes=1)
    parted = (moved[upper, 2] - moved[lower, 2] - head.vertices[upper, 2] + head.vertices[lower, 2]) * 1000
    assert mouth.gap(wide)[0] == pytest.approx(parted, rel=0.2), "the middle third opens a little less than the middle"
    assert mouth.gap(rig(roll_lower=0.2, roll_upper=0.2))[0] < 0
    assert mouth.rounding(rig(pucker=0.5))[0] > 3 > -3 > mouth.rounding(rig(stretch=0.5))[0]


SEGMENTS = tuple(Segment(p, 0.2 * i, 0.2 * (i + 1)) for i, p in enumerate(["", "b", "a", "uː", "s", "ɛ", ""]))


def test_frames_show_the_phone_that_was_heard_a_little_before():
    letters = phones_at(SEGMENTS, 70)
    assert letters[int((0.3 + LAG) * 50)] == "b"
    assert letters[10] == "", "0.2 s: the sound of b has begun, the face has not followed"
    assert letters[int(0.65 * 50)] == "u"
    assert letters[-1] == ""


def test_contrasts():
    letters = np.array(["", "b", "a", "u", "s", "ɛ", "m", "i"])
    np.testing.assert_array_equal(contrast("closure", letters), [-1, 1, 0, 0, 0, 0, 1, 0])
    np.testing.assert_array_equal(contrast("rounding", letters), [-1, -1, -1, 1, -1, 0, -1, 0])
    np.testing.assert_array_equal(contrast("opening", letters), [-1, 0, 1, 0, 0, -1, 0, 0])


def test_no_sound_has_much_and_little_of_a_measure():
    for much, little in CONTRASTS.values():
        assert not much & (little or frozenset())
        for letter in much | (little or frozenset()):
            gesture_of(letter)


@pytest.fixture(scope="module")
def spoken():
    channels = channels_of(SEGMENTS, 70)
    return Spoken("line", "known", "nobody", np.zeros(70 * 320, np.float32), SEGMENTS, channels)


def test_the_coarticulation_model_scores_best_and_a_still_face_by_chance(face, spoken):
    best = gather(truth_talker([spoken]), face, [spoken])["known"]
    assert min(best.auc().values()) > 0.85
    assert best.worst_lag() == pytest.approx((0, 0), abs=1e-3)
    assert best.lve == [0.0]
    still = Talker("still", lambda samples, _: np.zeros((70, len(CHANNEL_NAMES)), np.float32))
    assert set(gather(still, face, [spoken])["known"].auc().values()) == {0.5}


def test_a_late_face_is_found_late(face, spoken):
    late = Talker("late", lambda samples, _: np.roll(spoken.channels, 3, axis=0))
    frames = gather(late, face, [spoken])["known"]
    assert frames.worst_lag()[0] == pytest.approx(0.06, abs=0.005)
    assert frames.auc()["opening"] < gather(truth_talker([spoken]), face, [spoken])["known"].auc()["opening"]


def test_perfect_channels_lose_only_what_fusion_loses(face):
    time = np.arange(90) / 30
    truth = np.tile(rig(jaw_open=0.3, roll_lower=0.1)[0], (90, 1)) * (1 - np.cos(6 * time))[:, None].astype(np.float32)
    truth[:, CHANNEL_NAMES.index("tongue_up")] = np.nan
    take = AnimatedTake("made", np.zeros(48000, np.float32), truth.astype(np.float32), time)
    at = np.arange(150) / 50
    perfect = np.stack([np.interp(at, time, np.nan_to_num(column)) for column in truth.T], axis=1).astype(np.float32)
    scores = take_scores(Talker("perfect", lambda samples, _: perfect), face, take)
    still, _ = still_errors(face, take)
    assert scores.lve_without_fusion < 0.01 * still
    assert scores.lve < 0.2 * still
    assert scores.r[0] > 0.99
    assert abs(scores.late[0]) < 0.01


def test_the_shipped_model_is_measured_in_the_rigs_order(face, recording):
    found = shipped(face.pipeline).channels(recording[:48000], "natural")
    assert found.shape == (150, len(CHANNEL_NAMES))
    assert found.min() >= 0
    weights = face.weights(found)
    take = face.points(weights, vertices_of(face.pipeline.head, LIPS))
    assert np.linalg.norm(take, axis=-1).max() > 0.003


@needs_pocketsphinx
def test_aligned_phones_are_those_of_the_words(recording):
    segments = aligned(Recording("0920", "reader", recording, WORDS))
    assert segments[0].start == 0
    assert segments[-1].end == pytest.approx(len(recording) / 16000, abs=0.02)
    assert all(a.end == b.start for a, b in itertools.pairwise(segments))
    said = "".join(s.phone for s in segments)
    assert said.startswith("hædhimɛɹi")
    assert said.endswith("nhiwɑz")
    loud = np.abs(recording[int(segments[1].end * 16000) : int(segments[2].end * 16000)]).max()
    assert loud > 5 * np.abs(recording[: int(segments[0].end * 8000)]).max(), "speech begins where it is said to"


@needs_pocketsphinx
def test_phones_and_words_are_recognised(recording):
    heard = recognised_words(recording).split()
    assert len(set(heard) & set(WORDS.split())) >= 10
    phones = {s.phone for s in recognised_phones(recording)}
    assert {"m", "s"} <= phones
    for sounds in ARPABET.values():
        for letter in sounds:
            gesture_of(letter)


def test_synthetic_files_come_back_in_the_rigs_order(tmp_path):
    names = list(CHANNEL_NAMES)[::-1][:-1]  # reversed, and without jaw_open
    common = {"samples": np.full(320, 16384, np.int16), "phones": np.array(["a"]), "times": np.array([[0.0, 0.02]])}
    common |= {"channels": np.arange(17, dtype=np.float16)[None], "channel_names": np.array(names)}
    for i, split in enumerate(["train", "heldout_voice", "heldout_voice"]):
        np.savez(tmp_path / f"{i:06d}.npz", **common, split=split, voice="espeak/f4", language="pl")
    (found,) = synthetic_speech("heldout_voice", tmp_path, most=1)
    assert (found.name, found.group, found.voice) == ("000002", "unseen voices", "pl espeak/f4")
    assert found.samples[0] == pytest.approx(0.5, abs=1e-3)
    assert np.isnan(found.channels[0, 0])
    np.testing.assert_array_equal(found.channels[0, 1:], np.arange(17)[::-1])


def test_variants_are_what_they_are_called(recording):
    there = through_rate(recording, 44_100)
    assert np.corrcoef(there, recording)[0, 1] > 0.999
    noise = with_noise(recording, 20.0) - recording
    assert 20 * np.log10(speech_level(recording) / noise.std()) == pytest.approx(20, abs=0.2)
    assert 0.2 < np.abs(music(2.0)).max() <= 0.3001


def test_sections_replace_themselves_and_leave_the_rest():
    card = with_section("# Card\n\nBy hand.\n", "one", "First", ["old \\1"])
    card = with_section(card, "two", "Second", ["kept"])
    card = with_section(card, "one", "First", ["new"])
    assert card.count("## First") == 1
    assert "old" not in card
    assert card.index("By hand.") < card.index("new") < card.index("kept")


def test_the_card_knows_which_weights_a_section_measured():
    card = with_section("", "one", "First", ["1"], "head=ab speech=cd")
    card = with_section(with_section(card, "two", "Second", ["2"]), "three", "Third", ["3"], "head=xy speech=cd")
    assert measured(card, "head=ab speech=cd") == {"one"}
    card = with_section(card, "one", "First", ["4"], "head=xy speech=cd")
    assert measured(card, "head=xy speech=cd") == {"one", "three"}
    assert card.count("## First") == 1
