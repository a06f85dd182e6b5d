"""Several processes: what they make, how they die, how they are interrupted."""

import signal
import subprocess
import sys

import numpy as np
import pytest
from duet.operators.batch import pool
from duet.tests.batch_fakes import process_command, run, write_manifest

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.usefixtures("fake_worker")]


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
run = runner.Runner.run
runner.Runner.run = lambda self, job, progress=None: os._exit(7) if job.audio.stem == "b" else run(self, job)
"""


def test_a_process_that_dies_fails_its_file_alone(folder, capsys, monkeypatch):
    monkeypatch.setattr(pool, "interpreter", lambda: process_command(before=DIES))
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


HALF = """
import os
class Runner:
    def __init__(self, *_): ...
    def close(self): ...
    def outcome(self, job):
        if job.audio.stem == "a":
            os.write(SINK, b'\\x1eduet {"made": {"fra')
            os._exit(0)
        return runner.Outcome(job, runner.Made(3, "fake"))
dup = os.dup
def keep(fd):
    global SINK
    SINK = dup(fd)
    return dup(fd)
os.dup = keep
server.Runner = Runner
"""


def test_an_answer_that_is_cut_off_fails_its_file_and_nothing_waits(folder, capsys, monkeypatch):
    monkeypatch.setattr(pool, "interpreter", lambda: process_command(before=HALF))
    assert run("generate", folder, "-o", folder / "out", "--jobs", 2) == 1
    captured = capsys.readouterr()
    assert captured.out.endswith("3 done, 1 failed\n")
    assert "a.wav': the process that worked on it ended" in captured.err


def test_processes_that_have_done_all_are_not_interrupted(folder, capfd, monkeypatch):
    """An interrupt that came while one ended would end it with a traceback."""
    signals = []
    monkeypatch.setattr(pool, "interpreter", lambda: process_command(before=HALF.replace('"a"', '"none"')))
    monkeypatch.setattr("subprocess.Popen.send_signal", lambda process, number: signals.append(number))
    assert run("generate", folder, "-o", folder / "out", "--jobs", 2) == 0
    assert signals == []
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C otherwise")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_processes_end_and_leave_nothing(folder, number):
    for name in "ab":
        (folder / name).mkdir()
        (folder / f"{name}.wav").rename(folder / name / "slow.wav")
    path = write_manifest(folder, "c.wav,c.npz,,,,", "a/slow.wav,1.npz,,,,", "b/slow.wav,2.npz,,,,")
    command = [
        *process_command("cli", before="pool.interpreter = process_command"),
        "generate",
        str(path),
        "--jobs",
        "2",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert "c.npz (15 frames)" in process.stdout.readline()
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.endswith("duet: interrupted\n")
    assert "Traceback" not in errors
    assert [path.name for path in folder.glob("*.npz")] == ["c.npz"]
    assert not list(folder.glob(".*partial"))
