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
from inference.head.blendshapes import load_blendshapes
from inference.performance.silence import silence_around
from inference.take import EMOTIONS, Take


def make_take(frames, request, model_id="fake", small=False):
    """A second half in which the jaw opens; `small` is for the small head of the tests in Blender."""
    if small:
        return small_take(frames, request)
    shapes, count = load_blendshapes(), len(EMOTIONS)
    speech = np.zeros((frames, len(shapes.speech_names)), np.float32)
    jaw = np.clip(np.linspace(-1, 1, frames), 0, 1)
    speech[:, shapes.speech_names.index("Speech jaw open")] = jaw
    return Take(
        fps=request.fps,
        speech_weights=speech,
        expression_weights=shapes.emotion_weights[:count],
        emotion_opening=shapes.emotion_opening[:count],
        silence=silence_around(jaw > 0, request.fps),
        emotion_curves=np.zeros((frames, count), np.float32),
        arkit=np.zeros((frames, 0), np.float32),
        speech_names=shapes.speech_names,
        expression_names=shapes.expression_names,
        emotions=EMOTIONS,
        arkit_names=(),
        model_id=model_id,
        request=request.to_json(),
    )


def small_take(frames, request):
    ramp = np.linspace(0, 1, frames, dtype=np.float32)
    return Take(
        fps=request.fps,
        speech_weights=np.stack([ramp, 1 - ramp], axis=1),
        expression_weights=np.array([[0, 0, 0], [1, 0.5, 0]], np.float32),
        emotion_opening=np.array([[0, 0], [0.5, 0]], np.float32),
        silence=np.zeros(frames, np.float32),
        emotion_curves=np.zeros((frames, 2), np.float32),
        arkit=np.zeros((frames, 0), np.float32),
        speech_names=("open", "round"),
        expression_names=("smile", "squint", "sneer"),
        emotions=("neutral", "happy"),
        arkit_names=(),
        model_id="fake",
        request=request.to_json(),
    )


class Pipeline:
    def __init__(self, weights, engine="auto", device="auto"):
        if weights.name == "damaged":
            raise WeightsError(f"The weights file {weights} is damaged.", "Install Duet again.")
        print("a stray print while loading")
        self.engine, self.device, self.model_id = "numpy", "cpu", "fake"
        self.small = weights.name == "small"

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
        return make_take(frames, request, small=self.small)


if __name__ == "__main__":
    sys.modules["inference.engine.pipeline"] = types.ModuleType("inference.engine.pipeline")
    sys.modules["inference.engine.pipeline"].Pipeline = Pipeline
    sys.exit(worker.main())
