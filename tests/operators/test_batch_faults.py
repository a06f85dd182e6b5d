"""One file that fails does not stop the rest, no output is an input, and every path is absolute before work begins."""

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from duet.inference.client.client import worker_command
from duet.inference.plain_text import one_line
from duet.operators.batch import cli, export_command, paths, plan, pool, records, runner
from duet.tests.blender_fakes import write_wav

pytestmark = [pytest.mark.embedded, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
FAKE = ROOT / "tests/fake_pipeline.py"
OUTSIDE = importlib.util.find_spec("soundfile") is not None  # else Blender decodes, which knows fewer names
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")


@pytest.fixture(autouse=True)
def fake_worker(monkeypatch):
    def command(root, **options):
        return [sys.executable, "-s", str(FAKE), "--weights", "w"], worker_command(root)[1]

    monkeypatch.setattr(runner, "worker_command", command)
    monkeypatch.setattr(records, "current_model", lambda: "fake")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Half a second each of a.wav and z.wav in the current folder."""
    for name in ("a", "z"):
        write_wav(tmp_path / f"{name}.wav", 0.5 * np.sin(np.arange(8000) / 5))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return cli.main([str(argument) for argument in arguments])


def made(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".npz")


def table(folder, *rows):
    (folder / "shots.csv").write_bytes(b"\n".join([b"audio,output,head,fps", *rows]))
    return folder / "shots.csv"


def errors(capsys):
    """The lines of stderr, each of which must be one of Duet's."""
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("duet: ") for line in lines), lines
    return lines


# One file fails alone


@posix
def test_a_name_that_is_not_utf8_is_animated_and_printed(folder, capsys):
    Path("a.wav").rename(os.fsdecode(b"m\xe9.wav"))
    assert run("generate", ".", "-o", "out") == (0 if OUTSIDE else 1)
    assert [os.fsencode(name) for name in made(folder / "out")] == [b"m\xe9.npz", b"z.npz"][not OUTSIDE :]
    captured = capsys.readouterr()
    assert r"m\udce9.wav" in (captured.out if OUTSIDE else captured.err)


@posix
@pytest.mark.skipif(not OUTSIDE, reason="Blender's decoder takes names in UTF-8 alone")
@pytest.mark.parametrize("suffix", ["npz", "json", "csv"])
def test_what_is_written_names_it_in_plain_text(folder, suffix):
    Path("a.wav").rename(os.fsdecode(b"m\xe9.wav"))
    assert run("generate", os.fsdecode(b"m\xe9.wav"), "-o", f"take.{suffix}") == 0
    assert (folder / f"take.{suffix}").stat().st_size


def test_an_unknown_codec_fails_its_file_with_one_line(folder, capsys):
    data = bytearray((folder / "a.wav").read_bytes())
    data[20:22] = b"\x99\x77"  # the format tag
    (folder / "m.wav").write_bytes(data)
    assert run("generate", ".", "-o", "out") == 1
    assert made(folder / "out") == ["a.npz", "z.npz"]
    (line,) = errors(capsys)
    assert "m.wav' is not a recording that can be decoded" in line or "m.wav' is not a sound" in line


@pytest.mark.skipif(not OUTSIDE, reason="Blender's own decoder is asked elsewhere")
def test_a_telephone_recording_is_animated_with_the_others(folder, capsys):
    import soundfile

    soundfile.write(folder / "m.wav", 0.5 * np.sin(np.arange(8000) / 5), 8000, subtype="GSM610")
    assert run("generate", ".", "-o", "out") == 0
    assert made(folder / "out") == ["a.npz", "m.npz", "z.npz"]
    assert errors(capsys) == []


def test_a_zero_byte_in_a_row_is_named(folder, capsys):
    table(folder, b"a.wav,a\0b.npz", b"a\0.wav,b.npz", b"z.wav,c.npz,h\0.blend", b"z.wav,z.npz")
    assert run("generate", "shots.csv") == 1
    assert made(folder) == ["z.npz"]
    lines = errors(capsys)
    assert [f"row {n}: " in line and "zero byte" in line for n, line in zip((2, 3, 4), lines, strict=True)] == [
        True
    ] * 3


