"""Manifests: what their rows say, which are damaged, and what becomes of them on the pipe."""

import json
from pathlib import Path

import pytest
from duet.inference.errors import HeadError, RequestError, TableError
from duet.inference.performance.performance import Performance
from duet.inference.performance.timeline import Cue
from duet.operators.batch import manifest
from duet.operators.batch.jobs import Damaged, Job, frame_rate, place_of_head
from duet.tests.batch_fakes import run, write_manifest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.usefixtures("fake_worker")]
SUFFIXES = frozenset({".blend"})


def read(path, output=None, base=None):
    job = Job(Path(), Path(), base=base)
    return manifest.read(path, manifest.Defaults(job, output, ".blend", SUFFIXES))


def test_a_manifest_says_it_all(folder):
    path = write_manifest(
        folder,
        "a.wav,x/one.blend,set.blend/Ada,sad@2.0;angry@5.5,23.976,enunciated",
        "",
        '"b.wav",two.blend,,happy=0.8',
    )
    first, second = read(path)
    assert first == Job(
        audio=folder / "a.wav",
        output=folder / "x/one.blend",
        fps=24000 / 1001,
        performance=Performance(style="enunciated", emotions=(Cue(2.0, {"sad": 0.7}), Cue(5.5, {"angry": 0.7}))),
        base=folder / "set.blend",
        head="Ada",
    )
    assert second == Job(
        audio=folder / "b.wav",
        output=folder / "two.blend",
        performance=Performance(emotions=(Cue(0.0, {"happy": 0.8}),)),
    )


def test_every_setting_has_a_column(folder):
    header = "audio,output,Articulation,head motion,seed,trim-start,start frame"
    acted, plain, damaged = read(
        write_manifest(folder, "a.wav,a.blend,0.8,0.5,3,1.5,1001", "b.wav,b.blend", "c.wav,c.blend,9", header=header)
    )
    assert acted.performance == Performance(articulation=0.8, head_motion=0.5, seed=3, trim_start=1.5)
    assert acted.start == 1001
    assert (plain.performance, plain.start) == (Performance(), None)
    assert "row 4: '9' is no value for articulation" in damaged.error.message
    assert Job.from_json(json.loads(json.dumps(acted.to_json()))) == acted


def test_rows_without_output_go_to_the_output_folder(folder):
    path = write_manifest(folder, "a.wav,,,,,", "b.wav,sub/b2.blend,,,,")
    assert [job.output for job in read(path, folder / "out")] == [folder / "out/a.blend", folder / "out/sub/b2.blend"]


def test_spreadsheets_with_semicolons_byte_order_mark_and_other_names(folder):
    path = folder / "shots.csv"
    path.write_text('\ufeffAudio;Emotion Track\r\na.wav;"sad@1;angry@2"\r\n', encoding="utf-8")
    (job,) = read(path, folder)
    assert job.performance.emotions == (Cue(1.0, {"sad": 0.7}), Cue(2.0, {"angry": 0.7}))


ROWS = {
    "no audio": (",x.blend,,,,", TableError, "no audio is given"),
    "no output": ("a.wav,,,,,", TableError, "no output is given"),
    "suffix": ("a.wav,x.fbx,,,,", TableError, r"'x.fbx' does not end in \.blend"),
    "emotion": ("a.wav,x.blend,,hungry@2,,", RequestError, "no emotion 'hungry'"),
    "fps": ("a.wav,x.blend,,,fast,", RequestError, "'fast' is not a frame rate"),
    "fps of zero": ("a.wav,x.blend,,,0,", RequestError, "0 frames per second"),
    "object without file": ("a.wav,x.blend,Ada,,,", HeadError, "'Ada' is an object's name"),
    "too long": ("a.wav,x.blend,,,,enunciated,oops", TableError, "7 columns where the header has 6"),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_damaged_row_is_named_and_does_not_stop_the_rest(folder, case):
    row, error, pattern = ROWS[case]
    path = write_manifest(folder, "b.wav,b.blend,,,,", row, "c.wav,c.blend,,,,")
    first, damaged, last = read(path)
    assert isinstance(first, Job)
    assert isinstance(last, Job)
    assert isinstance(damaged, Damaged)
    with pytest.raises(error, match=rf"shots\.csv', row 3: .*{pattern}"):
        raise damaged.error


def test_two_rows_for_one_file_are_named(folder):
    _, damaged = read(write_manifest(folder, "a.wav,x.blend,,,,", "b.wav,x.blend,,,,"))
    assert "row 3: row 2 writes" in damaged.error.message


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("", "no column 'audio'"),
        ("output,fps\nx.blend,25", "no column 'audio'"),
        ("audio,emtion\na.wav,sad", "'emtion'"),
        ("audio,audio\na.wav,b.wav", "one name twice"),
        ("audio,output\n\n", "no rows"),
        (b"audio\n\xff\xfe.wav", "not text in UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_manifest_is_bad_usage(folder, capsys, text, pattern):
    path = folder / "shots.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(TableError, match=pattern):
        read(path)
    assert run("bake", path) == 2
    assert "shots.csv" in capsys.readouterr().err


@given(st.text(max_size=80))
def test_any_row_becomes_a_job_or_is_named(tmp_path_factory, row):
    path = tmp_path_factory.mktemp("rows") / "shots.csv"
    path.write_text(f"audio,output,head,emotion,fps,style\na.wav,a.blend,,,,\n{row}", encoding="utf-8", newline="")
    try:
        entries = read(path)
    except TableError:
        return
    assert isinstance(entries[0], (Job, Damaged))
    for entry in entries[1:]:
        assert isinstance(entry, Job) or "row " in entry.error.message


def test_where_a_head_is():
    base = Path("/open.blend")
    assert place_of_head("", Path("/m"), base) == (base, "")
    assert place_of_head("Ada", Path("/m"), base) == (base, "Ada")
    assert place_of_head("set.blend", Path("/m"), base) == (Path("/m/set.blend"), "")
    assert place_of_head("sets/SET.BLEND/Ada Lovelace", Path("/m"), None) == (Path("/m/sets/SET.BLEND"), "Ada Lovelace")


SAD = Performance(style="enunciated", emotions=(Cue(2.0, {"sad": 0.7}, 0.25), Cue(3.0, {})), seed=4)


def test_jobs_cross_the_pipe_unchanged():
    job = Job(Path("a.wav"), Path("b.blend"), 24000 / 1001, SAD, base=Path("c.blend"), head="Zoë")
    assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job
    plain = Job(Path("a.wav"), Path("b.blend"))
    assert Job.from_json(json.loads(json.dumps(plain.to_json()))) == plain


def test_ntsc_rates_are_exact():
    assert frame_rate("23.976") == 24000 / 1001
    assert frame_rate("119.88") == 120000 / 1001
    assert frame_rate("24000/1001") == 24000 / 1001
