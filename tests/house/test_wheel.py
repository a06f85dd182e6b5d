"""What pip installs: the wheel alone, far from the clone, runs `duet generate`."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import numpy as np
import pytest
from duet import package
from duet.tests.places import ROOT

pytestmark = pytest.mark.slow

RECORDING = ROOT / "examples" / "recordings" / "sense_and_sensibility_0920.wav"
NOT_SOURCE = shutil.ignore_patterns(".*", "build", "dist", "demo", "*.egg-info", "__pycache__", "tests", "docs")


def run(*command, cwd=None):
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    process = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy: what an earlier build has left behind does not count."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "clone", ignore=NOT_SOURCE)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
    run(sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", folder, folder / "clone")
    (made,) = folder.glob("duet-*.whl")
    return made


def test_the_wheel_holds_what_the_zip_holds(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    due = {f"duet/{path.relative_to(ROOT).as_posix()}" for path in package.contents()}
    assert due <= names
    assert not [name for name in names if "/tests/" in name or "__pycache__" in name]


def test_the_installed_wheel_generates_outside_the_clone(wheel, tmp_path):
    """In a new environment that borrows NumPy and the audio libraries from this one."""
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    run(*pip, "install", "--no-deps", "--no-index", "--quiet", wheel)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])").strip())
    (packages / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"])
    assert Path(run(python, "-c", "import duet; print(duet.__file__)", cwd=tmp_path).strip()).is_relative_to(packages)
    shutil.copy(RECORDING, tmp_path / "line.wav")
    command = python.with_name("duet" + python.suffix)
    run(command, "generate", "line.wav", "-o", "line.npz", "--engine", "numpy", cwd=tmp_path)
    take = np.load(tmp_path / "line.npz")
    assert take["speech_weights"].std(axis=0).max() > 0.01
