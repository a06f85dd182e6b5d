"""Live Link Face's CSV: what is written is read again, exact to the frame; damage is named by row and column."""

import csv

import numpy as np
import pytest
from duet.inference.errors import TableError
from duet.inference.formats.livelink import LIVE_LINK_COLUMNS, write_livelink_csv
from duet.inference.formats.timecode import timecode
from duet.inference.head.canonical import ARKIT_NAMES
from duet.tests.livelink_fakes import read_livelink_csv
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.embedded

RATES = [24000 / 1001, 24 / 1.001, 24.0, 25.0, 30000 / 1001, 30.0, 12.5, 23.976, 60000 / 1001, 60.0, 120.0]


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
    read = read_livelink_csv(tmp_path / "take.csv")
    assert (read.names, read.fps, read.skipped) == (LIVE_LINK_COLUMNS, 30.0, 0)
    np.testing.assert_array_equal(read.frames, np.arange(65))
    np.testing.assert_allclose(read.values[:, :52], take.arkit, atol=1e-7)
    assert not read.values[:, 52:].any()


def test_csv_columns_follow_names_and_not_the_order_in_the_take(tmp_path, make_take):
    take = make_take(arkit_names=ARKIT_NAMES[::-1])
    write_livelink_csv(tmp_path / "take.csv", take)
    read = read_livelink_csv(tmp_path / "take.csv", 30.0)
    jaw = take.arkit[:, take.arkit_names.index("jawOpen")]
    np.testing.assert_allclose(read.values[:, read.names.index("JawOpen")], jaw, atol=1e-7)


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


def table(path, timecodes, columns=LIVE_LINK_COLUMNS):
    """A file with the timecodes given and 0.5 in every column."""
    rows = [["Timecode", "BlendShapeCount", *columns]]
    rows += [[text, str(len(columns)), *["0.5"] * len(columns)] for text in timecodes]
    path.write_text("\n".join(",".join(row) for row in rows))
    return path


@pytest.mark.parametrize("fps", [24000 / 1001, 24, 25, 30000 / 1001, 30, 48, 50, 60000 / 1001, 60, 120])
def test_rate_and_frames_of_ten_minutes_are_exact(tmp_path, fps):
    count, start = round(600 * fps), 7 * 3600 * 24 + 11  # recordings begin at the time of day
    path = table(tmp_path / "take.csv", [timecode(start + i, fps) for i in range(count)], ["JawOpen"])
    read = read_livelink_csv(path)
    assert read.fps == pytest.approx(fps, rel=1e-12)
    np.testing.assert_array_equal(read.frames, np.arange(count))


@given(st.integers(0, 10**6), st.lists(st.integers(0, 5000), min_size=2, max_size=20, unique=True))
def test_gaps_keep_their_frames(tmp_path_factory, start, frames):
    path = tmp_path_factory.mktemp("gaps") / "take.csv"
    frames = sorted(frames)
    for fps in (24000 / 1001, 60.0):
        table(path, [timecode(start + frame, fps) for frame in frames], ["JawOpen"])
        np.testing.assert_array_equal(read_livelink_csv(path, fps).frames, np.array(frames) - frames[0])


def test_a_recording_of_the_app_past_midnight(tmp_path):
    texts = ["23:59:59:58.421", "23:59:59:59.421", "00:00:00:00.421", "00:00:00:01.421"]
    read = read_livelink_csv(table(tmp_path / "take.csv", texts))
    assert read.fps == 60.0
    np.testing.assert_array_equal(read.frames, np.arange(4))


def test_frames_without_a_face_are_left_out(tmp_path):
    path = table(tmp_path / "take.csv", [timecode(i, 60) for i in (0, 1, 3)])
    lines = path.read_text().splitlines()
    lines.insert(3, "00:00:00:02.000,0")
    path.write_text("\r\n".join(["\ufeff" + lines[0], *lines[1:], "", ""]), encoding="utf-8")
    read = read_livelink_csv(path)
    assert read.skipped == 1
    np.testing.assert_array_equal(read.frames, [0, 1, 3])


DAMAGE = {
    "no number": (lambda rows: rows[2].__setitem__(19, "open"), r"row 3, column JawOpen: 'open' is not a number"),
    "nan": (lambda rows: rows[1].__setitem__(2, "nan"), r"row 2, column EyeBlinkLeft"),
    "cut row": (lambda rows: rows[3].pop(), r"row 4 has 62 columns where the header has 63"),
    "timecode": (lambda rows: rows[2].__setitem__(0, "later"), r"row 3, column Timecode: 'later' is not"),
    "backwards": (lambda rows: rows[3].__setitem__(0, "00:00:00:00.500"), r"row 4: the timecode .* does not follow"),
    "no header": (lambda rows: rows.pop(0), r"does not begin with the columns"),
    "empty": (lambda rows: rows.clear(), r"does not begin with the columns"),
    "header only": (lambda rows: rows.__delitem__(slice(1, None)), r"holds no frame"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_named_by_row_and_column(tmp_path, case):
    path = table(tmp_path / "take.csv", [timecode(i, 60) for i in range(3)])
    rows = [line.split(",") for line in path.read_text().splitlines()]
    damage, pattern = DAMAGE[case]
    damage(rows)
    path.write_text("\n".join(",".join(row) for row in rows))
    with pytest.raises(TableError, match=pattern) as caught:
        read_livelink_csv(path)
    assert str(path) in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x00\xd8", b"Timecode,BlendShapeCount,A\n\x00\x81\x00", None])
def test_files_that_are_no_table_are_named(tmp_path, content):
    path = tmp_path / "take.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TableError, match=r"take\.csv"):
        read_livelink_csv(path)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_take_or_one_clear_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "take.csv"
    path.write_bytes(b"Timecode,BlendShapeCount,JawOpen,B\n00:00:00:01.000,2,0.1,0.2\n" + content)
    try:
        read = read_livelink_csv(path)
    except TableError as error:
        assert "take.csv" in error.message
    else:
        assert np.isfinite(read.values).all()
