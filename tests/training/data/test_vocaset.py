"""VOCASET's loaders on small files in both published layouts, with faces whose rig channels are known."""

import pickle
import wave

import numpy as np
import pytest
from duet.inference.errors import WeightsError
from duet.inference.head.canonical import load_head
from duet.inference.head.mouth import mouth_of
from duet.training.data.animated import data_folder, load_animated
from duet.training.data.vocaset import (
    SPLITS,
    VocasetError,
    lip_vertices,
    sequences,
)
from duet.training.data.vocaset_rig import FlameRig, align, jaw_share, to_flame
from duet.training.data.vocaset_takes import subject_of, vocaset_streams, vocaset_takes
from duet.training.speech import examples as speech_examples
from duet.training.speech_rig import CHANNEL_NAMES, SHAPE_NAMES, rig_deltas, rig_shapes
from duet.training.synthesis.phones import TONGUE

pytestmark = pytest.mark.slow

RATE = 22_000
TRAINED, TESTED = SPLITS["train"][0], SPLITS["test"][0]
SENTENCES = {TRAINED: ("sentence01", "sentence30"), TESTED: ("sentence05", "sentence25")}
SECONDS = 1.5


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.fixture(scope="module")
def scans(head):
    """A scanned face of other vertices and size: its neutral (V, 3), its motion (T, V, 3) and the channels (T, C)."""
    skin = head.regions["skin"][::2]
    neutral = 0.93 * to_flame(head.vertices[skin]) + np.float32([0.01, -0.3, 0.02])
    time = np.arange(int(60 * SECONDS)) / 60
    channels = np.zeros((len(time), len(CHANNEL_NAMES)), np.float32)
    for i, name in enumerate(("jaw_open", "pucker", "roll_lower", "roll_upper", "stretch")):
        channels[:, CHANNEL_NAMES.index(name)] = 0.3 * (1 - np.cos(2 * np.pi * (i + 1) * time / SECONDS))
    motion = 0.93 * to_flame(np.tensordot(channels, rig_deltas(head)[:, skin], axes=1))
    noise = np.random.default_rng(0).normal(0, 2e-5, motion.shape)
    return neutral.astype(np.float32), (motion + noise).astype(np.float32), channels


def tone(seconds):
    return np.round(8000 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)).astype(np.int16)


def save_pickle(path, data):
    path.write_bytes(pickle.dumps(data, protocol=2))


@pytest.fixture
def prepared(tmp_path, scans):
    """FaceFormer's layout."""
    neutral, motion, _ = scans
    for name in ("vertices_npy", "wav"):
        (tmp_path / name).mkdir()
    for subject, sentences in SENTENCES.items():
        for sentence in sentences:
            faces = (neutral + motion).reshape(len(motion), -1)
            np.save(tmp_path / "vertices_npy" / f"{subject}_{sentence}.npy", faces)
            with wave.open(str(tmp_path / "wav" / f"{subject}_{sentence}.wav"), "wb") as file:
                file.setparams((1, 2, RATE, 0, "NONE", ""))
                file.writeframes(tone(SECONDS).tobytes())
    save_pickle(tmp_path / "templates.pkl", dict.fromkeys(SENTENCES, neutral.astype(np.float64)))
    return tmp_path


@pytest.fixture
def published(tmp_path, scans):
    """VOCA's layout: the scans of all sequences in one array, not in their order."""
    neutral, motion, _ = scans
    order = [(subject, sentence) for subject, sentences in SENTENCES.items() for sentence in sentences][::-1]
    count = len(motion)
    np.save(tmp_path / "data_verts.npy", np.tile(neutral + motion, (len(order), 1, 1)))
    index, sounds = {s: {} for s in SENTENCES}, {s: {} for s in SENTENCES}
    for place, (subject, sentence) in enumerate(order):
        index[subject][sentence] = {frame: place * count + frame for frame in range(count)}
        sounds[subject][sentence] = {"audio": tone(SECONDS), "sample_rate": RATE}
    save_pickle(tmp_path / "subj_seq_to_idx.pkl", index)
    save_pickle(tmp_path / "raw_audio_fixed.pkl", sounds)
    save_pickle(tmp_path / "templates.pkl", dict.fromkeys(SENTENCES, neutral))
    return tmp_path


@pytest.mark.parametrize("layout", ["prepared", "published"])
def test_both_layouts_give_the_same_sequences(layout, request, scans):
    folder, (neutral, motion, _) = request.getfixturevalue(layout), scans
    (first, second) = sequences(folder)
    assert (first.name, second.sentence) == (f"{TRAINED}_sentence01", "sentence30")
    np.testing.assert_allclose(first.vertices, neutral + motion[::2], atol=1e-6)
    np.testing.assert_allclose(first.template, neutral, atol=1e-6)
    assert first.fps == 30
    assert len(first.samples) == pytest.approx(SECONDS * 16000, abs=1)
    strongest = np.abs(np.fft.rfft(first.samples)).argmax() / SECONDS
    assert strongest == pytest.approx(440, abs=1)
    assert np.abs(first.samples).max() == pytest.approx(8000 / 32768, abs=0.02)


@pytest.mark.parametrize("layout", ["prepared", "published"])
def test_test_subjects_keep_to_their_sentences(layout, request):
    assert [s.name for s in sequences(request.getfixturevalue(layout), "test")] == [f"{TESTED}_sentence25"]


