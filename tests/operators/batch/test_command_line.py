"""The command line with a worker that needs no weights: what it writes, prints and returns."""

import ctypes
import importlib.util
import os
import re
import signal
import subprocess
import sys
import wave

import numpy as np
import pytest
from duet.inference.head.canonical import load_head
from duet.inference.performance.life import Life
from duet.inference.performance.performance import Performance
from duet.inference.performance.timeline import Cue
from duet.operators.batch import cli, pool, runner
from duet.tests.batch_fakes import damaged_command, process_command, run
from duet.tests.livelink_fakes import read_livelink_csv
from duet.tests.places import ROOT

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.usefixtures("fake_worker")]


@pytest.fixture
def recordings(tmp_path):
    """One second each of a.wav, b.wav and c.flac, in a folder of that many."""
    folder = tmp_path / "lines"
    folder.mkdir()
    samples = 0.5 * np.sin(np.arange(16000) / 5)
    for name in ("a.wav", "b.wav", "c.flac"):  # the name's end only says that it is a recording
        with wave.open(str(folder / name), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes((samples * 32767).astype("<i2").tobytes())
    (folder / "script.txt").write_text("not a recording")
    return folder


def made(folder):
    """The names of the outputs in a folder, without the records."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".duet")


def test_one_recording_becomes_npz(recordings, tmp_path, capsys, fake_worker):
    output = tmp_path / "take.npz"
    assert run("generate", recordings / "a.wav", "-o", output, "--emotion", "happy=0.8", "--fps", 25) == 0
    with np.load(output) as data:
        assert data["fps"] == 25
        assert len(data["speech_weights"]) == 25
        assert data["emotion_curves"][0, 1] == np.float32(0.8)
        assert "vertices" not in data
    captured = capsys.readouterr()
    assert captured.out == f"{recordings / 'a.wav'} -> {output} (25 frames)\n"
    assert captured.err == ""
    assert fake_worker == [{"engine": "auto", "device": "auto"}]


def test_vertices_engine_and_device(recordings, tmp_path, fake_worker):
    output = tmp_path / "take.npz"
    arguments = ("--vertices", "--engine", "torch", "--device", "cpu")
    assert run("generate", recordings / "a.wav", "-o", output, *arguments) == 0
    with np.load(output) as data:
        assert data["vertices"].shape == (30, len(load_head().vertices), 3)
    assert fake_worker == [{"engine": "torch", "device": "cpu"}]


def test_csv_by_its_suffix(recordings, tmp_path):
    assert run("generate", recordings / "c.flac", "-o", tmp_path / "Take.CSV") == 0
    take = read_livelink_csv(tmp_path / "Take.CSV", 30.0)
    assert len(take.names) == 61
    assert take.frames[-1] == 29
    assert take.values[-1, take.names.index("JawOpen")] > 0.5


def test_folder_and_files_go_into_a_folder_with_one_worker(recordings, tmp_path, capsys, fake_worker):
    output = tmp_path / "new" / "takes"
    assert run("generate", recordings, recordings / "a.wav", "-o", output, "--format", "csv") == 0
    assert made(output) == ["a.csv", "b.csv", "c.csv"]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[-1] == "3 done"
    assert len(fake_worker) == 1


def test_one_recording_into_a_folder_that_exists(recordings, tmp_path):
    assert run("generate", recordings / "b.wav", "-o", tmp_path) == 0
    assert (tmp_path / "b.npz").exists()


def test_faulty_recordings_do_not_stop_the_rest(recordings, tmp_path, capsys):
    (recordings / "aa.wav").write_text("Dear actor")
    for name in ("broken.wav", "killer.wav"):
        (recordings / name).write_bytes((recordings / "a.wav").read_bytes())
    missing = tmp_path / "missing.wav"
    assert run("generate", missing, recordings, "-o", tmp_path / "out") == 1
    captured = capsys.readouterr()
    assert made(tmp_path / "out") == ["a.npz", "b.npz", "c.npz"]
    assert len(captured.out.splitlines()) == 4
    assert captured.out.endswith("3 done, 4 failed\n")
    errors = [line for line in captured.err.splitlines() if line.startswith("duet: error: ")]
    assert len(errors) == 4
    for error, part in zip(errors, [str(missing), "aa.wav", "IndexError: seven", "exit code 9"], strict=True):
        assert part in error


def test_read_only_output_fails_before_any_work(recordings, tmp_path, capsys):
    output = tmp_path / "take.npz"
    output.write_text("precious")
    output.chmod(0o444)
    assert run("generate", recordings / "a.wav", "-o", output) == 1
    assert f"duet: error: The output '{output}' is read-only." in capsys.readouterr().err
    assert output.read_text() == "precious"


def test_damaged_weights_stop_at_once(recordings, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(runner, "worker_command", damaged_command)
    assert run("generate", recordings, "-o", tmp_path / "out") == 1
    assert capsys.readouterr().err == "duet: error: The weights file damaged is damaged. Install Duet again.\n"


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("python", ["/no/such/python", "no numpy"])
def test_a_worker_that_cannot_start_stops_at_once(recordings, tmp_path, capsys, monkeypatch, jobs, python):
    start = [sys.executable, "-c", "import sys; sys.exit('no module')"] if python == "no numpy" else [python]
    before = f"runner.worker_command = lambda *_, **__: ({start!r}, None)"
    monkeypatch.setattr(runner, "worker_command", lambda *_, **__: (start, None))
    monkeypatch.setattr(pool, "interpreter", lambda: process_command(before=before))
    assert run("generate", recordings, "-o", tmp_path / "out", "--jobs", jobs) == 1
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert "cannot be started: /no/such/python" in line or "exit code 1. It last wrote:" in line
    assert captured.out.startswith("1 failed, ") and captured.out.endswith(" not tried\n")


USAGE = {
    "nothing": ([], "usage: duet"),
    "empty output": (["generate", "a.wav", "-o", ""], "-o/--output: it is empty"),
    "no output": (["generate", "a.wav"], "-o"),
    "unknown emotion": (["generate", "a.wav", "-o", "x.npz", "--emotion", "hungry=1"], "no emotion 'hungry'.*neutral"),
    "emotion without number": (["generate", "a.wav", "-o", "x.npz", "--emotion", "happy"], "not NAME=NUMBER"),
    "emotion too strong": (["generate", "a.wav", "-o", "x.npz", "--emotion", "happy=9"], "from 0 to 1.5"),
    "emotion is nan": (["generate", "a.wav", "-o", "x.npz", "--emotion", "happy=nan"], "not a number"),
    "no frame rate": (["generate", "a.wav", "-o", "x.npz", "--fps", "fast"], "not a frame rate"),
    "frame rate of zero": (["generate", "a.wav", "-o", "x.npz", "--fps", "0"], "Give 1 to 240"),
    "frame rate beyond numbers": (["generate", "a.wav", "-o", "x.npz", "--fps", "1e999"], "not a frame rate"),
    "unknown suffix": (["generate", "a.wav", "-o", "x.fbx"], "must end in .csv or .json or .npz"),
    "one file for two": (["generate", "a.wav", "b.wav", "-o", "x.npz"], "give a folder"),
    "same names": (["generate", "1/a.wav", "2/a.wav", "-o", "out"], "would both become"),
    "vertices in csv": (["generate", "a.wav", "-o", "x.csv", "--vertices"], "only .npz has a place for --vertices"),
    "format and suffix": (["generate", "a.wav", "-o", "x.csv", "--format", "npz"], "does not end in .npz"),
    "bake to npz": (["bake", "a.wav", "-o", "x.npz"], "must end in .blend"),
    "export from nothing": (["export", "-o", "x.glb"], "Give FILE.blend"),
    "export to nothing known": (["export", "a.blend", "-o", "x.fbx"], "must end in glb"),
    "export of two to one": (["export", "a.blend", "b.blend", "-o", "x.glb"], "give a folder"),
    "export of two of a name": (["export", "1/a.blend", "2/a.blend", "-o", "out"], "the same name"),
    "articulation": (["bake", "a.wav", "-o", "x.blend", "--articulation", "2"], "'2'.*articulation.*from 0 to 1.5"),
    "seed": (["bake", "a.wav", "-o", "x.blend", "--seed", "1.5"], "whole number"),
    "trims": (["bake", "a.wav", "-o", "x.blend", "--trim-start", "3", "--trim-end", "2"], "before it begins"),
    "start frame": (["bake", "a.wav", "-o", "x.blend", "--start-frame", "one"], "'one' is not a frame"),
    "plain": (["bake", "a.wav", "-o", "x.blend", "--plain", "0"], "from 0.001 to 2"),
    "empty folder": (["generate", ".", "-o", "out"], "holds no recordings"),
}


@pytest.mark.parametrize("case", USAGE)
def test_bad_usage_is_exit_code_2(case, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, pattern = USAGE[case]
    assert run(*arguments) == 2
    assert re.search(pattern, capsys.readouterr().err, re.DOTALL)
    assert list(tmp_path.iterdir()) == []


def test_help_is_exit_code_0(capsys):
    assert run("generate", "--help") == 0
    assert "--emotion" in capsys.readouterr().out


def test_several_emotions_in_both_ways(recordings, tmp_path):
    for emotions in (["--emotion", "sad=0.5", "happy=1"], ["--emotion", "sad=0.5", "--emotion", "happy=1"]):
        assert run("generate", *emotions, recordings / "a.wav", "-o", tmp_path / "take.npz") == 0
        with np.load(tmp_path / "take.npz") as data:
            assert data["emotion_curves"][0, 1] == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("23.976", 24000 / 1001),
        ("23.98", 24000 / 1001),
        ("29.97", 30000 / 1001),
        ("59.94", 60000 / 1001),
        ("30000/1001", 30000 / 1001),
        ("24", 24.0),
        ("12.5", 12.5),
    ],
)
def test_frame_rates(text, value, recordings, tmp_path):
    assert run("generate", recordings / "a.wav", "-o", tmp_path / "take.npz", "--fps", text) == 0
    with np.load(tmp_path / "take.npz") as data:
        assert data["fps"] == pytest.approx(value, rel=1e-12)


def test_blender_decodes_where_libsndfile_is_not_installed(recordings, tmp_path, monkeypatch, capsys):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: find_spec(name) if name != "soundfile" else None)
    (recordings / "b.wav").write_text("Dear actor")
    assert run("generate", recordings, "-o", tmp_path / "out") == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 3
    assert "b.wav' is not a sound" in captured.err


def test_bake_hands_take_and_base_to_the_scene(recordings, tmp_path, monkeypatch):
    import duet.scene

    calls = []
    monkeypatch.setattr(duet.scene, "bake_file", lambda *arguments: calls.append(arguments), raising=False)
    monkeypatch.setattr(duet.scene.files, "frame_rate", lambda path: 25.0)
    arguments = ["bake", str(recordings / "a.wav"), "-o", str(tmp_path / "shot.blend"), "--force"]
    assert cli.main(arguments, base=tmp_path / "set.blend") == 0
    audio, take, output, base, head, order = calls[0]
    assert order.performance == Performance()
    assert (audio, output, base, head) == (recordings / "a.wav", tmp_path / "shot.blend", tmp_path / "set.blend", "")
    assert take.frame_count == 25


def test_bake_has_what_the_sidebar_has(recordings, tmp_path, monkeypatch):
    import duet.scene

    calls = []
    monkeypatch.setattr(duet.scene, "bake_file", lambda *arguments: calls.append(arguments), raising=False)
    acted = ["--articulation", "0.8", "--smoothing", "20", "--offset", "-40", "--life", "--eyes", "0", "--seed", "7"]
    cut = [
        "--trim-start",
        "0.26",
        "--trim-end",
        "0.75",
        "--start-frame",
        "1001",
        "--existing",
        "keep",
        "--plain",
        "0.1",
    ]
    felt = ["--emotion-track", "happy=0.6;sad@2", "--transition", "0.2"]
    assert run("bake", recordings / "a.wav", "-o", tmp_path / "a.blend", "--fps", "25", *acted, *cut, *felt) == 0
    take, order = calls[0][1], calls[0][5]
    assert take.frame_count == 12  # 0.24, a whole frame, to 0.75 s
    assert (order.start, order.layer, order.plain) == (1001, False, 0.1)
    chosen = order.performance
    assert (chosen.begin(25), chosen.trim_end) == pytest.approx((0.24, 0.75))
    assert (chosen.articulation, chosen.smoothing, chosen.offset) == (0.8, 20, -40)
    assert chosen.life == Life(blinks=1, eyes=0, head=1, breaths=1, seed=7, brows=1)
    assert (chosen.emotions, chosen.transition) == ((Cue(0, {"happy": 0.6}), Cue(2, {"sad": 0.7})), 0.2)


def test_generate_is_cut_where_it_is_trimmed(recordings, tmp_path):
    arguments = ("--trim-start", 0.5, "--fps", 20, "--format", "npz")
    assert run("generate", recordings / "a.wav", "-o", tmp_path, *arguments) == 0
    with np.load(tmp_path / "a.npz") as data:
        assert len(data["arkit"]) == 10
    assert run("generate", recordings / "a.wav", "-o", tmp_path / "b.npz", "--trim-start", 3) == 1


def test_bake_keeps_what_blender_prints_off_stdout(recordings, tmp_path, monkeypatch, capfd):
    import duet.scene

    def chatter(*arguments):
        ctypes.CDLL(None).puts(b"Info: Saved")

    monkeypatch.setattr(duet.scene, "bake_file", chatter, raising=False)
    assert run("bake", recordings / "a.wav", "-o", tmp_path / "shot.blend") == 0
    captured = capfd.readouterr()
    assert captured.out == f"{recordings / 'a.wav'} -> {tmp_path / 'shot.blend'} (30 frames)\n"
    assert "Info: Saved" in captured.err


SAYS = """
work.progress = lambda job: lambda fraction, stage: print("working", file=sys.stderr, flush=True)
sys.stderr.isatty = lambda: True
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C otherwise")
def test_interrupt_is_exit_code_130_and_leaves_nothing(recordings, tmp_path):
    (recordings / "a.wav").rename(recordings / "slow.wav")
    arguments = ["generate", str(recordings / "slow.wav"), "-o", str(tmp_path / "take.npz")]
    command = [*process_command("cli", before=SAYS), *arguments]
    # A session of its own: as in a terminal, the signal goes to the worker as well.
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    with process:
        while "working" not in process.stderr.readline():
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        errors = process.stderr.read()
    assert process.returncode == 130
    assert errors.endswith("duet: interrupted\n")
    assert "Traceback" not in errors
    assert not (tmp_path / "take.npz").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_reader_that_has_enough_ends_the_run_without_a_traceback(recordings, tmp_path):
    command = [*process_command("cli"), "generate", str(recordings), "-o", str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 130 and "Traceback" not in errors
    assert errors.endswith("duet: interrupted: what is printed goes nowhere\n")


def test_installed_command_loads_without_bpy_torch_or_librosa():
    code = (
        "import sys, duet.operators.batch.cli as c\n"
        "assert c.main(['--help']) == 0\n"
        "assert not {'bpy', 'torch', 'librosa', 'soundfile', 'scipy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT.parent)


def test_live_runs_in_a_process_of_its_own(capfd):
    assert cli.main(["live", "--help"]) == 0
    assert "--look-ahead" in capfd.readouterr().out
    assert cli.main(["live", "nothing.wav"]) == 1
    assert "nothing.wav" in capfd.readouterr().err


def test_previews_are_planned_as_files_are_baked(recordings, tmp_path, capsys):
    assert run("preview", recordings, "-o", tmp_path / "out", "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{recordings / 'a.wav'} -> {tmp_path / 'out' / 'a.mp4'} (to do)"
    assert lines[-1] == "3 to do"
    assert run("preview", recordings / "a.wav", "-o", tmp_path / "a.blend") == 2


def test_a_cast_is_planned_as_a_whole(recordings, tmp_path, capsys):
    table = tmp_path / "scene.csv"
    table.write_text("scene,head,audio\nsc1,Ada,lines/a.wav\nsc2,Bea,lines/b.wav\n")
    assert run("bake", table, "--into", tmp_path / "shot.blend") == 2
    assert "the table has 2 scenes: give a folder" in capsys.readouterr().err
    assert run("bake", table, recordings, "--into", tmp_path / "out") == 2
    assert "--into takes one table" in capsys.readouterr().err
    assert run("bake", table, "--into", tmp_path / "out", "--dry-run") == 0
    said = [f"{recordings / name}.wav -> {tmp_path / 'out' / scene}.blend ({head}, to do)" for name, scene, head in
            (("a", "sc1", "Ada"), ("b", "sc2", "Bea"))]  # fmt: skip
    assert capsys.readouterr().out.splitlines() == said
