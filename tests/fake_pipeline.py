"""A worker with a pipeline that obeys the recording's name: for tests of the real worker without weights.

Run as a script by the tests, with the repository root on PYTHONPATH as for the real one.
"""

import ctypes
import os
import sys
import time
import types
from pathlib import Path

import numpy as np

from inference import worker
from inference.audio.checks import check_samples
from inference.errors import WeightsError
from inference.head.canonical import ARKIT_NAMES
from inference.take import Take

SPEECH_NAMES, EMOTIONS = ("open", "round"), ("neutral", "happy")


def make_take(frames, request, model_id="fake", vertices=None):
    ramp = np.linspace(0, 1, frames, dtype=np.float32)
    return Take(
        fps=request.fps,
        speech_weights=np.stack([ramp, 1 - ramp], axis=1),
        expression_weights=np.array([[0, 0, 0], [1, 0.5, 0]], np.float32),
        emotion_opening=np.array([[0, 0], [0.5, 0]], np.float32),
        silence=np.zeros(frames, np.float32),
        emotion_curves=np.full((frames, 2), request.emotions.get("happy", 0), np.float32),
        arkit=np.tile(ramp[:, None], (1, 52)),
        speech_names=SPEECH_NAMES,
        expression_names=("smile", "squint", "sneer"),
        emotions=EMOTIONS,
        arkit_names=ARKIT_NAMES,
        model_id=model_id,
        request=request.to_json(),
        vertices=vertices,
    )


class Pipeline:
    def __init__(self, weights, engine="auto", device="auto"):
        if weights.name == "damaged":
            raise WeightsError(f"The weights file {weights} is damaged.", "Install Duet again.")
        print("a stray print while loading")
        self.engine, self.device, self.model_id = "numpy", "cpu", "fake"

    def generate(self, samples, request, progress):
        samples = check_samples(samples, request.audio)
        print("a stray print")
        os.write(1, b"rubbish on fd 1\n")
        libc = ctypes.CDLL(None)
        libc.puts(b"rubbish from C")
        libc.fflush(None)
        name = Path(request.audio).stem
        if name == "slow":
            for i in range(3000):
                progress(i / 3000, "waiting")
                time.sleep(0.01)
        if name == "broken":
            raise IndexError("seven")
        if name == "killer":
            os._exit(9)
        progress(0.5, "half")
        assert samples.dtype == np.float32
        frames = int(len(samples) / 16000 * request.fps)
        vertices = np.full((frames, 7, 3), samples.mean(), np.float32) if request.vertices else None
        return make_take(frames, request, vertices=vertices)


if __name__ == "__main__":
    sys.modules["inference.engine.pipeline"] = types.ModuleType("inference.engine.pipeline")
    sys.modules["inference.engine.pipeline"].Pipeline = Pipeline
    sys.exit(worker.main())
