"""One engine on one length of sound, in a process of its own: what it took, as a line of JSON.

Run as a script with an extension's root on the path, as its worker is: so another version is measured in the same run.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
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

    samples = np.resize(np.load(recording), int(seconds * 16000))
    pipeline = module.Pipeline(root / "weights", engine, device)
    loaded, before = time.perf_counter() - BEGAN, _peak()
    spent: dict[str, float] = {}
    _watch(module, pipeline, spent)
    runs = []
    for _ in range(1 if seconds >= _LONG else 1 + RUNS):
        spent.clear()
        began, worked = time.perf_counter(), time.process_time()
        take = pipeline.generate(samples, request.GenerateRequest(fps=FPS), lambda *_: None)
        runs.append((time.perf_counter() - began, time.process_time() - worked))
    warm, processor = sorted(runs[1:])[RUNS // 2] if runs[1:] else runs[0]
    last = runs[-1][0]
    spent["the rest"] = last - sum(spent.values())
    shares = {name: taken / last for name, taken in spent.items()}
    numbers = {"loaded": loaded, "first": runs[0][0], "warm": warm, "before": before, "peak": _peak()}
    numbers["processor"] = processor
    curves = sum(array.nbytes for array in take.to_message()[1].values()) / 1e6
    print(json.dumps(numbers | {"samples": samples.nbytes / 1e6, "curves": curves, "shares": shares}))


def _watch(module: Any, pipeline: Any, spent: dict[str, float]) -> None:
    """Time the stages where they are called; what a version has not is left out."""
    engine = pipeline._engine
    together = hasattr(engine, "heard") and not hasattr(engine, "_reach")
    stages = [(module, "normalised_mel", "mel bands"), (module, "frame_levels", "mel bands")]
    stages += [(getattr(module, "LogMel", None), "normalised", "mel bands"), (module, "LogMel", "mel bands")]
    stages += [(module, "voice_curves", "the voice")]
    stages += [(engine, "heard", "networks")] if together else [(engine, "encode", "encoder")]
    stages += [] if together else [(engine, "channels", "speech model")]
    stages += [(pipeline, "in_contact", "lips"), (pipeline, "speech_weights", "lips")]
    for owner, name, stage in stages:
        if hasattr(owner, name):
            setattr(owner, name, _timed(getattr(owner, name), stage, spent))


def _timed(function: Callable[..., Any], stage: str, spent: dict[str, float]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*arguments)
        finally:
            spent[stage] = spent.get(stage, 0.0) + time.perf_counter() - began

    return call


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1 << 20)


if __name__ == "__main__":
    main()
