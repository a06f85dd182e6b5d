"""The scenes of a cast at the same time: each is made by a `duet` of its own, which is told its name."""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from .pool import shared_threads

_BAD = "duet: error:"


def run(names: Sequence[str], options: argparse.Namespace) -> int:
    """Make the scenes of these names, `options.jobs` at a time; what they say is passed on; how many rows failed.

    Raises KeyboardInterrupt, with all of them ended.
    """
    running: list[subprocess.Popen[str]] = []
    ended = threading.Event()  # by an interrupt, which is said once

    def made(name: str) -> int:
        own = ["--scene", name, "--jobs", "1", "--shard", "1/1"]
        command = [*_command(options), *options.argv, *own]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
            env=shared_threads(min(options.jobs, len(names))),
        )
        running.append(process)
        said, wrong = process.communicate()
        if ended.is_set():
            return 0
        _pass_on(said, sys.stdout)
        _pass_on(wrong, sys.stderr)
        failed = sum(line.startswith(_BAD) for line in wrong.splitlines())
        return max(failed, int(process.returncode != 0))

    with ThreadPoolExecutor(options.jobs) as threads:
        try:
            return sum(threads.map(made, names))
        except BaseException:
            ended.set()
            threads.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.terminate()
            raise


def _command(options: argparse.Namespace) -> list[str]:
    """What starts `duet`: Blender with the file that it has open where this is one, else this Python."""
    bpy = sys.modules.get("bpy")
    if bpy is not None and bpy.app.binary_path:
        return [bpy.app.binary_path, "-b", *([str(options.opened)] if options.opened else []), "-c", "duet"]
    return [sys.executable, "-P", "-m", f"{__package__}.cli"]


def _pass_on(text: str, to: IO[str]) -> None:
    if text:
        to.write(text)
        to.flush()
