"""Shared by the tests of emotions: an empty scene with a small library as the shipped one, a head, a recording."""

import bpy
import numpy as np
import pytest
from duet.inference.head import library
from duet.scene import enum_items, properties
from duet.scene.blender import timing
from duet.scene.head import emotions, heads
from duet.scene.take import take_curves
from duet.tests.blender_fakes import (
    write_wav,
)
from duet.tests.library_fakes import HEAD, SHAPES


@pytest.fixture
def scene(monkeypatch):
    """An empty scene, with that library as the shipped one."""
    monkeypatch.setattr(emotions, "load_blendshapes", lambda: SHAPES)
    monkeypatch.setattr(library, "shipped", lambda: SHAPES)
    for module in (enum_items, take_curves):
        monkeypatch.setattr(module, "emotion_names", lambda: SHAPES.emotions)
    shipped = list(enum_items.EMOTION_ITEMS)
    enum_items.EMOTION_ITEMS[:] = enum_items.emotion_items()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    properties.register()
    scene = bpy.context.scene
    timing.set_scene_fps(scene, 24)
    yield scene
    properties.unregister()
    enum_items.EMOTION_ITEMS[:] = shipped


@pytest.fixture
def head(scene):
    obj = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    scene.duet.head = obj
    return obj


@pytest.fixture
def voice(tmp_path):
    return write_wav(tmp_path / "line.wav", np.sin(np.arange(64000) * 0.1))
