"""Shared by the tests of exports: a head that plays a take from frame 11 on."""

import bpy
import numpy as np
import pytest
from duet.inference.head import recompose
from duet.inference.head.retarget import ArkitSolver
from duet.scene.head import heads
from duet.tests.blender_fakes import (
    apply_take,
    fake_take,
    write_wav,
)
from duet.tests.export_fakes import BASIS, BLENDSHAPES, FRAMES, HEAD, START


@pytest.fixture
def scene(scene, monkeypatch):
    """The empty scene; ARKit's coefficients are of the small head."""
    solver = ArkitSolver(HEAD.arkit, BASIS)
    monkeypatch.setattr(recompose, "_shapes", lambda: (HEAD, BLENDSHAPES, solver))
    return scene


@pytest.fixture
def take():
    return fake_take(frames=FRAMES, emotions={"happy": np.linspace(0, 1, FRAMES), "sad": 0.25})


@pytest.fixture
def head(scene, take, tmp_path):
    """A head that plays the take from frame 11 on."""
    obj = heads.add_head(HEAD, BLENDSHAPES, scene.collection, bpy.context.view_layer)
    apply_take(scene, obj, take, write_wav(tmp_path / "line.wav", np.sin(np.arange(16000) * 0.1)), START)
    scene.frame_start, scene.frame_end = 1, 100
    scene.frame_set(5)
    return obj
