"""`duet live`: a process of its own, which reads this one's stdin and writes to its stdout."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ...inference.client.client import worker_command

COMMAND = "live"
_ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """Run it to its end; the exit code is its own. Ctrl-C reaches both."""
    _, env = worker_command(_ROOT)
    command = [sys.executable, "-s", "-m", "inference.live", *arguments]
    with subprocess.Popen(command, env=env) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # it has heard that too, and ends by itself
                continue
