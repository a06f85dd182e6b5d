"""A production on a Dask cluster: workers that are killed, a line that kills, a file that comes late, and the sheet."""

import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from duet.examples.farm import opencue_lines
from duet.operators.batch import cli, farm, pool, records
from duet.tests.batch_fakes import process_command
from duet.tests.blender_fakes import write_wav

pytestmark = pytest.mark.slow
dask_workers = pytest.importorskip("duet.benchmarks.farm", reason="Dask is not installed").dask_workers

LINES, KILLED = 20, 2
# One line ends the process that makes it, as a Blender that crashes would.
CRASHES = """
import os, time
load = runner._load
def loaded(path):
    if path.stem == "crash":
        os._exit(11)
    time.sleep(0.05)
    return load(path)
runner._load = loaded
"""


@pytest.fixture
def production(tmp_path, monkeypatch):
    """A manifest of LINES recordings of different lengths, of one that kills, and of one that is not there yet."""
    monkeypatch.setattr(pool, "interpreter", lambda: process_command(before=CRASHES))
    monkeypatch.setattr(records, "current_model", lambda: "fake")
    monkeypatch.setattr(farm, "PAUSES", (1.0, 15.0))
    names = [f"line{number:03d}" for number in range(LINES)]
    for number, name in enumerate(names):
        write_wav(tmp_path / f"{name}.wav", 0.5 * np.sin(np.arange(3200 + 160 * number) / 5))
    write_wav(tmp_path / "crash.wav", np.ones(1600))
    (tmp_path / "lines.csv").write_text("\n".join(["audio", *(f"{name}.wav" for name in ("crash", "late", *names))]))
    return tmp_path


