"""A process of `--jobs`: jobs come in as lines of JSON on stdin, their results go out as lines on stdout.

It ends when its stdin closes. Lines of the protocol begin with PREFIX, for Blender prints to stdout as it starts.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from ...inference.errors import DuetError
from .jobs import Job
from .runner import Made, Runner

COMMAND = "serve"
PREFIX = "\x1eduet "


def main(argv: Sequence[str]) -> int:
    """Serve jobs; `argv` are the engine and the device. An interrupt ends it at any time, without a word."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # Blender has its own
        _serve(argv)
    except KeyboardInterrupt:
        return 130
    return 0


def _serve(argv: Sequence[str]) -> None:
    sink = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what anyone else prints
    runner = Runner(*argv)
    try:
        _send(sink, {"ready": True})
        for line in sys.stdin:
            _send(sink, answer_of(runner.outcome(Job.from_json(json.loads(line))).result))
    except BrokenPipeError:  # whoever asked is gone, and so is the use of an answer
        os.dup2(os.open(os.devnull, os.O_WRONLY), sink.fileno())
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one does not keep it from ending
        runner.close()


def answer_of(result: Made | DuetError) -> dict[str, Any]:
    """What the protocol says of a job's end."""
    if not isinstance(result, DuetError):
        return {"made": vars(result)}
    return {"error": {"kind": result.kind, "message": result.message, "remedy": result.remedy}}


def _send(sink: Any, data: dict[str, Any]) -> None:
    sink.write(f"{PREFIX}{json.dumps(data)}\n")
    sink.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