def test_scanned_motion_comes_back_as_rig_channels(prepared, scans, head):
    take = next(iter(vocaset_takes(prepared)))
    wanted = scans[2][::2]
    assert subject_of(take.name) == TRAINED
    np.testing.assert_allclose(take.times, np.arange(len(wanted)) / 30)
    for name in ("jaw_open", "pucker", "roll_lower", "roll_upper", "stretch"):
        column = CHANNEL_NAMES.index(name)
        assert np.corrcoef(take.channels[:, column], wanted[:, column])[0, 1] > 0.9, name
    assert [n for n, c in zip(CHANNEL_NAMES, take.channels.T, strict=True) if np.isnan(c).all()] == list(TONGUE)
    mouth = mouth_of(head, rig_deltas(head))
    np.testing.assert_allclose(mouth.gap(np.nan_to_num(take.channels)), mouth.gap(wanted), atol=1.5)


@pytest.mark.skipif(not (data_folder() / "ict_facekit").is_dir(), reason="the ICT face is not in DUET_DATA")
def test_motion_of_another_head_comes_back(head):
    """The ICT-FaceKit head: other people's shapes on another topology, moved as a animated take moves."""
    folder = data_folder() / "ict_facekit"
    neutral = np.load(folder / "head.npz")["vertices"][:11248] / np.float32(100)
    shapes = np.load(folder / "expressions.npz")
    rig = np.zeros((len(CHANNEL_NAMES), *neutral.shape), np.float32)
    for column, name in enumerate(SHAPE_NAMES):
        name = name.replace("Left", "_L").replace("Right", "_R")
        if name in shapes:
            rig += rig_shapes()[:, column, None, None] * shapes[name][:11248].astype(np.float32) / 100
    wanted = np.nan_to_num(load_animated("2_02").channels)[::6][:200]
    moved = np.tensordot(wanted, rig, axes=1)
    found = np.nan_to_num(FlameRig.carried(head, neutral, moved[:80]).channels(moved))
    mouth = mouth_of(head, rig_deltas(head))
    assert np.corrcoef(mouth.gap(found), mouth.gap(wanted))[0, 1] > 0.99
    assert np.corrcoef(mouth.rounding(found), mouth.rounding(wanted))[0, 1] > 0.97
    assert np.corrcoef(found[:, 0], wanted[:, 0])[0, 1] > 0.97


def test_subjects_become_styles_and_their_sentences_streams(prepared, monkeypatch):
    """As the trainer takes them: sound, features and channels of both sentences in one stream at 50 Hz."""
    monkeypatch.setattr(speech_examples, "cached_features", lambda samples: np.zeros((len(samples) // 320, 5, 384)))
    ((subject, stream),) = vocaset_streams(prepared)
    frames = len(stream.channels)
    assert subject == TRAINED
    assert len(stream.samples) == 320 * frames
    assert frames == pytest.approx(2 * SECONDS * 50, abs=4)
    jaw = stream.channels[:, CHANNEL_NAMES.index("jaw_open")]
    assert np.corrcoef(jaw[: frames // 2], jaw[frames // 2 :][: frames // 2])[0, 1] > 0.99
    examples, subjects = speech_examples.vocaset_examples(prepared)
    assert subjects == [TRAINED]
    assert [e.style for e in examples] == [len(speech_examples.STYLES)]


def test_alignment_finds_scale_and_place():
    points = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    scale, shift = align(points, 1.07 * points + np.float32([0.1, -0.2, 0.3]))
    assert scale == pytest.approx(1.07, abs=1e-3)
    np.testing.assert_allclose(shift, [0.1, -0.2, 0.3], atol=1e-3)


def test_the_chin_goes_with_the_jaw_and_the_upper_lip_does_not(head):
    jaw = rig_deltas(head)[CHANNEL_NAMES.index("jaw_open")]
    share = jaw_share(jaw[None] * np.linspace(0, 1, 5)[:, None, None])
    assert share[head.landmarks[8]] > 0.8
    middle = len(head.regions["inner_lip_upper"]) // 2
    assert share[head.regions["inner_lip_upper"][middle]] < 0.2 < share[head.regions["inner_lip_lower"][middle]]


def test_flames_own_lip_region_is_read(prepared):
    assert lip_vertices(prepared) is None
    save_pickle(prepared / "FLAME_masks.pkl", {"lips": np.array([5, 7]), "face": np.arange(9)})
    np.testing.assert_array_equal(lip_vertices(prepared), [5, 7])


def test_what_is_missing_is_named(tmp_path, prepared):
    with pytest.raises(VocasetError, match=r"neither data_verts\.npy nor vertices_npy"):
        list(sequences(tmp_path / "wav"))
    (prepared / "wav" / f"{TRAINED}_sentence01.wav").unlink()
    with pytest.raises(VocasetError, match=r"sentence01\.npy has no recording"):
        list(sequences(prepared))


class Evil:
    def __reduce__(self):
        return (print, ("this must never be run",))


def test_pickles_run_nothing(prepared, capsys):
    save_pickle(prepared / "templates.pkl", {TRAINED: Evil()})
    with pytest.raises(WeightsError, match="Nothing of it was run"):
        list(sequences(prepared))
    assert "never" not in capsys.readouterr().out
