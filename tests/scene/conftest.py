"""Shared by the tests of the scene: an empty one at 24 fps, a small head in it, a recording, and a take on the head."""

import bpy
import numpy as np
import pytest
from duet.inference.steps import finish
from duet.scene import bake
from duet.scene.head import heads
from duet.scene.take import takes
from duet.tests.blender_fakes import fake_blendshapes, fake_head, fake_take, write_wav


@pytest.fixture
def scene(empty_scene, monkeypatch):
    """An empty scene, with Duet enabled; the small head's blendshapes are the shipped ones."""
    monkeypatch.setattr(heads, "shipped_id", lambda: fake_blendshapes().id)
    return empty_scene


@pytest.fixture
def head(scene):
    """The small head, chosen in the sidebar."""
    obj = heads.add_head(fake_head(), fake_blendshapes(), scene.collection, bpy.context.view_layer)
    scene.duet.head = obj
    return obj


@pytest.fixture
def voice(tmp_path):
    """Two seconds of a tone, in a file whose name is not plain."""
    return write_wav(tmp_path / "Zoë läuft.wav", np.sin(np.arange(32000) * 0.1))


@pytest.fixture
def speak(scene, head, voice):
    """speak(take, **settings): a take made as the sidebar makes it; without life unless asked for."""

    def make(take=None, start=1, path=voice, **chosen):
        quiet = dict.fromkeys(("blinks", "eyes", "head_motion", "breaths"), False)
        for name, value in {**quiet, **chosen}.items():
            setattr(scene.duet, name, value)
        take = fake_take() if take is None else take
        finish(bake.apply_steps(scene, head, take, bake.Recording(path, start), scene.duet))
        return takes.active(head)

    return make
