"""Tables of other programs and other clocks: read as they are meant, said what was left out, or one clear error."""

import itertools

import numpy as np
import pytest
from duet.inference.errors import TableError
from duet.inference.formats import livelink_columns
from duet.inference.formats.livelink import LIVE_LINK_COLUMNS, MAX_ROWS
from duet.inference.formats.timecode import frames_of, parse_timecode, timecode
from duet.inference.head.canonical import ARKIT_NAMES
from duet.tests.livelink_fakes import read_livelink_csv

pytestmark = pytest.mark.embedded
NTSC = 30000 / 1001


def write(path, timecodes, columns=("JawOpen",), values=None, sep=",", header=("Timecode", "BlendShapeCount")):
    """A file of these timecodes with a row of values for each (default: 0.5)."""
    values = [[0.5] * len(columns)] * len(timecodes) if values is None else values
    rows = [sep.join([*header, *columns])]
    for text, row in zip(timecodes, values, strict=True):
        count = [str(len(columns))] if len(header) > 1 else []
        rows.append(sep.join([text, *count, *(str(value) for value in row)]))
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def smpte(frame, nominal, drop=0, sign=";"):
    """The timecode of a frame on an SMPTE clock; `drop` numbers are left out in each minute but every tenth."""
    tens, rest = divmod(frame, nominal * 600 - drop * 9)
    if drop and rest >= nominal * 60:
        minutes = 1 + (rest - nominal * 60) // (nominal * 60 - drop)
        rest += drop * minutes
    frame = tens * nominal * 600 + rest
    seconds, count = divmod(frame, nominal)
    hours = seconds // 3600 % 24
    return f"{hours:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{sign}{count:02}"


def test_the_clock_of_these_tests_is_smptes():
    assert [smpte(n, 30, 2) for n in (1799, 1800, 17981, 17982)] == [
        "00:00:59;29",
        "00:01:00;02",
        "00:09:59;29",
        "00:10:00;00",
    ]


# Clocks


@pytest.mark.parametrize(("nominal", "drop"), [(30, 2), (60, 4)])
@pytest.mark.parametrize("sign", [";", ":"])
@pytest.mark.parametrize(("start", "seconds"), [(0, 700), (538, 130)])
def test_drop_frame_has_no_gaps_and_does_not_drift(tmp_path, nominal, drop, sign, start, seconds):
    frames = range(start * nominal, (start + seconds) * nominal)
    read = read_livelink_csv(write(tmp_path / "take.csv", [smpte(i, nominal, drop, sign) for i in frames]))
    assert read.fps == pytest.approx(nominal * 1000 / 1001, rel=1e-12)
    np.testing.assert_array_equal(read.frames, np.arange(len(frames)))


def test_drop_frame_within_a_second_of_a_minute(tmp_path):
    path = write(tmp_path / "take.csv", ["00:00:59;28", "00:00:59;29", "00:01:00;02", "00:01:00;03"])
    read = read_livelink_csv(path)
    assert read.fps == pytest.approx(NTSC)
    np.testing.assert_array_equal(read.frames, np.arange(4))


def test_drop_frame_past_midnight(tmp_path):
    day = 24 * 6 * 17982
    read = read_livelink_csv(write(tmp_path / "take.csv", [smpte(i, 30, 2) for i in range(day - 40, day + 40)]))
    np.testing.assert_array_equal(read.frames, np.arange(80))


def test_two_frames_lost_once_are_not_drop_frame(tmp_path):
    frames = [*range(1790, 1800), *range(1802, 5500)]
    read = read_livelink_csv(write(tmp_path / "take.csv", [smpte(i, 30, 0, ":") for i in frames]))
    assert read.fps == 30
    np.testing.assert_array_equal(read.frames, np.array(frames) - 1790)


