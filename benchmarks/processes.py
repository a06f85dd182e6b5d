"""Measures in processes of their own, which answer with a line of JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ..inference.client.client import worker_command
from . import report
from .report import ROOT


def engine(root: Path, name: str, device: str, samples: Path, seconds: float) -> dict[str, Any]:
    """`engine_run`, with the environment of a worker, from the root's own code; `cold` is from starting the process."""
    _, env = worker_command(root, engine=name, device=device)
    script = str(ROOT / "benchmarks" / "engine_run.py")
    command = [sys.executable, "-s", script, str(root), name, device, str(samples), str(seconds)]
    before, began = report.load(), time.perf_counter()
    found = answer(command, env)
    whole = time.perf_counter() - began
    runs = found["warm"] * (3 if seconds < 300 else 0)
    return found | {"cold": whole - runs, "load": before, "seconds": seconds}


def answer(command: list[str], env: dict[str, str]) -> dict[str, Any]:
    """What a command prints as JSON; raises SystemExit with its errors where it fails."""
    given = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    done = subprocess.run(command, env=env, check=False, **given)  # type: ignore[call-overload]
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    return found
