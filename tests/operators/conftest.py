"""Shared by the tests of operators: a scene with a worker that needs no weights, a recording, and a head."""

import sys

import bpy
import numpy as np
import pytest
from duet.inference.client.client import worker_command
from duet.inference.head.blendshapes import Blendshapes
from duet.operators import add_head, session
from duet.scene import cast
from duet.scene.head import heads
from duet.tests.blender_fakes import fake_blendshapes, fake_head, write_wav
from duet.tests.places import ROOT

BASES = fake_blendshapes()
BLENDSHAPES = Blendshapes(  # what the fake worker moves
    BASES.speech_basis[:2],
    BASES.expression_basis[:3],
    ("open", "round"),
    ("smile", "squint", "sneer"),
    BASES.emotions,
    BASES.emotion_weights[:, :3],
    BASES.emotion_opening[:, :2],
)


@pytest.fixture
def scene(empty_scene, monkeypatch):
    """An empty scene; the fake worker and the head whose blendshapes it moves are the shipped ones."""
    command = [sys.executable, "-s", str(ROOT / "tests/fake_pipeline.py"), "--weights", "small"]
    monkeypatch.setattr(session.EngineChoice, "command", lambda self: (command, worker_command(ROOT)[1]))
    monkeypatch.setattr(add_head, "load_head", fake_head)
    monkeypatch.setattr(add_head, "load_blendshapes", lambda: BLENDSHAPES)
    monkeypatch.setattr(heads, "shipped_id", lambda: BLENDSHAPES.id)
    monkeypatch.setattr(cast, "load_head", fake_head)
    monkeypatch.setattr(cast, "load_blendshapes", lambda: BLENDSHAPES)
    return empty_scene


@pytest.fixture
def voice(tmp_path):
    return write_wav(tmp_path / "line.wav", np.sin(np.arange(32000) * 0.1))


@pytest.fixture
def ready(scene, voice):
    bpy.ops.duet.add_head()
    scene.duet.audio = str(voice)
    scene.duet.emotion, scene.duet.intensity = "happy", 0.8
    return scene.duet.head
