"""No output is an input, and every path is absolute before work begins."""

import os

import pytest
from duet.inference.plain_text import one_line
from duet.operators.batch import cli, export_command, paths, plan
from duet.tests.batch_fakes import errors, made, run, write_manifest

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.usefixtures("fake_worker")]
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")


# Outputs that are inputs


def refused(here, capsys, *arguments):
    """Run what must be refused before anything is written; its message."""
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    assert run(*arguments) == 2
    assert before == {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    return capsys.readouterr().err


def test_a_row_may_not_write_over_its_manifest(here, capsys):
    write_manifest(here, "a.wav,shots.csv", "z.wav,z.csv")
    assert "which is read" in refused(here, capsys, "generate", "shots.csv")


def test_nor_over_another_manifest_of_the_run(here, capsys):
    write_manifest(here, "a.wav,more.csv")
    (here / "more.csv").write_bytes(b"audio,output\nz.wav,z.csv\n")
    assert "more.csv" in refused(here, capsys, "generate", "shots.csv", "more.csv")


def test_nor_over_the_head_that_the_run_reads(here, capsys):
    (here / "z.blend").write_bytes(b"the artist's")
    for head in ("z.blend", "z.blend/Ada", "./x/../z.blend"):
        assert "z.blend" in refused(here, capsys, "bake", ".", "--head", head, "-o", ".")


def test_nor_over_the_head_of_another_row(here, capsys):
    (here / "set.blend").write_bytes(b"the artist's")
    write_manifest(here, "a.wav,a.blend,set.blend", "z.wav,set.blend,other.blend")
    assert "set.blend" in refused(here, capsys, "bake", "shots.csv")


def test_nor_over_the_open_file(here, capsys):
    (here / "open.blend").write_bytes(b"the artist's")
    arguments = ["bake", str(here / "a.wav"), "-o", str(here / "open.blend")]
    assert cli.main(arguments, base=here / "open.blend") == 2
    assert (here / "open.blend").read_bytes() == b"the artist's"


def test_nor_over_the_flame_model(here, capsys):
    (here / "my.flame.npz").write_bytes(b"a model")
    message = refused(here, capsys, "generate", "a.wav", "-o", "my.flame.npz", "--flame", "my.flame.npz")
    assert "my.flame.npz" in message


def test_nor_may_the_contact_sheet_write_over_a_table_or_a_take(here, capsys):
    write_manifest(here, "a.wav,a.npz")
    assert "shots.csv' would be written over" in refused(here, capsys, "generate", "shots.csv", "--sheet", "shots.html")
    arguments = ("generate", "a.wav", "-o", "a.csv", "--sheet", "a.html")
    assert "a.csv' of the --sheet is an output" in refused(here, capsys, *arguments)


@posix
@pytest.mark.parametrize("link", ["symlink", "hard link", "folder"])
def test_nor_by_another_name_of_the_same_file(here, capsys, link):
    write_manifest(here, "a.wav,there/b.csv")
    (here / "there").mkdir()
    if link == "symlink":
        (here / "there/b.csv").symlink_to(here / "shots.csv")
    elif link == "hard link":
        os.link(here / "shots.csv", here / "there/b.csv")
    else:
        (here / "there").rmdir()
        (here / "there").symlink_to(here)
        write_manifest(here, "a.wav,there/shots.csv")
    assert "which is read" in refused(here, capsys, "generate", "shots.csv")


@posix
def test_export_may_not_write_over_its_blend(here, capsys):
    (here / "a.blend").write_bytes(b"the artist's")
    (here / "a.glb").symlink_to(here / "a.blend")
    assert "which is read" in refused(here, capsys, "export", "a.blend", "-o", "a.glb")
    assert export_command.plan(cli._parser().parse_args(["export", "a.blend", "-o", "b.glb"]), None)


def test_two_spellings_of_one_output_are_one(here, capsys):
    write_manifest(here, "a.wav,t.npz", "z.wav,x/../t.npz")
    assert run("generate", "shots.csv") == 1
    assert "row 2 writes" in errors(capsys)[0]


@posix
def test_two_folders_that_are_one_by_a_link(here, capsys):
    (here / "real").mkdir()
    (here / "link").symlink_to("real")
    write_manifest(here, "a.wav,real/t.npz", "z.wav,link/t.npz")
    assert run("generate", "shots.csv") == 1
    assert "row 2 writes" in errors(capsys)[0]


def test_capitals_count_only_where_the_file_system_tells_them_apart(here, monkeypatch):
    assert paths.identity(here / "new/T.npz") != paths.identity(here / "new/t.npz") or paths._ignores_case(here)
    monkeypatch.setattr(paths, "_ignores_case", lambda folder: True)
    assert paths.identity(here / "new/É.npz") == paths.identity(here / "new/e\u0301.npz")


def test_a_long_table_asks_a_farms_disk_little(here, monkeypatch):
    """Each question takes a while there: it was 32 to plan a row, by stat alone."""
    rows, asked, stat = 300, [], os.stat
    write_manifest(here, *(f"a.wav,out/{number}.npz" for number in range(rows)))
    monkeypatch.setattr(os, "stat", lambda *args, **kinds: asked.append(args) or stat(*args, **kinds))
    assert len(planned("generate", "shots.csv")) == rows
    assert len(asked) < 5 * rows


# Paths


def planned(*arguments, base=None):
    options = cli._parser().parse_args([str(argument) for argument in arguments])
    cli._make_absolute(options)
    return cli._plan(options, base)


def test_an_output_without_an_ending_is_a_folder(here):
    (job,) = planned("bake", "a.wav", "-o", "shots/")
    assert job.output == here / "shots" / "a.blend"
    pairs = export_command.plan(cli._parser().parse_args(["export", "a.blend", "-o", "models/"]), None)
    assert [made.as_posix() for _, made in pairs] == ["models/a.glb"]


def test_every_path_is_absolute_before_anything_starts(here, monkeypatch):
    write_manifest(here, "a.wav,deep/a.blend,set.blend/Ada")
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    (job,) = planned("bake", "../shots.csv", "-o", "out")
    assert job.audio.samefile(here / "a.wav")
    assert job.output == here / "below/out/deep/a.blend"
    assert (job.base.resolve(), job.head) == (here / "set.blend", "Ada")
    (job,) = planned("bake", "../a.wav", "-o", "a.blend", "--head", "../set.blend")
    assert job.base.is_absolute() and job.audio.is_absolute()
    (job,) = planned("generate", "../a.wav", "-o", "a.flame.npz", "--flame", "m.pkl")
    assert job.flame == here / "below/m.pkl"


@posix
def test_two_slashes_at_the_beginning_are_the_root_and_not_blenders_folder(here):
    (job,) = planned("bake", f"/{here}/a.wav", "-o", f"/{here}/a.blend", "--head", f"//{here}/s.blend")
    assert [str(path) for path in (job.audio, job.output, job.base)] == [
        str(here / name) for name in ("a.wav", "a.blend", "s.blend")
    ]


@posix
def test_a_current_folder_that_is_gone_is_one_error(here, capsys):
    (here / "gone").mkdir()
    os.chdir(here / "gone")
    (here / "gone").rmdir()
    try:
        assert run("generate", "a.wav", "-o", "a.npz") == 2
        assert "current folder is not there" in capsys.readouterr().err
        assert run("generate", here / "a.wav", "-o", here / "a.npz") == 0
    finally:
        os.chdir(here)


# Names


def test_hidden_files_of_a_folder_are_no_recordings(here):
    (here / "._a.wav").write_bytes(b"\0\5\x16\7" + bytes(40))  # what a Mac leaves on other disks
    (here / ".a.123.partial.wav").write_bytes(b"")
    assert [path.name for path in plan.recordings(here)] == ["a.wav", "z.wav"]


def test_films_count_where_no_recording_has_their_name(here):
    for name in ("a.mov", "b.mp4", "c.m4a", "c.webm"):
        (here / name).touch()
    assert [path.name for path in plan.recordings(here)] == ["a.wav", "b.mp4", "c.m4a", "z.wav"]


@posix
def test_a_link_to_a_recording_that_is_gone_is_an_error(here, capsys):
    (here / "m.wav").symlink_to(here / "gone.wav")
    (here / "folder.wav").mkdir()
    assert run("generate", ".", "-o", "out") == 1
    assert made(here / "out") == ["a.npz", "z.npz"]
    (line,) = errors(capsys)
    assert "m.wav'" in line


@posix
def test_line_breaks_and_signs_in_names_stay_one_line(here, capsys):
    (here / "a.wav").rename(here / "a\nb\x1b[31m.wav")
    (here / "z.wav").write_text("no sound")
    assert run("generate", ".", "-o", "out") == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2
    assert r"a\nb\x1b[31m.wav -> " in captured.out
    assert len(captured.err.splitlines()) == 1
    assert (here / "out" / "a\nb\x1b[31m.npz").exists()


@posix
def test_names_as_long_as_the_file_system_takes_them(here):
    name = "😀" * 62  # 248 bytes
    (here / "a.wav").rename(here / f"{name}.wav")
    assert run("generate", ".", "-o", "out") == 0
    assert made(here / "out") == ["z.npz", f"{name}.npz"]


def test_one_line_keeps_what_can_be_printed():
    assert one_line("Größe 声音 – naïve.wav") == "Größe 声音 – naïve.wav"
    assert one_line("a\r\n\tb\u2028\udce9") == r"a\r\n\tb\u2028\udce9"
