"""What is done already, dry runs, and shares of a run."""

import os
from pathlib import Path

import numpy as np
import pytest
from duet.inference.client.client import worker_command
from duet.operators.batch import cli, records, runner
from duet.operators.batch.jobs import Job
from duet.tests.batch_fakes import damaged_command, run, write_manifest
from duet.tests.places import ROOT

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.usefixtures("fake_worker")]


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


def test_one_table_serves_both_commands(folder, capsys):
    """To `generate`, the head that `bake` needs is nothing, whether it is there or not."""
    path = write_manifest(folder, "a.wav,a.npz,gone.blend/Ada,5", "b.wav,b.npz,Ada,", header="audio,output,head,start")
    assert run("generate", path) == run("generate", path) == 0
    assert capsys.readouterr().out.endswith("2 up to date\n")


def test_another_flame_model_makes_it_again(folder, capsys):
    """What comes of it is not asked here, where no model is."""
    model, audio, output = (folder / name for name in ("m.pkl", "a.wav", "take.flame.npz"))
    for path in (model, output):
        path.write_bytes(b"of me")
    job = Job(audio, output, flame=model)
    records.write(job, "fake")
    later = output.stat().st_mtime_ns
    os.utime(model, ns=(later, later))
    assert records.is_done(job)
    moved = folder.with_name(folder.name + " moved")
    folder.rename(moved)
    job = Job(moved / audio.name, moved / output.name, flame=moved / model.name)
    assert records.is_done(job)
    os.utime(job.flame, ns=(later + 1, later + 1))
    assert not records.is_done(job)


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
    monkeypatch.setattr(runner, "worker_command", damaged_command)
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
