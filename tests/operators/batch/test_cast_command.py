"""`duet bake TABLE --into OUT`: what is done is not done again, and scenes are made at the same time."""

import json
import os
import sys

import bpy
import numpy as np
import pytest
from duet.operators.batch import cast_apart, cast_command, cast_records, cli
from duet.operators.batch.cast_table import alive, read_cast
from duet.scene.head.heads import heads_of
from duet.scene.take import lines
from duet.tests.blender_fakes import write_wav

pytestmark = [pytest.mark.blender, pytest.mark.slow]


@pytest.fixture
def table(tmp_path, monkeypatch, fake_worker):
    """Three lines of a second of two heads, the third after the second, as JSON; the worker needs no weights."""
    monkeypatch.setattr(cast_records, "current_model", lambda: "fake")
    for name in "abc":
        write_wav(tmp_path / f"{name}.wav", 0.5 * np.sin(np.arange(16_000) / 5))
    heads = {"a": "Ada", "b": "Bea", "c": "Ada"}
    rows = [{"scene": "sc1", "head": head, "audio": f"{name}.wav"} for name, head in heads.items()]
    rows[0] |= {"start": 1, "emotion": "happy=0.5", "place": [0.2, 0, 0.1]}
    rows[1] |= {"start": 60}
    path = tmp_path / "scene.json"
    path.write_text(json.dumps(rows))
    return path


def run(*arguments):
    return cli.main([str(argument) for argument in arguments])


def states(capsys):
    """What is said of each line, in order: up to date, to do, or made (nothing)."""
    said = [line for line in capsys.readouterr().out.splitlines() if " -> " in line]
    return [line.rpartition(", ")[2].rstrip(")") if "frames" not in line else "made" for line in said]


def firsts():
    return {head.name: [line.first for line in lines.on(head)] for head in heads_of(bpy.context.scene)}


def test_lines_that_are_up_to_date_stay_and_the_others_are_made_again(table, tmp_path, capsys):
    shot = tmp_path / "out" / "shot.blend"
    assert run("bake", table, "--into", shot) == 0
    assert states(capsys) == ["made"] * 3
    began = firsts()
    assert (began["Ada"][0], began["Bea"]) == (1, [60]) and began["Ada"][1] > 90
    assert bpy.data.objects["Ada"].parent.location[:] == pytest.approx((0.2, 0, 0.1))
    assert run("bake", table, "--into", shot) == 0
    assert states(capsys) == ["up to date"] * 3

    # What the animator did to a line stays when another is made again; what has no start goes on after the line above.
    line = lines.on(bpy.data.objects["Ada"])[0]
    line.action["note"] = "by hand"
    bpy.ops.wm.save_as_mainfile(filepath=str(shot), check_existing=False)
    write_wav(tmp_path / "c.wav", 0.5 * np.sin(np.arange(24_000) / 5))
    assert run("bake", table, "--into", shot, "--dry-run") == 0
    assert states(capsys) == ["up to date", "up to date", "to do"]
    assert run("bake", table, "--into", shot) == 0
    assert states(capsys) == ["up to date", "up to date", "made"]
    assert firsts() == began and len(lines.on(bpy.data.objects["Ada"])) == 2
    assert lines.on(bpy.data.objects["Ada"])[0].action["note"] == "by hand"
    later = shot.stat().st_mtime_ns + 10**9
    os.utime(tmp_path / "b.wav", ns=(later, later))
    assert run("bake", table, "--into", shot, "--dry-run") == 0
    assert states(capsys) == ["up to date", "to do", "to do"]
    assert run("bake", table, "--into", shot, "--dry-run", "--force") == 0
    assert states(capsys) == ["to do"] * 3
    assert run("bake", table, "--into", shot, "--dry-run", "--brows", "2") == 0
    assert states(capsys) == ["to do"] * 3
    (tmp_path / "c.wav").unlink()
    assert run("bake", table, "--into", shot, "--dry-run") == 1
    assert "scene.json, row 3: There is no file" in capsys.readouterr().err


def test_what_another_run_has_made_meanwhile_is_not_lost(table, tmp_path, capsys, monkeypatch):
    part, shot = cast_command._part, tmp_path / "shot.blend"

    def and_another(*asked):
        shot.write_bytes(b"of another run")
        return part(*asked)

    monkeypatch.setattr(cast_command, "_part", and_another)
    assert run("bake", table, "--into", shot) == 1
    assert "shot.blend' was written by another program meanwhile. Start it again" in capsys.readouterr().err
    assert shot.read_bytes() == b"of another run"


def test_scenes_are_made_apart_at_the_same_time(table, tmp_path, capsys, monkeypatch):
    rows = json.loads(table.read_text())
    table.write_text(json.dumps([*rows, rows[0] | {"scene": "sc2"}, rows[0] | {"scene": "sc3", "head": ""}]))
    said = "import sys; print(*sys.argv[1:]); print('duet: error: x', file=sys.stderr); sys.exit(1)"
    monkeypatch.setattr(cast_apart, "_command", lambda options: [sys.executable, "-c", said])
    asked = ("bake", table, "--into", tmp_path / "out", "--jobs", 2)
    assert run(*asked) == 1
    told = capsys.readouterr()
    assert sorted(line.partition(" --scene ")[2] for line in told.out.splitlines()) == [
        f"{name} --jobs 1 --shard 1/1" for name in ("sc1", "sc2")
    ]
    assert told.err.count("duet: error: x") == 2
    assert run(*asked, "--scene", "sc1", "--dry-run") == 0
    assert states(capsys) == ["to do"] * 3
    assert run(*asked, "--scene", "sc9") == 2
    assert run(*asked, "--shard", "2/2", "--dry-run") == 0
    assert states(capsys) == ["to do"]
    for extra in (["--sheet", "x.html"], ["--start-frame", 5], ["--scheduler", "local"]):
        assert run(*asked, *extra) == 2
    assert f"and no {extra[0]}" in capsys.readouterr().err


def test_a_table_of_json_says_what_it_cannot_read(tmp_path):
    table = tmp_path / "scene.json"
    for text in ("[1]", "{}", "nothing", '[{"head": "Ada", "audio": {"a": 1}}]', '[{"head": "Ada", "start": 1}]'):
        table.write_text(text)
        assert run("bake", table, "--into", tmp_path / "x.blend") == 2
    table.write_text('[{"head": "Ada", "audio": "a.wav", "seed": 7, "emotion": null}, {"head": "", "audio": "b.wav"}]')
    rows, failed = read_cast(table, alive())
    assert [(row.head, row.audio, row.performance.seed) for row in rows] == [("Ada", tmp_path / "a.wav", 7)]
    assert "row 2: no head is given" in failed[0][1].message
