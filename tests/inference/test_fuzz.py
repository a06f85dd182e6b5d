"""3,500 generated inputs, most of them damaged: each is read right or ends in one clear error, nothing is changed.

Each kind runs in a process of its own, bounded in memory, and in time for each input: `fuzz_inputs.py` makes them, and
makes a faulty one again from its number.
"""

import json
import subprocess
import sys

import pytest
from duet.tests.places import ROOT

pytestmark = [pytest.mark.blender, pytest.mark.slow]
SCRIPT = ROOT / "tests" / "fuzz_inputs.py"
COUNTS = {"live link": 600, "manifests": 400, "weights": 600, "flame": 700, "messages": 800, "takes": 400}
SEED = 14_000


def check(kind, count, folder):
    command = [sys.executable, str(SCRIPT), kind, str(SEED), str(count), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout.splitlines()[-1])
    shown = "\n\n".join(f"input {number} of '{kind}': {fault}" for number, fault in report["faults"][:3])
    assert not report["faults"], f"{len(report['faults'])} of {count} inputs\n{shown}"
    assert report["right"] + report["errors"] == count
    assert report["right"] > count / 50, "hardly an input is right: the damage hides what follows it"
    assert report["errors"] > count / 50


@pytest.mark.parametrize("kind", COUNTS)
def test_right_or_one_clear_error(kind, tmp_path):
    check(kind, COUNTS[kind], tmp_path)