@pytest.mark.parametrize("rate", [24, 25, 30, 60])
def test_midnight_as_the_only_second_that_turns(tmp_path, rate):
    texts = [f"23:59:59:{rate - 2:02}", f"23:59:59:{rate - 1:02}", "00:00:00:00", "00:00:00:01"]
    read = read_livelink_csv(write(tmp_path / "take.csv", texts))
    assert read.fps == rate
    np.testing.assert_array_equal(read.frames, np.arange(4))


def test_sixty_rows_a_second_on_a_clock_of_thirty(tmp_path):
    texts = [f"10:00:{i // 60:02}:{i % 60 / 2:06.3f}" for i in range(180)]
    read = read_livelink_csv(write(tmp_path / "take.csv", texts))
    assert read.fps == 30
    np.testing.assert_array_equal(read.frames, np.arange(180) / 2)


def test_whole_numbers_at_29_97_given_by_hand_stay_whole(tmp_path):
    path = write(tmp_path / "take.csv", [smpte(i, 30, 0, ":") for i in range(300)])
    read = read_livelink_csv(path, 29.97)
    assert read.fps == pytest.approx(NTSC, abs=1e-3)
    np.testing.assert_array_equal(read.frames, np.arange(300))


@pytest.mark.parametrize("texts", [("00:00:10:00", "14:32:10:00"), ("14:32:10:00", "00:00:10:00")])
def test_a_clock_that_was_set_in_between_is_named(tmp_path, texts):
    first, second = (parse_timecode(text).seconds for text in texts)
    times = [timecode(start * 30 + i, 30) for start in (first, second) for i in range(60)]
    with pytest.raises(TableError, match=r"row 62: the timecode (jumps from .* to|.* does not follow)"):
        read_livelink_csv(write(tmp_path / "take.csv", times))


def test_a_face_that_was_away_for_minutes_is_a_gap(tmp_path):
    times = [timecode(n, 30) for n in itertools.chain(range(60), range(9 * 1800, 9 * 1800 + 60))]
    assert read_livelink_csv(write(tmp_path / "take.csv", times)).frames[-1] == 9 * 1800 + 59


def test_times_that_tell_no_rate_are_one_error(tmp_path):
    with pytest.raises(TableError, match=r"does not tell the frame rate\. Give it as Frame Rate"):
        read_livelink_csv(write(tmp_path / "take.csv", ["00:00:00:01", "00:00:01:9000"]))
    assert frames_of([parse_timecode("00:00:00:01")])[0] == 60


# Columns


def test_other_spellings_prefixes_and_orders(tmp_path):
    columns = [
        "blendShape1.eyeBlinkLeft",
        "EyeBlink_R",
        "!ex-jawOpen",
        "Mouth Smile Left",
        "face_brow_inner_up",
        "Head_Yaw",
    ]
    values = np.arange(12).reshape(2, 6) / 20
    path = write(tmp_path / "take.csv", ["00:00:00:00", "00:00:00:01"], columns, values)
    read = read_livelink_csv(path)
    assert read.names == ("EyeBlinkLeft", "EyeBlinkRight", "JawOpen", "MouthSmileLeft", "BrowInnerUp", "Head_Yaw")
    np.testing.assert_allclose(read.values, values, atol=1e-7)
    assert read.notes == ("The file has 5 of ARKit's 52 shapes.",)


def test_columns_that_mean_nothing_are_named_and_not_read(tmp_path):
    columns = ["JawOpen", "Notes", "Confidence"]
    path = write(tmp_path / "take.csv", ["00:00:00:00"], columns, [[0.25, "blinked", ""]])
    read = read_livelink_csv(path)
    assert (read.names, read.values.tolist()) == (("JawOpen",), [[0.25]])
    assert read.notes[0] == "Columns that are no ARKit shape were left out: 'Notes', 'Confidence'."


def test_two_columns_for_one_shape_are_named(tmp_path):
    with pytest.raises(TableError, match="two columns for one shape: 'JawOpen' and 'jaw_open'"):
        read_livelink_csv(write(tmp_path / "take.csv", ["00:00:00:00"], ["JawOpen", "MouthClose", "jaw_open"]))


