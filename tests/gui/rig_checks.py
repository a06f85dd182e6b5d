"""What a rig of bones keeps once it speaks, for the scripts of rigs."""

import tempfile
from pathlib import Path

import addon_utils
import bpy
import numpy as np
from helpers import rest

EXACT = 1e-6  # of a matrix


def bones(rig, frame):
    """The matrices (B, 4, 4) of a rig's posed bones in a frame."""
    bpy.context.scene.frame_set(int(frame))
    posed = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    return np.array([np.array(bone.matrix) for bone in posed])


def undone_and_kept(name, frame, still, spoken):
    """Undo takes the keys away, redo brings them back, and a saved file plays them where Duet is not enabled."""
    bpy.ops.ed.undo()
    yield from rest()
    rig = bpy.data.objects[name]
    assert rig.animation_data is None or rig.animation_data.action is None
    assert np.abs(bones(rig, frame) - still).max() < EXACT
    bpy.ops.ed.redo()
    yield from rest()
    assert np.abs(bones(bpy.data.objects[name], frame) - spoken).max() < EXACT

    path = str(Path(tempfile.mkdtemp()) / "spoken.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    addon_utils.disable(next(name for name in bpy.context.preferences.addons.keys() if name.endswith(".duet")))  # noqa: SIM118
    bpy.ops.wm.open_mainfile(filepath=path)
    yield 1.0
    assert not hasattr(bpy.types.Scene, "duet")
    assert np.abs(bones(bpy.data.objects[name], frame) - spoken).max() < EXACT
