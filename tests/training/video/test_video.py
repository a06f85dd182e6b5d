"""People on video: tracks, pose, neutral, sizes, the fit of the rig, offsets, and who may be trained on."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from duet.inference.head.canonical import load_head
from duet.training.data.animated import data_folder
from duet.training.speech_rig import CHANNEL_NAMES, rig_deltas
from duet.training.video import people, track
from duet.training.video.face_measures import MEASURES, clip_measures, rig_measures
from duet.training.video.fit import fit_channels
from duet.training.video.landmarks import LANDMARKS
from duet.training.video.manner import Motion, Size, motions, scaled, size_of
from duet.training.video.offset import offset_of
from duet.training.video.people import (
    TEST_SETS,
    VALIDATION_EVERY,
    VALIDATION_PERSON,
    Person,
    clips_of,
    common_size,
    training_people,
    validates,
)
from duet.training.video.pose import mean_shape, without_pose
from duet.training.video.sentences import grid_words
from duet.training.video.targets import PRESSED, targets_of, touching
from duet.training.video.track import Track, levelled, save_tracks
from duet.training.video.tracks import Clip, TrackError, load_set
from duet.training.video.video_file import Pictures

pytestmark = pytest.mark.slow

needs_people = pytest.mark.skipif(
    not (data_folder() / "talking").is_dir(), reason="the people on video are not here: set DUET_DATA"
)
C = len(CHANNEL_NAMES)


@pytest.fixture(scope="module")
def rig():
    head = load_head()
    return rig_measures(head, rig_deltas(head))


def clip(points, fps=25.0, samples=None, seen=None, name="one"):
    count = len(points)
    samples = np.zeros(int(count / fps * 16000), np.float32) if samples is None else samples
    return Clip(
        "folder",
        name,
        samples,
        points.astype(np.float32),
        np.ones(count, bool) if seen is None else seen,
        fps,
        LANDMARKS,
    )


def face(count=40, seed=0):
    """Some face with depth, still."""
    shape = np.random.default_rng(seed).normal(0, 30, (len(LANDMARKS), 3))
    return np.tile(shape, (count, 1, 1))


def test_measures_are_the_distances_that_they_are_named_after():
    points = face()
    index = LANDMARKS.index
    for upper, lower in ((82, 87), (13, 14), (312, 317)):
        points[:, index(lower)] = points[:, index(upper)] + [0, 4.0, 0]
    points[:, index(291)] = points[:, index(61)] + [50.0, 0, 0]
    points[:, index(0), 1] = points[:, index(13), 1] - 7.0
    points[:, index(152), 1] = points[:, index(1), 1] + 70.0
    found = dict(zip(MEASURES, clip_measures(clip(points))[3], strict=True))
    assert found["gap"] == pytest.approx(4.0, abs=1e-4)
    assert found["width"] == pytest.approx(50.0, abs=1e-4)
    assert found["upper_lip"] == pytest.approx(7.0, abs=1e-4)
    assert found["chin_drop"] == pytest.approx(70.0, abs=1e-4)


def test_the_rigs_measures_are_those_of_a_face_that_it_moves(rig):
    head = load_head()
    jaw, pucker = rig[:, CHANNEL_NAMES.index("jaw_open")], rig[:, CHANNEL_NAMES.index("pucker")]
    assert jaw[MEASURES.index("gap")] > 10 > 5 < jaw[MEASURES.index("chin_drop")]
    assert pucker[MEASURES.index("width")] < -5
    moved = head.vertices + 0.5 * rig_deltas(head)[CHANNEL_NAMES.index("jaw_open")]
    chin = 1000 * (head.vertices[head.landmarks[8], 2] - moved[head.landmarks[8], 2])
    assert chin == pytest.approx(0.5 * jaw[MEASURES.index("chin_drop")], rel=1e-3)


def test_a_head_that_turns_and_nods_is_turned_back():
    points = face(30)
    truth = clip(points)
    turned = points.copy()
    for frame in range(30):
        yaw, pitch = 0.2 * np.sin(frame / 9), 0.15 * np.cos(frame / 7)
        one = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        other = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        turned[frame] = points[frame] @ one @ other * (1 + 0.05 * np.sin(frame / 5)) + [3.0, -2.0, 1.0]
    found = without_pose(clip(turned), mean_shape([truth]))
    before, after = (np.abs(c.points - truth.points).max() for c in (clip(turned), found))
    assert after < 0.25 * before


def test_the_neutral_is_where_the_lips_are_shut_and_a_lean_in_one_clip_is_its_own():
    rows = np.zeros((60, len(MEASURES)), np.float32)
    rows[:, 0] = np.where(np.arange(60) < 30, 0.2, 8.0)
    rows[:, 4] = np.where(np.arange(60) < 30, 70.0, 75.0)
    rows[:, 1] = np.arange(60) / 10
    leaning = rows + np.float32([0, 0, 0, 0, 10, 0, 0])
    clips = [clip(face(60)), clip(face(60), name="two")]
    first, second = motions(clips, [rows, leaning])
    assert first.measures[40, 0] == pytest.approx(7.8, abs=1e-4)
    assert abs(second.measures[:30, 4]).max() < 5.0, "its own neutral counts twice as much as the person's"
    size = size_of([first])
    assert scaled(first.measures, size, Size(2 * size.gap, size.width))[40, 0] == pytest.approx(15.6, abs=1e-3)


def test_lips_shut_for_a_sound_are_pressed_and_at_rest_they_are_not():
    rows = np.zeros((60, len(MEASURES)), np.float32)
    rows[:, 0] = 6.0
    rows[10:13, 0], rows[30:50, 0] = 0.3, 0.3
    gap = touching(rows, 25.0)[:, 0]
    assert set(gap[10:13]) == {np.float32(PRESSED)}
    assert set(gap[30:50]) == {0.0}
    assert set(gap[:10]) == {6.0}


def test_the_fit_gives_back_what_the_rig_was_made_to_do(rig):
    time = np.arange(80)[:, None] / 25
    channels = np.zeros((80, C), np.float32)
    for name, rate in (("jaw_open", 1.1), ("pucker", 0.7)):
        channels[:, CHANNEL_NAMES.index(name)] = 0.25 * (1 - np.cos(2 * np.pi * rate * time[:, 0]))
    tongue = CHANNEL_NAMES.index("tongue_up")
    prior = np.zeros_like(channels)
    prior[:, tongue] = 0.7
    found = fit_channels(rig, channels @ rig[: len(MEASURES)].T, prior, np.full(C, 0.25, np.float32))
    assert found.channels.min() >= 0
    assert found.channels.max() <= 1
    assert np.sqrt((found.residual[:, :2] ** 2).mean()) < 0.5
    np.testing.assert_allclose(found.channels[:, tongue], 0.7, atol=0.02)


def test_measures_of_frames_without_a_face_do_not_count(rig):
    seen = np.ones(75, bool)
    seen[30:40] = False
    own = clip(face(75), seen=seen)
    motion = Motion(own, np.zeros((75, len(MEASURES)), np.float32))
    person = Person("folder", "one", (motion,), Size(10.0, 5.0))
    _, measures = targets_of(person, motion, np.zeros((150, C), np.float32), Size(10.0, 5.0), 0.0)
    assert np.isnan(measures[66:76]).all()
    assert np.isfinite(measures[4:50]).all()


def test_pictures_that_come_late_are_found_so():
    gap = np.zeros(300, np.float32)
    for at in (60, 100, 170, 230):
        gap[at : at + 20] += 8 * np.hanning(20)
    motion = Motion(clip(face(150)), np.zeros((150, len(MEASURES)), np.float32))
    motion.measures[:, 0] = np.interp(motion.clip.times - 0.08, np.arange(300) / 50, gap)
    assert offset_of([motion], [gap]) == pytest.approx(0.08, abs=0.012)


def test_offsets_below_a_frame_are_left_alone():
    gap = 5 * (1 - np.cos(np.arange(300) / 8)).astype(np.float32)
    motion = Motion(clip(face(150)), np.zeros((150, len(MEASURES)), np.float32))
    motion.measures[:, 0] = np.interp(motion.clip.times, np.arange(300) / 50, gap)
    assert offset_of([motion], [gap]) == 0.0


def test_tracks_are_read_as_they_were_written(tmp_path):
    points = np.random.default_rng(0).integers(-9000, 9000, (5, len(LANDMARKS), 3)).astype(np.int16)
    seen = np.array([True, True, False, True, True])
    save_tracks(
        {"a": Track(25.0, points, seen, np.zeros(5, np.float32), np.zeros((5, 3), np.float32))}, tmp_path / "tracks.npz"
    )
    with pytest.raises(TrackError, match=r"a\.flac"):
        load_set(tmp_path)
    soundfile.write(tmp_path / "a.flac", np.random.default_rng(0).normal(0, 0.1, 16000), 16000)
    (found,) = load_set(tmp_path)
    np.testing.assert_allclose(found.points[0], points[0] * 0.01, atol=1e-4)
    np.testing.assert_allclose(found.points[2], (points[1] + points[3].astype(float)) * 0.005, atol=1e-2)
    assert not found.seen[2]
    with pytest.raises(TrackError, match="holds no"):
        load_set(tmp_path / "elsewhere")


def test_a_tilted_face_is_levelled_and_scaled_by_its_irises():
    pixels = np.random.default_rng(0).normal(0, 40, (478, 3)).astype(np.float32)
    pixels[468], pixels[473] = [-20, -20, 0], [20, 20, 0]
    level, angle, middle, distance = levelled(pixels)
    assert angle == pytest.approx(np.pi / 4)
    assert distance == pytest.approx(40 * np.sqrt(2))
    np.testing.assert_allclose(middle, 0, atol=1e-6)
    np.testing.assert_allclose(level[473], [31.5, 0, 0], atol=1e-4)


def test_grid_names_spell_their_sentences():
    assert grid_words("bbaf2n") == "bin blue at f two now"
    assert grid_words("swwzzp") == "set white with z zero please"
    assert grid_words("video") == ""
    assert grid_words("bbaw2n") == "", "GRID leaves out w"


def test_nobody_tests_who_trains_and_every_tenth_sentence_validates(tmp_path, monkeypatch):
    motion = Motion(clip(face(4)), np.zeros((4, len(MEASURES)), np.float32))
    monkeypatch.setattr(
        people, "people_of", lambda folder: [Person(folder.name, folder.name, (motion,), Size(len(folder.name), 1.0))]
    )
    for name in (*TEST_SETS, "grid_s1", "s2", "s33", "grid_s27"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tracks.npz").touch()
    found = training_people(tmp_path)
    assert [p.folder for p in found] == ["grid_s1", "s2"]
    assert common_size(found).gap == pytest.approx(4.5)
    assert sum(validates(found[0], number) for number in range(1000)) == 1000 // VALIDATION_EVERY
    assert not any(validates(found[1], number) for number in range(1000))
    assert validates(replace(found[1], folder=VALIDATION_PERSON[0], name=VALIDATION_PERSON[1]), 3)
    with pytest.raises(TrackError, match="no tracks"):
        training_people(tmp_path / "s2")


@needs_people
def test_the_test_people_are_six():
    assert [len(clips) for clips in people.test_clips().values()] == [3, 4, 1, 1, 1, 1]


@needs_people
def test_every_clip_of_a_set_is_somebodys():
    for name in (*TEST_SETS, "grid_s26_s31"):
        folder = data_folder() / "talking" / name
        assert sum(len(clips) for clips in clips_of(folder).values()) == len(load_set(folder))


def test_videos_that_cannot_be_used_are_left_out_with_a_line_each(tmp_path, monkeypatch, capsys):
    for name in ("good.mp4", "silent.mov", "notes.txt"):
        (tmp_path / name).touch()

    def sound(path):
        if path.stem == "silent":
            raise TrackError(f"{path.name} has no sound.", "Leave it out, or add its sound.")
        return np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)

    whole = Track(25.0, np.zeros((25, len(LANDMARKS), 3), np.int16), np.ones(25, bool), np.zeros(25), np.zeros((25, 3)))
    monkeypatch.setattr(track, "read_sound", sound)
    monkeypatch.setattr(track, "track_video", lambda path: whole)
    assert track.track_folder(tmp_path, tmp_path / "out") == 1
    assert [c.name for c in load_set(tmp_path / "out")] == ["good"]
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["good.mp4: 25 frames", "left out: silent.mov has no sound. Leave it out, or add its sound."]
    (tmp_path / "good.mp4").unlink()
    with pytest.raises(TrackError, match="no video of one talking person"):
        track.track_folder(tmp_path, tmp_path / "out")
    with pytest.raises(TrackError, match=r"There is no folder .*gone"):
        track.track_folder(tmp_path / "gone", tmp_path / "out")


@pytest.mark.parametrize(
    ("faces", "complaint"),
    [([[]] * 10, "no face"), ([["a", "b"]] * 10, "several people"), ([], "no pictures"), ([["a"]] * 9 + [[]], "")],
)
def test_one_face_in_most_pictures_is_wanted(monkeypatch, faces, complaint, tmp_path):
    pictures = Pictures(25.0, iter([np.zeros((4, 4, 3), np.uint8)] * len(faces)))
    found = iter(faces)

    class Mesh:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def process(self, picture):
            return SimpleNamespace(multi_face_landmarks=next(found))

    pixels = np.random.default_rng(0).normal(0, 40, (478, 3)).astype(np.float32)
    monkeypatch.setattr(track, "open_pictures", lambda path: pictures)
    monkeypatch.setattr(track, "_face_mesh", Mesh)
    monkeypatch.setattr(track, "_pixels", lambda face, width, height: pixels)
    if complaint:
        with pytest.raises(TrackError, match=complaint):
            track.track_video(tmp_path / "some.mp4")
    else:
        assert track.track_video(tmp_path / "some.mp4").seen.tolist() == [True] * 9 + [False]
