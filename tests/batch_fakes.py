"""The fake worker (fake_pipeline.py) in the place of the real one: in this process, and in those that tests start."""

import sys

from duet.inference.client.client import worker_command
from duet.operators.batch import cli
from duet.tests.places import ROOT

PROCESS = """
import sys
from duet.operators.batch import cli, pool, runner, server, work
from duet.tests.batch_fakes import fake_command, process_command
runner.worker_command = fake_command
{before}
sys.exit({module}.main(sys.argv[1:]))
"""


def fake_command(root=ROOT, **options):
    """As `worker_command`, of the fake worker with the real one's options."""
    real, environment = worker_command(root, **options)
    return [sys.executable, "-s", str(ROOT / "tests" / "fake_pipeline.py"), *real[4:]], environment


def damaged_command(root=ROOT, **options):
    """As `worker_command`, of a fake worker whose weights are damaged."""
    command, environment = fake_command(root)
    return [*command[:3], "--weights", "damaged"], environment


def process_command(module="server", before=""):
    """The command of a process that runs `main` of a module of the command line with the fake worker.

    `before` is code that is run first.
    """
    return [sys.executable, "-P", "-c", PROCESS.format(module=module, before=before)]


def run(*arguments):
    """The command line in this process -> its exit code."""
    return cli.main([str(argument) for argument in arguments])


def write_manifest(folder, *rows, header="audio,output,head,emotion,fps,style"):
    path = folder / "shots.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return path


def made(folder):
    """The names of the takes in a folder."""
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".npz")


def errors(capsys):
    """The lines of stderr, each of which must be one of Duet's."""
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("duet: ") for line in lines), lines
    return lines
