"""Shared by all tests: Hypothesis without deadlines, a recording, and takes that need no model."""

import wave

import numpy as np
import pytest
from duet.inference.take import GenerateRequest, Take
from duet.tests.places import ROOT
from hypothesis import HealthCheck, settings

settings.register_profile("duet", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("duet")


def pytest_collection_modifyitems(items):
    """Files with slow tests go first: so none of them begins when the other processes have nothing left to do."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def make_take():
    """make_take(frames=10, fps=30.0, vertices=None) -> a Take of random weights, the same ones each time."""

    def make(frames=10, fps=30.0, vertices=None, arkit_names=None):
        rng = np.random.default_rng(7)
        names = arkit_names or tuple(f"shape{i}" for i in range(52))
        return Take(
            fps=fps,
            speech_weights=rng.random((frames, 6), np.float32),
            expression_weights=rng.random((3, 4), np.float32),
            emotion_opening=rng.random((3, 6), np.float32),
            silence=rng.random(frames, np.float32),
            emotion_curves=rng.random((frames, 3), np.float32),
            arkit=rng.random((frames, len(names)), np.float32),
            speech_names=tuple(f"speech{i}" for i in range(6)),
            expression_names=tuple(f"expression{i}" for i in range(4)),
            emotions=("neutral", "happy", "sad"),
            arkit_names=names,
            model_id="0123456789ab",
            request=GenerateRequest(fps=fps, audio="line.wav").to_json(),
            vertices=vertices,
        )

    return make


@pytest.fixture
def empty_scene():
    """An empty scene of Blender's at 24 fps, with Duet enabled."""
    import bpy
    import duet

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    duet.register()
    bpy.context.scene.render.fps = 24
    yield bpy.context.scene
    duet.unregister()


@pytest.fixture(scope="session")
def recording():
    """A real line of speech (public domain): float32 (N,) at 16 kHz."""
    path = ROOT / "examples" / "recordings" / "sense_and_sensibility_0920.wav"
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
