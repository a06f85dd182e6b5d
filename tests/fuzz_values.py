"""A small take and a small binding, and damage to the fields of a message's data and arrays."""

import copy

import numpy as np
from duet.inference.bound import Binding
from duet.inference.take import Take

WRONG = (None, -1, 0, 1e308, float("nan"), "", "text", [], [1], ["a"], {}, {"a": []}, True, 10**30, [[["x"]]])


def take(frames=4):
    """Four frames of two speech blendshapes and two emotions."""
    return Take(
        fps=30.0,
        speech_weights=np.full((frames, 2), 0.5, np.float32),
        expression_weights=np.ones((2, 3), np.float32),
        emotion_opening=np.zeros((2, 2), np.float32),
        emotion_curves=np.ones((frames, 2), np.float32),
        silence=np.zeros(frames, np.float32),
        arkit=np.ones((frames, 2), np.float32),
        speech_names=("open", "round"),
        expression_names=("a", "b", "c"),
        emotions=("neutral", "happy"),
        arkit_names=("jawOpen", "mouthFunnel"),
        model_id="fuzz",
        request={"fps": 30.0, "audio": "a.wav"},
    )


def binding():
    """Two shapes on three vertices."""
    return Binding(
        names=("open", "round"),
        moving=np.arange(3, dtype=np.int32),
        deltas=np.zeros((2, 3, 3), np.float32),
        landmarks=np.zeros((68, 3), np.float32),
        fitted=np.zeros((5, 3), np.float32),
        residual=1.0,
        scale=1.0,
    )


def damaged(data, arrays, rng):
    """The data and arrays with one or two fields of another kind, missing, or of another shape."""
    data, arrays = copy.deepcopy(data), dict(arrays)
    for _ in range(rng.choice((1, 1, 2))):
        if arrays and rng.random() < 0.4:
            name = rng.choice(list(arrays))
            array = arrays.pop(name)
            if rng.random() < 0.8:
                bad = array.astype(np.float64)
                bad[...] = rng.choice((np.nan, np.inf, 1e300))
                choices = (array[:0], array[:1], array.reshape(-1), array[None], bad, (array > 0).astype(np.int8))
                arrays[name] = rng.choice(choices)
        else:
            _damage(data, rng)
    return data, arrays


def _damage(data, rng):
    if not data:
        data["extra"] = 1
        return
    key = rng.choice(list(data))
    if isinstance(data[key], dict) and data[key] and rng.random() < 0.8:
        _damage(data[key], rng)
    elif rng.random() < 0.2:
        del data[key]
    else:
        data[key] = rng.choice(WRONG)
