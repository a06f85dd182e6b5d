"""Exports: what is written is what the take holds, in layouts that other programs read."""

import csv

import numpy as np
import pytest
from duet.inference.errors import OutputError
from duet.inference.exports import (
    LIVE_LINK_COLUMNS,
    prepare_output,
    read_livelink_csv,
    timecode,
    write_atomically,
    write_livelink_csv,
    write_npz,
)
from duet.inference.head import ARKIT_NAMES
from hypothesis import given
from hypothesis import strategies as st

KEYS = {"fps", "speech_weights", "expression_weights", "emotion_curves", "emotions", "arkit", "arkit_names"}
RATES = [24000 / 1001, 24 / 1.001, 24.0, 25.0, 30000 / 1001, 30.0, 12.5, 23.976, 60000 / 1001, 60.0, 120.0]


def test_npz_holds_the_arrays_and_nothing_else(tmp_path, make_take):
    take = make_take()
    write_npz(tmp_path / "take.npz", take)
    with np.load(tmp_path / "take.npz", allow_pickle=False) as data:
        assert set(data) == KEYS
        assert float(data["fps"]) == 30.0
        for key in ("speech_weights", "expression_weights", "emotion_curves", "arkit"):
            assert data[key].dtype == np.float32
            np.testing.assert_array_equal(data[key], getattr(take, key))
        assert tuple(data["emotions"]) == take.emotions
        assert tuple(data["arkit_names"]) == take.arkit_names


def test_npz_with_vertices(tmp_path, make_take):
    vertices = np.random.default_rng(1).random((10, 5, 3), np.float32)
    write_npz(tmp_path / "take.npz", make_take(vertices=vertices))
    with np.load(tmp_path / "take.npz") as data:
        assert set(data) == KEYS | {"vertices"}
        np.testing.assert_array_equal(data["vertices"], vertices)


def test_csv_has_the_layout_of_live_link_face(tmp_path, make_take):
    take = make_take(frames=65, arkit_names=ARKIT_NAMES)
    write_livelink_csv(tmp_path / "take.csv", take)
    rows = list(csv.reader((tmp_path / "take.csv").open()))
    assert rows[0][:4] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft", "EyeLookDownLeft"]
    assert rows[0][16:20] == ["JawForward", "JawRight", "JawLeft", "JawOpen"]
    assert rows[0][53:57] == ["TongueOut", "HeadYaw", "HeadPitch", "HeadRoll"]
    assert rows[0][57:] == ["LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll", "RightEyeYaw", "RightEyePitch", "RightEyeRoll"]
    assert {len(row) for row in rows} == {63}
    assert {row[1] for row in rows[1:]} == {"61"}
    assert [rows[i][0] for i in (1, 2, 31, 65)] == [
        "00:00:00:00.000",
        "00:00:00:01.000",
        "00:00:01:00.000",
        "00:00:02:04.000",
    ]
    names, timecodes, values = read_livelink_csv(tmp_path / "take.csv")
    assert names == LIVE_LINK_COLUMNS
    assert len(timecodes) == 65
    np.testing.assert_allclose(values[:, :52], take.arkit, atol=1e-7)
    assert not values[:, 52:].any()


def test_csv_columns_follow_names_and_not_the_order_in_the_take(tmp_path, make_take):
    take = make_take(arkit_names=ARKIT_NAMES[::-1])
    write_livelink_csv(tmp_path / "take.csv", take)
    names, _, values = read_livelink_csv(tmp_path / "take.csv")
    jaw = take.arkit[:, take.arkit_names.index("jawOpen")]
    np.testing.assert_allclose(values[:, names.index("JawOpen")], jaw, atol=1e-7)


@given(st.integers(0, 240 * 3600 * 3), st.sampled_from(RATES))
def test_timecode_does_not_drift(frame, fps):
    hours, minutes, seconds, frames = timecode(frame, fps).split(":")
    assert (len(hours), len(minutes), len(seconds), len(frames) >= 6) == (2, 2, 2, True)
    assert 0 <= int(minutes) < 60
    assert 0 <= int(seconds) < 60
    assert 0 <= float(frames) <= fps
    time = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(frames) / fps
    assert time * fps == pytest.approx(frame, abs=0.02)


@pytest.mark.parametrize(
    ("frame", "fps", "text"),
    [
        (0, 30.0, "00:00:00:00.000"),
        (29, 30.0, "00:00:00:29.000"),
        (30, 30.0, "00:00:01:00.000"),
        (3600 * 60 * 2 + 61 * 60 + 7, 60.0, "02:01:01:07.000"),
        (24, 24000 / 1001, "00:00:01:00.024"),
        (24 * 1000, 24000 / 1001, "00:16:41:00.000"),
    ],
)
def test_timecode_known_answers(frame, fps, text):
    assert timecode(frame, fps) == text


@pytest.fixture(params=[write_npz, write_livelink_csv])
def write(request):
    return request.param


def test_unwritable_outputs_are_named(tmp_path, make_take, write):
    take = make_take(arkit_names=ARKIT_NAMES)
    (tmp_path / "file").touch()
    for path, reason in [(tmp_path / "file" / "take", "cannot be written"), (tmp_path, "is a folder")]:
        with pytest.raises(OutputError, match=reason) as caught:
            write(path, take)
        assert str(path) in caught.value.message
        assert caught.value.remedy


def test_read_only_output_is_refused_and_kept(tmp_path, make_take, write):
    path = tmp_path / "take"
    path.write_text("precious")
    path.chmod(0o444)
    with pytest.raises(OutputError, match="read-only"):
        write(path, make_take(arkit_names=ARKIT_NAMES))
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_failed_write_keeps_the_old_file_and_leaves_no_rest(tmp_path):
    path = tmp_path / "take.npz"
    path.write_text("old")

    def fail(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folder_is_made_and_a_link_is_followed(tmp_path, make_take):
    write_npz(tmp_path / "a" / "b" / "take.npz", make_take())
    assert (tmp_path / "a" / "b" / "take.npz").exists()
    link = tmp_path / "link.npz"
    link.symlink_to(tmp_path / "a" / "target.npz")
    write_npz(link, make_take())
    assert link.is_symlink()
    assert (tmp_path / "a" / "target.npz").stat().st_size
    assert prepare_output(link) == (tmp_path / "a" / "target.npz").resolve()
