"""One engine on one length of sound, in a process of its own: what it took, as a line of JSON.

Run as a script with an extension's root on the path, as its worker is: so another version is measured in the same run.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

BEGAN = time.perf_counter()
FPS = 30
RUNS = 3
_LONG = 300.0  # seconds of sound from which on one run is enough


def main() -> None:
    """Measure; the arguments are the root, the engine, the device, the samples' file and the seconds."""
    root, engine, device, recording, seconds = Path(sys.argv[1]), *sys.argv[2:5], float(sys.argv[5])
    import numpy as np

    module, request = (importlib.import_module(f"inference.{name}") for name in ("engine.pipeline", "take"))

    pipeline = module.Pipeline(root / "weights", engine, device)
    loaded, before = time.perf_counter() - BEGAN, _peak()
    samples = np.resize(np.load(recording), int(seconds * 16000))
    stages = Stages()
    _watch(module, pipeline, stages)
    runs = []
    for _ in range(1 if seconds >= _LONG else 1 + RUNS):
        stages.spent.clear()
        began, worked = time.perf_counter(), time.process_time()
        take = pipeline.generate(samples, request.GenerateRequest(fps=FPS), lambda *_: None)
        runs.append((time.perf_counter() - began, time.process_time() - worked))
    warm, processor = sorted(runs[1:])[RUNS // 2] if runs[1:] else runs[0]
    last = runs[-1][1]
    rest = "the rest" if engine == "numpy" else "networks and the rest"  # torch's threads are its own
    stages.spent[rest] = last - sum(stages.spent.values())
    shares = {name: taken / last for name, taken in stages.spent.items()}
    numbers = {"loaded": loaded, "first": runs[0][0], "warm": warm, "before": before, "peak": _peak()}
    numbers["processor"] = processor
    curves = sum(array.nbytes for array in take.to_message()[1].values()) / 1e6
    print(json.dumps(numbers | {"samples": samples.nbytes / 1e6, "curves": curves, "shares": shares}))


class Stages:
    """The processor's time of each stage, in whichever threads it runs."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._now = threading.local()

    def timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        """The function, whose time in the thread that calls it is the stage's."""

        def call(*arguments: Any) -> Any:
            self._now.stage, began = stage, time.thread_time()
            try:
                return function(*arguments)
            finally:
                self._now.stage = None
                self._add(stage, began)

        return call

    def shared(self, each: Callable[..., None]) -> Callable[..., None]:
        """A team's `each`, whose other threads work for the stage of the one that calls it."""

        def call(team: Any, tasks: list[Callable[[], None]]) -> None:
            stage, caller = getattr(self._now, "stage", None), threading.get_ident()

            def helped(task: Callable[[], None]) -> None:
                began = time.thread_time()
                task()
                if stage and threading.get_ident() != caller:
                    self._add(stage, began)

            each(team, [partial(helped, task) for task in tasks])

        return call

    def _add(self, stage: str, began: float) -> None:
        self.spent[stage] = self.spent.get(stage, 0.0) + time.thread_time() - began


def _watch(module: Any, pipeline: Any, stages: Stages) -> None:
    """Time the stages where they are called; what a version has not is left out."""
    engine = pipeline._engine
    watched = [(module, "normalised_mel", "mel bands"), (module, "frame_levels", "mel bands")]
    watched += [(getattr(module, "LogMel", None), "normalised", "mel bands"), (module, "LogMel", "mel bands")]
    watched += [(module, "voice_curves", "the voice")]
    watched += [(engine, "encode", "encoder"), (engine, "channels", "speech model")]
    watched += [(pipeline, "in_contact", "lips"), (pipeline, "speech_weights", "lips")]
    for owner, name, stage in watched:
        if hasattr(owner, name):
            setattr(owner, name, stages.timed(getattr(owner, name), stage))
    if team := getattr(engine, "_team", None):
        type(team).each = stages.shared(type(team).each)


def _peak() -> float:
    """MB; Linux's getrusage also knows what started this process, and how large that was."""
    if sys.platform == "linux":
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


if __name__ == "__main__":
    main()
