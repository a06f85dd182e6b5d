"""Shared by the tests of the command line: the fake worker in the real one's place, and recordings."""

import numpy as np
import pytest
from duet.operators.batch import pool, records, runner
from duet.tests import batch_fakes
from duet.tests.blender_fakes import write_wav


@pytest.fixture
def fake_worker(monkeypatch):
    """The fake worker, here and in other processes; the list of the options of its starts here."""
    starts = []

    def command(root, **options):
        starts.append(options)
        return batch_fakes.fake_command(root, **options)

    monkeypatch.setattr(runner, "worker_command", command)
    monkeypatch.setattr(records, "current_model", lambda: "fake")
    monkeypatch.setattr(pool, "interpreter", batch_fakes.process_command)
    return starts


@pytest.fixture
def folder(tmp_path):
    """Half a second each of a.wav to d.wav."""
    for name in "abcd":
        write_wav(tmp_path / f"{name}.wav", 0.5 * np.sin(np.arange(8000) / 5))
    return tmp_path


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Half a second each of a.wav and z.wav in the current folder."""
    for name in "az":
        write_wav(tmp_path / f"{name}.wav", 0.5 * np.sin(np.arange(8000) / 5))
    monkeypatch.chdir(tmp_path)
    return tmp_path