@pytest.mark.parametrize("error", [MemoryError(), KeyError("depth"), RecursionError("deep"), OSError(5, "I/O")])
def test_any_exception_of_one_file_leaves_the_others(folder, capsys, monkeypatch, error):
    load = runner._load

    def loaded(path):
        if path.stem == "m":
            raise error
        return load(path)

    (folder / "m.wav").write_bytes((folder / "a.wav").read_bytes())
    monkeypatch.setattr(runner, "_load", loaded)
    assert run("generate", ".", "-o", "out") == 1
    assert made(folder / "out") == ["a.npz", "z.npz"]
    (line,) = errors(capsys)
    assert "m.wav'" in line


def test_the_frame_rate_of_one_blend_does_not_stop_the_rest(folder, capsys, monkeypatch):
    import duet.scene

    monkeypatch.setattr(duet.scene, "bake_file", lambda audio, take, output, *_: output.touch(), raising=False)
    monkeypatch.setattr(duet.scene.files, "frame_rate", lambda path: 600.0 if path.stem == "fast" else 25.0)
    table(folder, b"a.wav,a.blend,fast.blend", b"z.wav,z.blend,set.blend")
    assert run("bake", "shots.csv") == 1
    assert (folder / "z.blend").exists()
    assert "600" in errors(capsys)[0]


def test_vertices_of_a_long_recording_are_refused_before_the_work(folder, capsys, monkeypatch):
    monkeypatch.setattr(runner, "MAX_VERTICES", 8 << 20)
    write_wav(folder / "long.wav", 0.5 * np.sin(np.arange(16000 * 20) / 5))
    assert run("generate", "a.wav", "long.wav", "-o", "out", "--vertices", "--fps", 10) == 1
    assert made(folder / "out") == ["a.npz"]
    assert "Cut it into parts, or leave out --vertices" in errors(capsys)[0]


HALF = """
import sys
from pathlib import Path
from duet.operators.batch import server as job_server
class Runner:
    def __init__(self, *_): ...
    def close(self): ...
    def outcome(self, job):
        import os
        if job.audio.stem == "a":
            os.write(SINK, b'\\x1eduet {"made": {"fra')
            os._exit(0)
        from duet.operators.batch.runner import Made, Outcome
        return Outcome(job, Made(3, "fake"))
import os
dup = os.dup
def keep(fd):
    global SINK
    SINK = dup(fd)
    return dup(fd)
os.dup = keep
job_server.Runner = Runner
sys.exit(job_server.main(sys.argv[1:]))
"""


def test_an_answer_that_is_cut_off_fails_its_file_and_nothing_waits(folder, capsys, monkeypatch):
    monkeypatch.setattr(pool, "interpreter", lambda: [sys.executable, "-P", "-c", HALF])
    (folder / "m.wav").write_bytes((folder / "a.wav").read_bytes())
    assert run("generate", ".", "-o", "out", "--jobs", 2) == 1
    captured = capsys.readouterr()
    assert captured.out.endswith("2 done, 1 failed\n")
    assert "a.wav': the process that worked on it ended" in captured.err


def test_processes_that_have_done_all_are_not_interrupted(folder, capfd, monkeypatch):
    """An interrupt that came while one ended would end it with a traceback."""
    signals = []
    monkeypatch.setattr(pool, "interpreter", lambda: [sys.executable, "-P", "-c", HALF.replace('"a"', '"none"')])
    monkeypatch.setattr("subprocess.Popen.send_signal", lambda process, number: signals.append(number))
    assert run("generate", ".", "-o", "out", "--jobs", 2) == 0
    assert signals == []
    assert capfd.readouterr().err == ""


def test_a_record_nested_beyond_reason_counts_as_none(folder):
    assert run("generate", "a.wav", "-o", "a.npz") == 0
    record = folder / ".duet" / "a.npz.json"
    record.write_text("[" * 100_000)
    assert run("generate", "a.wav", "-o", "a.npz") == 0
    assert record.stat().st_size < 10_000


