"""Many files at once: manifests, what is done already, dry runs and several processes, with the fake worker."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from duet.inference.client.client import worker_command
from duet.inference.errors import HeadError, RequestError, TableError
from duet.inference.performance.performance import Performance
from duet.inference.performance.timeline import Cue
from duet.operators.batch import cli, manifest, pool, records, runner
from duet.operators.batch.jobs import Damaged, Job, frame_rate, place_of_head
from hypothesis import given
from hypothesis import strategies as st

pytestmark = [pytest.mark.embedded, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
FAKE = ROOT / "tests/fake_pipeline.py"
SUFFIXES = frozenset({".blend"})

# What a process of --jobs runs, with the fake worker in place of the real one.
SERVER = """
import sys
from pathlib import Path
from duet.inference.client.client import worker_command
from duet.operators.batch import runner as job_runner
from duet.operators.batch import server as job_server
fake, root = sys.argv[1:3]
_, env = worker_command(Path(root))
job_runner.worker_command = lambda root, **options: ([sys.executable, "-s", fake, "--weights", "w"], env)
sys.exit(job_server.main(sys.argv[3:]))
"""


@pytest.fixture(autouse=True)
def fake_worker(monkeypatch):
    """The fake worker, here and in other processes; the list of its starts here."""
    starts = []

    def command(root, **options):
        starts.append(options)
        return [sys.executable, "-s", str(FAKE), "--weights", "w"], worker_command(root)[1]

    monkeypatch.setattr(runner, "worker_command", command)
    monkeypatch.setattr(records, "current_model", lambda: "fake")
    monkeypatch.setattr(pool, "interpreter", lambda: [sys.executable, "-P", "-c", SERVER, str(FAKE), str(ROOT)])
    return starts


@pytest.fixture
def folder(tmp_path):
    """Half a second each of a.wav to d.wav."""
    from duet.tests.blender_fakes import write_wav

    for name in "abcd":
        write_wav(tmp_path / f"{name}.wav", 0.5 * np.sin(np.arange(8000) / 5))
    return tmp_path


def write_manifest(folder, *rows, header="audio,output,head,emotion,fps,style"):
    path = folder / "shots.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return path


def run(*arguments):
    return cli.main([str(argument) for argument in arguments])


def read(path, output=None, base=None):
    job = Job(Path(), Path(), base=base)
    return manifest.read(path, manifest.Defaults(job, output, ".blend", SUFFIXES))


# Manifests


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


# What is done


def test_a_second_run_makes_only_what_is_missing(folder, capsys, fake_worker):
    out = folder / "out"
    arguments = ("generate", folder / "a.wav", folder / "b.wav", "-o", out)
    assert run(*arguments) == 0
    (out / "b.npz").unlink()
    (folder / "c.wav").rename(folder / "b2.wav")
    before = (out / "a.npz").stat().st_mtime_ns
    capsys.readouterr()
    assert run("generate", folder / "b2.wav", *arguments[1:]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{folder / 'a.wav'} -> {out / 'a.npz'} (up to date)",
        f"{folder / 'b2.wav'} -> {out / 'b2.npz'} (15 frames)",
        f"{folder / 'b.wav'} -> {out / 'b.npz'} (15 frames)",
        "2 done, 1 up to date",
    ]
    assert (out / "a.npz").stat().st_mtime_ns == before
    capsys.readouterr()
    assert run(*arguments) == 0
    assert len(fake_worker) == 2  # all done: no worker was started
    assert capsys.readouterr().out.endswith("2 up to date\n")


CHANGES = {
    "newer input": lambda folder, monkeypatch: os.utime(folder / "a.wav", (4e9, 4e9)),
    "another model": lambda folder, monkeypatch: monkeypatch.setattr(records, "current_model", lambda: "other"),
    "damaged record": lambda folder, monkeypatch: (folder / ".duet/take.npz.json").write_text("{"),
    "lost record": lambda folder, monkeypatch: (folder / ".duet/take.npz.json").unlink(),
    "lost output": lambda folder, monkeypatch: (folder / "take.npz").unlink(),
    "emotion": ["--emotion", "happy=0.5"],
    "fps": ["--fps", "25"],
    "force": ["--force"],
    "vertices": ["--vertices"],
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_makes_it_again(folder, capsys, monkeypatch, case):
    arguments = ["generate", folder / "a.wav", "-o", folder / "take.npz"]
    assert run(*arguments) == 0
    change = CHANGES[case]
    if callable(change):
        change(folder, monkeypatch)
    else:
        arguments += change
    capsys.readouterr()
    assert run(*arguments) == 0
    assert "frames)" in capsys.readouterr().out


def test_a_project_that_moves_as_a_whole_stays_done(folder, capsys):
    assert run("generate", folder / "a.wav", "-o", folder / "take.npz") == 0
    moved = folder.with_name(folder.name + " moved")
    folder.rename(moved)
    assert run("generate", moved / "a.wav", "-o", moved / "take.npz") == 0
    assert "up to date" in capsys.readouterr().out


def test_the_id_of_the_weights_is_that_of_the_pipeline(monkeypatch):
    from duet.inference.engine.pipeline import Pipeline

    monkeypatch.undo()
    assert records.current_model() == Pipeline(ROOT / "weights", "numpy").model_id


def test_a_dry_run_does_nothing(folder, capsys, fake_worker):
    (folder / "b.wav").unlink()
    path = write_manifest(
        folder, "a.wav,a.blend,,,,", "b.wav,b.blend,,,,", "c.wav,c.blend,none.blend,,,", "d.wav,d.txt,,,,"
    )
    before = sorted(folder.iterdir())
    assert run("bake", path, "--dry-run") == 1
    captured = capsys.readouterr()
    assert captured.out == f"{folder / 'a.wav'} -> {folder / 'a.blend'} (to do)\n1 to do, 3 failed\n"
    for part in ("row 5: the output 'd.txt'", "b.wav'. Check", "none.blend'. Check"):
        assert part in captured.err
    assert sorted(folder.iterdir()) == before
    assert fake_worker == []


def test_an_error_of_all_files_stops_with_one_message(folder, capsys, monkeypatch):
    command = [sys.executable, "-s", str(FAKE), "--weights", "damaged"]
    monkeypatch.setattr(runner, "worker_command", lambda root, **options: (command, worker_command(root)[1]))
    assert run("generate", folder, "-o", folder / "out") == 1
    captured = capsys.readouterr()
    assert captured.err == "duet: error: The weights file damaged is damaged. Install Duet again.\n"
    assert captured.out == "1 failed, 3 not tried\n"


def test_an_unknown_style_stops_with_one_message(folder, capsys, monkeypatch):
    monkeypatch.setattr(runner, "worker_command", lambda root, **options: worker_command(ROOT, engine="numpy"))
    assert run("generate", folder, "-o", folder / "out", "--style", "opera") == 1
    captured = capsys.readouterr()
    assert captured.err.count("duet: error:") == 1
    assert "no speaking style 'opera'" in captured.err


def test_an_emotion_track_moves_the_sliders_and_the_coefficients(folder, monkeypatch):
    monkeypatch.setattr(runner, "worker_command", lambda root, **options: worker_command(ROOT, engine="numpy"))
    for name, options in (("plain", []), ("track", ["--emotion-track", "happy=1@0.1;neutral@9"])):
        assert run("generate", folder / "a.wav", "-o", folder / f"{name}.npz", "--fps", 60, "--vertices", *options) == 0
    plain, track = (np.load(folder / f"{name}.npz") for name in ("plain", "track"))
    happy, smile = list(track["emotions"]).index("happy"), list(track["arkit_names"]).index("mouthSmileLeft")
    assert track["emotion_curves"][5, happy] == 0
    assert track["emotion_curves"][-1, happy] > 0.8
    np.testing.assert_array_equal(track["speech_weights"], plain["speech_weights"])
    np.testing.assert_allclose(track["arkit"][:5], plain["arkit"][:5], atol=1e-5)
    np.testing.assert_allclose(track["vertices"][:5], plain["vertices"][:5], atol=1e-6)
    assert track["arkit"][-1, smile] > plain["arkit"][-1, smile] + 0.1
    assert np.abs(track["vertices"][-1] - plain["vertices"][-1]).max() > 0.002


# Several processes


def test_two_processes_make_what_one_makes(folder, capsys):
    assert run("generate", folder, "-o", folder / "one") == 0
    (folder / "a.wav").rename(folder / "killer.wav")
    capsys.readouterr()
    assert run("generate", folder, "-o", folder / "two", "--jobs", 2) == 1
    captured = capsys.readouterr()
    assert captured.out.endswith("\n3 done, 1 failed\n")
    assert captured.err.count("duet: error:") == 1
    assert "exit code 9" in captured.err
    for name in "bcd":
        one, two = (np.load(folder / part / f"{name}.npz") for part in ("one", "two"))
        for key in one:
            np.testing.assert_array_equal(one[key], two[key])
    assert run("generate", folder / "b.wav", folder / "c.wav", "-o", folder / "two", "--jobs", 2) == 0
    assert capsys.readouterr().out.endswith("2 up to date\n")


DIES = """
import os
run = job_runner.Runner.run
job_runner.Runner.run = lambda self, job, progress=None: os._exit(7) if job.audio.stem == "b" else run(self, job)
"""


def test_a_process_that_dies_fails_its_file_alone(folder, capsys, monkeypatch):
    dying = SERVER.replace("sys.exit(", DIES + "sys.exit(")
    monkeypatch.setattr(pool, "interpreter", lambda: [sys.executable, "-P", "-c", dying, str(FAKE), str(ROOT)])
    assert run("generate", folder, "-o", folder / "out", "--jobs", 2) == 1
    captured = capsys.readouterr()
    assert captured.out.endswith("\n3 done, 1 failed\n")
    assert captured.err.count("duet: error:") == 1
    assert "b.wav': the process that worked on it ended with exit code 7" in captured.err


@pytest.mark.parametrize("command", [[sys.executable, "-c", "import sys; sys.exit(3)"], ["no such program"]])
def test_processes_that_cannot_start_stop_with_one_message(folder, capsys, monkeypatch, command):
    monkeypatch.setattr(pool, "interpreter", lambda: command)
    assert run("generate", folder, "-o", folder / "out", "--jobs", 2) == 1
    assert capsys.readouterr().err.count("duet: error: A process for --jobs") == 1


def test_the_real_server_runs_as_a_module(folder, monkeypatch):
    monkeypatch.undo()
    out = folder / "out"
    arguments = [str(folder / "a.wav"), str(folder / "b.wav"), "-o", str(out), "--jobs", "2", "--engine", "numpy"]
    code = f"import sys; from duet.operators.batch.cli import main; sys.exit(main({['generate', *arguments]!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("2 done\n")
    assert np.load(out / "b.npz")["arkit"].shape == (15, 52)


PARENT = """
import sys
from duet.operators.batch import cli as command_line
from duet.operators.batch import pool as job_pool
job_pool.interpreter = lambda: [sys.executable, "-P", "-c", *sys.argv[1:4]]
sys.exit(command_line.main(sys.argv[4:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C otherwise")
def test_interrupted_processes_end_and_leave_nothing(folder):
    for name in "ab":
        (folder / name).mkdir()
        (folder / f"{name}.wav").rename(folder / name / "slow.wav")
    path = write_manifest(folder, "c.wav,c.npz,,,,", "a/slow.wav,1.npz,,,,", "b/slow.wav,2.npz,,,,")
    command = [sys.executable, "-c", PARENT, SERVER, str(FAKE), str(ROOT), "generate", str(path), "--jobs", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert "c.npz (15 frames)" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.endswith("duet: interrupted\n")
    assert "Traceback" not in errors
    assert [path.name for path in folder.glob("*.npz")] == ["c.npz"]
    assert not list(folder.glob(".*partial"))


@pytest.mark.parametrize("parts", [1, 3, 9])
def test_shards_make_each_file_once(folder, capsys, parts):
    write_manifest(folder, *(f"{name}.wav,out/{name}.npz" for name in "abcd"), header="audio,output")
    (folder / "out").mkdir()
    for part in range(1, parts + 1):
        assert run("generate", folder / "shots.csv", "--shard", f"{part}/{parts}") == cli.EXIT_DONE
    done = [line for line in capsys.readouterr().out.splitlines() if "->" in line]
    assert sorted(Path(line.split()[0]).name for line in done) == ["a.wav", "b.wav", "c.wav", "d.wav"]
    assert {path.name for path in (folder / "out").glob("*.npz")} == {f"{name}.npz" for name in "abcd"}


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/x", "1.5/2", "/"])
def test_a_share_that_is_none_is_bad_usage(folder, capsys, text):
    assert run("generate", folder, "-o", folder, "--shard", text) == cli.EXIT_USAGE
    assert "1/4" in capsys.readouterr().err
