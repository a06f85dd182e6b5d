"""The set itself: what is planned never leaks, what is written can be read, and a build goes on where it stopped."""

import itertools

import numpy as np
import pytest
from duet.training.speech_rig import CHANNEL_NAMES
from duet.training.synthesis import build, espeak, plan, text
from duet.training.synthesis.utterance import SynthesisError

pytestmark = pytest.mark.slow

ALL = ("espeak", "piper", "kokoro")
needs_espeak = pytest.mark.skipif(not espeak.available(), reason="libespeak-ng1 and espeak-ng-data are not installed")


@pytest.fixture
def sentences(monkeypatch):
    """Fifty sentences in each language, so that the plan does not depend on what is installed."""
    monkeypatch.setattr(text, "sentences", lambda language: [f"Sentence {i} in {language}." for i in range(50)])


def test_nothing_held_out_is_trained_on(sentences):
    items = list(itertools.islice(plan.items(0, ALL), 4000))
    train = [i for i in items if i.split == plan.TRAIN]
    voices = [i for i in items if i.split == plan.VOICE]
    languages = [i for i in items if i.split == plan.LANGUAGE]
    assert len(train) + len(voices) + len(languages) == 4000
    assert not {i.voice for i in train} & set(plan.HELD_OUT_VOICES)
    assert {i.voice for i in voices} == set(plan.HELD_OUT_VOICES)
    assert {i.language for i in languages} == {plan.HELD_OUT_LANGUAGE}
    assert plan.HELD_OUT_LANGUAGE not in {i.language for i in train + voices}
    assert not {i.sentence for i in train} & {i.sentence for i in voices}
    assert len({i.language for i in train}) >= 8
    assert len({i.voice for i in train}) >= 30


def test_a_plan_is_the_same_each_time_and_differs_by_seed(sentences):
    first, again, other = (list(itertools.islice(plan.items(seed, ALL), 50)) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_languages_without_sentences_are_left_out(monkeypatch):
    monkeypatch.setattr(text, "sentences", lambda name: [f"{name} {i}" for i in range(50)] if name in "en fr" else [])
    assert {i.language for i in itertools.islice(plan.items(0, ("espeak",)), 200)} == {"en", "fr"}


def test_only_plain_sentences_are_taken():
    cookie = "One fine day it rained. See RFC 1149!\nThis -- has dashes, it has. Too short.\n\t\t-- Anonymous, a book"
    assert list(text.sentences_of(cookie, "en", "")) == ["One fine day it rained."]
    assert list(text.sentences_of("春眠不觉晓，处处闻啼鸟。a1。", "zh", "")) == ["春眠不觉晓，处处闻啼鸟。"]
    assert len(text.own_sentences("en")) == 500 == len(set(text.own_sentences("en")))


@pytest.fixture
def small(monkeypatch):
    """A plan that needs eSpeak alone, and little babble."""
    monkeypatch.setattr(plan, "_VARIANTS", ("f2", "f4", "m3", "m7"))
    monkeypatch.setattr(text, "sentences", text.own_sentences)
    monkeypatch.setattr(build, "sources", lambda: ("espeak",))
    monkeypatch.setattr(build, "_BABBLE_VOICES", 2)


@needs_espeak
def test_a_build_is_complete_repeatable_and_resumes(small, tmp_path):
    build.build(tmp_path / "a", 0.008, seed=4)
    files = sorted((tmp_path / "a").glob("*.npz"))
    assert sum(build.duration_of(f) for f in files) >= 0.008 * 3600
    (tmp_path / "b").mkdir()
    for kept in (files[0], tmp_path / "a" / "settings.json"):
        (tmp_path / "b" / kept.name).write_bytes(kept.read_bytes())
    before = (tmp_path / "b" / files[0].name).stat().st_mtime_ns
    build.build(tmp_path / "b", 0.008, seed=4)
    assert (tmp_path / "b" / files[0].name).stat().st_mtime_ns == before
    for file in files:
        with np.load(file) as a, np.load(tmp_path / "b" / file.name) as b:
            assert all(np.array_equal(a[key], b[key]) for key in a)


@needs_espeak
def test_a_file_holds_what_its_description_says(small, tmp_path):
    build.build(tmp_path, 0.008, seed=1)
    for path in tmp_path.glob("*.npz"):
        with np.load(path) as data:
            count = len(data["samples"])
            assert data["samples"].dtype == np.int16
            assert data["channels"].dtype == np.float16
            assert data["channels"].shape == (count // 320, len(CHANNEL_NAMES))
            assert tuple(data["channel_names"]) == CHANNEL_NAMES
            assert data["times"].shape == (len(data["phones"]), 2) == (len(data["gains"]), 2)
            assert data["times"][-1, 1] == pytest.approx(count / 16000, abs=1e-4)
            assert data["phones"][0] == "" == data["phones"][-1]
            assert str(data["split"]) in (plan.TRAIN, plan.VOICE)
            assert (str(data["voice"]) in plan.HELD_OUT_VOICES) == (str(data["split"]) == plan.VOICE)
            assert str(data["split"]) == plan.TRAIN or not str(data["recording"])
            assert data["channels"][:5].max() == 0


@needs_espeak
def test_refresh_only_renews_the_face(small, tmp_path):
    build.build(tmp_path, 0.004, seed=2)
    path = sorted(tmp_path.glob("*.npz"))[0]
    with np.load(path) as data:
        before = dict(data)
    build._write(path, before | {"channels": np.zeros_like(before["channels"])})
    build.refresh(tmp_path)
    with np.load(path) as data:
        for key in before:
            if key == "channels":
                np.testing.assert_allclose(data[key], before[key], atol=2e-3)
            else:
                assert np.array_equal(data[key], before[key])


@needs_espeak
def test_another_build_in_the_same_folder_is_refused(small, tmp_path):
    build.build(tmp_path, 0.001, seed=2)
    with pytest.raises(SynthesisError, match="other settings"):
        build.build(tmp_path, 0.001, seed=3)