def test_a_table_of_no_shape_is_named(tmp_path):
    with pytest.raises(TableError, match="no column with the name of one of ARKit's 52 shapes"):
        read_livelink_csv(write(tmp_path / "take.csv", ["00:00:00:00"], ["AU01", "AU02"]))


@pytest.mark.parametrize("header", [("Timecode",), ("Time Code", "Blend Shape Count"), ("SMPTE", "count")])
def test_first_columns_by_other_names(tmp_path, header):
    assert read_livelink_csv(write(tmp_path / "take.csv", ["00:00:00:00"], header=header)).names == ("JawOpen",)


def test_saved_again_by_a_spreadsheet(tmp_path):
    texts = ["00:00:00:00", "00:00:00:01"]
    write(tmp_path / "a.csv", texts, values=[["0,25"], ["0,5"]], sep=";")
    path = write(tmp_path / "b.csv", texts, values=[["0.25"], ["0.5"]], sep="\t")
    path.write_bytes(path.read_text().encode("utf-16"))
    write(tmp_path / "c.csv", texts, values=[["0.25,"], ["0.5,,,"]])
    for name in "abc":
        np.testing.assert_allclose(read_livelink_csv(tmp_path / f"{name}.csv").values, [[0.25], [0.5]])


def test_rows_are_counted_from_the_top_of_the_file(tmp_path):
    path = write(tmp_path / "take.csv", ["00:00:00:00", "later"])
    path.write_text("\n\n\n" + path.read_text())
    with pytest.raises(TableError, match="row 6, column Timecode"):
        read_livelink_csv(path)


# Values


def test_per_cent_is_divided_and_said(tmp_path):
    values = np.random.default_rng(0).uniform(0, 1, (20, 61)).round(3)
    texts = [f"00:00:00:{i:02}" for i in range(20)]
    whole = np.concatenate([values[:, :52] * 100, values[:, 52:]], axis=1)
    read = read_livelink_csv(write(tmp_path / "take.csv", texts, LIVE_LINK_COLUMNS, whole))
    np.testing.assert_allclose(read.values, values, atol=1e-6)
    assert read.notes == ("Its values go to 100; they were divided by that.",)


@pytest.mark.parametrize(("scale", "wrong"), [(1, 37.2), (1, -3), (100, 3720)])
def test_one_value_of_another_scale_is_named_and_not_clipped(tmp_path, scale, wrong):
    values = np.full((20, 2), 0.3 * scale)
    values[7, 1] = wrong
    texts = [f"00:00:00:{i:02}" for i in range(20)]
    with pytest.raises(TableError, match=rf"row 9, column MouthClose: {wrong} is no coefficient: .* to {scale}"):
        read_livelink_csv(write(tmp_path / "take.csv", texts, ["JawOpen", "MouthClose"], values))


def test_a_little_more_than_one_is_kept(tmp_path):
    read = read_livelink_csv(write(tmp_path / "take.csv", ["00:00:00:00"], values=[[1.25]]))
    assert read.values[0, 0] == 1.25
    assert len(read.notes) == 1


# Size


def test_rows_and_lines_are_bounded(tmp_path, monkeypatch):
    from duet.inference.formats import livelink

    assert MAX_ROWS >= 4 * 3600 * 60
    monkeypatch.setattr(livelink, "MAX_ROWS", 10)
    with pytest.raises(TableError, match="more than 10 rows"):
        read_livelink_csv(write(tmp_path / "take.csv", [f"00:00:00:{i:02}" for i in range(11)]))
    (tmp_path / "line.csv").write_bytes(b"Timecode,BlendShapeCount,JawOpen\n" + b"0" * (3 << 20))
    with pytest.raises(TableError, match="row 2 is longer than any row"):
        read_livelink_csv(tmp_path / "line.csv")


def test_all_of_arkits_names_are_their_own():
    columns = livelink_columns.find_columns(["Timecode", *ARKIT_NAMES], 1)
    assert columns.shapes == 52
    assert not columns.unknown