def test_export_goes_on_after_any_exception(folder, capsys, monkeypatch):
    import duet.scene.exports.export_files

    def export(blend, name, path, whole):
        if blend.stem == "a":
            raise KeyError("bones")
        return range(1, 3)

    class Span:
        start, end = 1, 2

    monkeypatch.setattr(
        duet.scene.exports.export_files, "export_file", lambda *a: export(*a) and (Span, ["it is pinned"])
    )
    (folder / "out").mkdir()
    assert run("export", "a.blend", "z.blend", "-o", "out") == 1
    captured = capsys.readouterr()
    assert "z.blend -> " in captured.out
    assert "duet: note: it is pinned" in captured.err
    assert "a.blend' failed with KeyError: 'bones'" in captured.err


# Outputs that are inputs


def refused(folder, capsys, *arguments):
    """Run what must be refused before anything is written; its message."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert run(*arguments) == 2
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return capsys.readouterr().err


def test_a_row_may_not_write_over_its_manifest(folder, capsys):
    table(folder, b"a.wav,shots.csv", b"z.wav,z.csv")
    assert "which is read" in refused(folder, capsys, "generate", "shots.csv")


def test_nor_over_another_manifest_of_the_run(folder, capsys):
    table(folder, b"a.wav,more.csv")
    (folder / "more.csv").write_bytes(b"audio,output\nz.wav,z.csv\n")
    assert "more.csv" in refused(folder, capsys, "generate", "shots.csv", "more.csv")


def test_nor_over_the_head_that_the_run_reads(folder, capsys):
    (folder / "z.blend").write_bytes(b"the artist's")
    for head in ("z.blend", "z.blend/Ada", "./x/../z.blend"):
        assert "z.blend" in refused(folder, capsys, "bake", ".", "--head", head, "-o", ".")


def test_nor_over_the_head_of_another_row(folder, capsys):
    (folder / "set.blend").write_bytes(b"the artist's")
    table(folder, b"a.wav,a.blend,set.blend", b"z.wav,set.blend,other.blend")
    assert "set.blend" in refused(folder, capsys, "bake", "shots.csv")


def test_nor_over_the_open_file(folder, capsys):
    (folder / "open.blend").write_bytes(b"the artist's")
    arguments = ["bake", str(folder / "a.wav"), "-o", str(folder / "open.blend")]
    assert cli.main(arguments, base=folder / "open.blend") == 2
    assert (folder / "open.blend").read_bytes() == b"the artist's"


def test_nor_over_the_flame_model(folder, capsys):
    (folder / "my.flame.npz").write_bytes(b"a model")
    message = refused(folder, capsys, "generate", "a.wav", "-o", "my.flame.npz", "--flame", "my.flame.npz")
    assert "my.flame.npz" in message


@posix
@pytest.mark.parametrize("link", ["symlink", "hard link", "folder"])
def test_nor_by_another_name_of_the_same_file(folder, capsys, link):
    table(folder, b"a.wav,there/b.csv")
    (folder / "there").mkdir()
    if link == "symlink":
        (folder / "there/b.csv").symlink_to(folder / "shots.csv")
    elif link == "hard link":
        os.link(folder / "shots.csv", folder / "there/b.csv")
    else:
        (folder / "there").rmdir()
        (folder / "there").symlink_to(folder)
        table(folder, b"a.wav,there/shots.csv")
    assert "which is read" in refused(folder, capsys, "generate", "shots.csv")


@posix
def test_export_may_not_write_over_its_blend(folder, capsys):
    (folder / "a.blend").write_bytes(b"the artist's")
    (folder / "a.glb").symlink_to(folder / "a.blend")
    assert "which is read" in refused(folder, capsys, "export", "a.blend", "-o", "a.glb")
    assert export_command.plan(cli._parser().parse_args(["export", "a.blend", "-o", "b.glb"]), None)


def test_two_spellings_of_one_output_are_one(folder, capsys):
    table(folder, b"a.wav,t.npz", b"z.wav,x/../t.npz")
    assert run("generate", "shots.csv") == 1
    assert "row 2 writes" in errors(capsys)[0]


@posix
def test_two_folders_that_are_one_by_a_link(folder, capsys):
    (folder / "real").mkdir()
    (folder / "link").symlink_to("real")
    table(folder, b"a.wav,real/t.npz", b"z.wav,link/t.npz")
    assert run("generate", "shots.csv") == 1
    assert "row 2 writes" in errors(capsys)[0]


def test_capitals_count_only_where_the_file_system_tells_them_apart(folder, monkeypatch):
    assert paths.identity(folder / "new/T.npz") != paths.identity(folder / "new/t.npz") or paths._ignores_case(folder)
    monkeypatch.setattr(paths, "_ignores_case", lambda folder: True)
    assert paths.identity(folder / "new/É.npz") == paths.identity(folder / "new/e\u0301.npz")


# Paths


def planned(*arguments, base=None):
    options = cli._parser().parse_args([str(argument) for argument in arguments])
    cli._make_absolute(options)
    return cli._plan(options, base)


def test_every_path_is_absolute_before_anything_starts(folder, monkeypatch):
    table(folder, b"a.wav,deep/a.blend,set.blend/Ada")
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    (job,) = planned("bake", "../shots.csv", "-o", "out")
    assert job.audio.samefile(folder / "a.wav")
    assert job.output == folder / "below/out/deep/a.blend"
    assert (job.base.resolve(), job.head) == (folder / "set.blend", "Ada")
    (job,) = planned("bake", "../a.wav", "-o", "a.blend", "--head", "../set.blend")
    assert job.base.is_absolute() and job.audio.is_absolute()
    (job,) = planned("generate", "../a.wav", "-o", "a.flame.npz", "--flame", "m.pkl")
    assert job.flame == folder / "below/m.pkl"


@posix
def test_two_slashes_at_the_beginning_are_the_root_and_not_blenders_folder(folder):
    (job,) = planned("bake", f"/{folder}/a.wav", "-o", f"/{folder}/a.blend", "--head", f"//{folder}/s.blend")
    assert [str(path) for path in (job.audio, job.output, job.base)] == [
        str(folder / name) for name in ("a.wav", "a.blend", "s.blend")
    ]


@posix
def test_a_current_folder_that_is_gone_is_one_error(folder, capsys):
    (folder / "gone").mkdir()
    os.chdir(folder / "gone")
    (folder / "gone").rmdir()
    try:
        assert run("generate", "a.wav", "-o", "a.npz") == 2
        assert "current folder is not there" in capsys.readouterr().err
        assert run("generate", folder / "a.wav", "-o", folder / "a.npz") == 0
    finally:
        os.chdir(folder)


# Names


def test_hidden_files_of_a_folder_are_no_recordings(folder):
    (folder / "._a.wav").write_bytes(b"\0\5\x16\7" + bytes(40))  # what a Mac leaves on other disks
    (folder / ".a.123.partial.wav").write_bytes(b"")
    assert [path.name for path in plan.recordings(folder)] == ["a.wav", "z.wav"]


def test_films_count_where_no_recording_has_their_name(folder):
    for name in ("a.mov", "b.mp4", "c.m4a", "c.webm"):
        (folder / name).touch()
    assert [path.name for path in plan.recordings(folder)] == ["a.wav", "b.mp4", "c.m4a", "z.wav"]


@posix
def test_line_breaks_and_signs_in_names_stay_one_line(folder, capsys):
    (folder / "a.wav").rename(folder / "a\nb\x1b[31m.wav")
    (folder / "z.wav").write_text("no sound")
    assert run("generate", ".", "-o", "out") == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2
    assert r"a\nb\x1b[31m.wav -> " in captured.out
    assert len(captured.err.splitlines()) == 1
    assert (folder / "out" / "a\nb\x1b[31m.npz").exists()


@posix
def test_names_as_long_as_the_file_system_takes_them(folder):
    name = "😀" * 62  # 248 bytes
    (folder / "a.wav").rename(folder / f"{name}.wav")
    assert run("generate", ".", "-o", "out") == 0
    assert made(folder / "out") == ["z.npz", f"{name}.npz"]


def test_one_line_keeps_what_can_be_printed():
    assert one_line("Größe 声音 – naïve.wav") == "Größe 声音 – naïve.wav"
    assert one_line("a\r\n\tb\u2028\udce9") == r"a\r\n\tb\u2028\udce9"
