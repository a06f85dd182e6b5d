"""Linter, formatter and type checker, as `pyproject.toml` configures them."""

import ast
import shutil
import subprocess
import sys

import pytest
from duet.tests.places import ROOT

ROOMS = ("inference", "scene", "operators", "panels", "training", "benchmarks", "examples")


def run(command, cwd):
    process = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_lint_and_format(command):
    run([sys.executable, "-m", "ruff", *command, "--no-cache"], cwd=ROOT)


def test_types():
    """Of a copy in a folder that is called `duet` as the package is, whatever the name of the clone's folder."""
    copy = ROOT / "build" / "types" / "duet"
    shutil.rmtree(copy, ignore_errors=True)
    for path in (ROOT / "__init__.py", *(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))):
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)  # with its time, by which mypy knows what it has seen
    packages = [argument for room in ROOMS for argument in ("-p", f"duet.{room}")]
    config = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    run([sys.executable, "-m", "mypy", *config, *packages], cwd=copy.parent)


def modules():
    """(path, text) of the product's."""
    for path in (file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        yield path, path.read_text(encoding="utf-8")


def test_modules_begin_with_what_they_are():
    assert [path for path, text in modules() if not text.startswith('"""')] == []


def test_files_are_short():
    every = [*modules(), *((path, path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob("*.py"))]
    assert [path for path, text in every if len(text.splitlines()) > 350] == []


def test_functions_are_short_or_say_why_they_are_in_one_piece():
    long = []
    for path, text in modules():
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 40:
                own = lines[node.lineno - 1 : node.end_lineno]
                long += [] if any("# In one piece" in line for line in own) else [(path, node.name, len(own))]
    assert long == []
