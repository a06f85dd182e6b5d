"""Shared by the tests of targets: an empty scene, a Duet head that speaks and smiles, a bone rig."""

import bpy
import numpy as np
import pytest
from duet.scene.head import heads
from duet.tests.blender_fakes import apply_take, write_wav
from duet.tests.rig_fakes import posed_rig
from duet.tests.target_fakes import HEAD, SHAPES, spoken


@pytest.fixture
def speaking(scene, tmp_path):
    """A Duet head that plays `spoken` from frame 11 on."""
    obj = heads.add_head(HEAD, SHAPES, scene.collection, bpy.context.view_layer)
    apply_take(scene, obj, spoken(), write_wav(tmp_path / "line.wav", np.sin(np.arange(8000) * 0.1)), 11)
    scene.duet.head = obj
    return obj


@pytest.fixture
def rig(scene):
    return posed_rig(scene)