def trouble(folder, out, killed, done):
    """While lines are made, kill workers at random, one after another; then let the late file come."""
    rng, due = random.Random(3), [LINES // 6, LINES // 2]
    while not done.wait(0.02):
        made = len(list(out.glob("*.npz"))) if out.exists() else 0
        if len(killed) < KILLED and made >= due[len(killed)] and (workers := dask_workers()):
            victim = rng.choice(workers)
            victim.send_signal(signal.SIGKILL)
            killed.append(victim.pid)
        if made >= due[0] and not (folder / "late.wav").exists():
            write_wav(folder / "late.wav", 0.5 * np.sin(np.arange(3200) / 5))


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_every_line_is_made_once_though_workers_die(production, capsys):
    out, killed, done = production / "out", [], threading.Event()
    watcher = threading.Thread(target=trouble, args=(production, out, killed, done))
    watcher.start()
    sheet = production / "sheet.html"
    command = ["generate", production / "lines.csv", "-o", out, "--scheduler", "local", "--jobs", 4, "--sheet", sheet]
    try:
        code = cli.main([str(argument) for argument in command])
    finally:
        done.set()
        watcher.join()
    said = capsys.readouterr()
    assert len(killed) == KILLED
    assert code == 1
    assert said.out.endswith(f"{LINES + 1} done, 1 failed\n"), said.out + said.err
    assert "Traceback" not in said.err
    (error,) = re.findall("duet: error: .*", said.err)
    assert "crash.wav" in error and "tried 3 times and is set aside" in error
    names = [f"line{number:03d}" for number in range(LINES)]
    printed = [line.split(" -> ")[0] for line in said.out.splitlines()[:-1]]
    assert sorted(printed) == sorted(str(production / f"{name}.wav") for name in ("late", *names)), "each once"
    wait_for_orphans(out)
    assert sorted(path.name for path in out.glob("*")) == [".duet", "late.npz", *(f"{name}.npz" for name in names)]
    for number, name in enumerate(names):
        with np.load(out / f"{name}.npz") as data:
            frames = int((3200 + 160 * number) / 16000 * 30)
            jaw = data["speech_weights"][:, list(data["speech_names"]).index("Speech jaw open")]
            np.testing.assert_array_equal(jaw, np.clip(np.linspace(-1, 1, frames), 0, 1).astype(np.float32))
    check_sheet(sheet)
    assert cli.main([str(argument) for argument in [*command, "--dry-run"]]) == 0
    assert capsys.readouterr().out.endswith(f"1 to do, {LINES + 1} up to date\n")


def wait_for_orphans(out):
    """What belonged to a killed worker ends with it, after the line at hand."""
    end = time.monotonic() + 20
    while list(out.glob(".*.partial")) and time.monotonic() < end:
        time.sleep(0.1)


def check_sheet(path):
    page = path.read_text(encoding="utf-8")
    assert page.count("<figure") == LINES + 2
    assert page.count("data:image/png;base64,iVBOR") == LINES + 1
    with path.with_suffix(".csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["audio"]: row for row in csv.DictReader(file)}
    assert len(rows) == LINES + 2
    assert rows["crash.wav"]["state"] == "failed" and "set aside" in rows["crash.wav"]["note"]
    assert rows["line001.wav"] | {"seconds": ""} == {
        "audio": "line001.wav", "output": "out/line001.npz", "state": "done", "frames": "6", "seconds": "", "note": ""
    }  # fmt: skip


def test_a_cluster_that_is_not_there_is_named(production, capsys, monkeypatch):
    monkeypatch.setattr(farm, "_PATIENCE", 0.5)
    given = ["generate", str(production / "lines.csv"), "-o", str(production / "out")]
    assert cli.main([*given, "--scheduler", "tcp://127.0.0.1:9"]) == 1
    assert "There is no Dask cluster with workers at 'tcp://127.0.0.1:9'" in capsys.readouterr().err


def test_the_recipe_for_opencue_is_a_command_of_duet():
    options = opencue_lines.parser().parse_args(["shots.csv", "out", "--shares", "20"])
    assert opencue_lines.command(options, "#IFRAME#")[-2:] == ["--shard", "#IFRAME#/20"]
    asked = cli._parser().parse_args(opencue_lines.command(options, "3")[1:])
    assert (asked.command, asked.shard) == ("bake", (3, 20))
    assert (asked.audio, asked.output) == ([Path("shots.csv").absolute()], Path("out").absolute()), "elsewhere too"


# Of Flamenco's Manager what its page on job types and its list of commands say, as far as a job type may ask for it.
MANAGER = """
const [file, given] = process.argv.slice(1), tasks = [], kinds = {exec: ["exe", "args"]};
const author = {
    Task: (name, type) => ({name, type, commands: [], addCommand(command) { this.commands.push(command); }}),
    Command: (name, parameters) => {
        for (const key in parameters) if (!kinds[name].includes(key)) throw `${name} knows no ${key}`;
        return {name, parameters};
    },
};
const context = require("vm").createContext({author, job: {name: "job", addTask: task => tasks.push(task)}});
const run = text => require("vm").runInContext(text, context);
run('"use strict";' + require("fs").readFileSync(file, "utf-8"));
const defaults = run("JOB_TYPE").settings.filter(setting => "default" in setting);
const settings = Object.fromEntries(defaults.map(setting => [setting.key, setting.default]));
context.job.settings = {...settings, ...JSON.parse(given)};
run("compileJob(job)");
console.log(JSON.stringify({settings: run("JOB_TYPE").settings, tasks}));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript engine")
def test_the_recipe_for_flamenco_makes_a_task_of_each_share():
    recipe = Path(opencue_lines.__file__).with_name("duet_lines.js")
    given = {"manifest": "shots.csv", "output": "out", "tasks": 7, "options": "--emotion  happy=0.5"}
    command = ["node", "-e", MANAGER, str(recipe), json.dumps(given)]
    made = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)
    assert {setting["type"] for setting in made["settings"]} <= {"string", "int32", "float", "bool"}
    assert len({task["name"] for task in made["tasks"]}) == 7
    commands = [each for task in made["tasks"] for each in task["commands"]]
    assert {(each["name"], each["parameters"]["exe"]) for each in commands} == {("exec", "duet")}
    asked = [cli._parser().parse_args(each["parameters"]["args"]) for each in commands]
    assert [each.shard for each in asked] == [(share, 7) for share in range(1, 8)]
    assert {(each.command, str(each.audio[0]), str(each.output)) for each in asked} == {("bake", "shots.csv", "out")}
    assert all(each.emotion for each in asked)
