"""What a head does, read frame by frame as Blender evaluates it: NLA, drivers and hand animation included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.steps import Steps
from ..blender import stage
from ..blender.loose import has
from ..head import emotions, heads, neck, sliders

_TURNING = ("jaw", "left_eye", "right_eye")  # beside the neck, which may have another name


@dataclass(frozen=True, eq=False)
class Sampled:
    """A mesh over T frames: values (T,) of its shape keys, and of a head's sliders and Silence, by name."""

    frames: int
    keys: dict[str, Floats]
    sliders: dict[str, Floats]
    turns: dict[str, Floats]  # bone -> rotations (T, 3, 3) from rest in the parent's frame, Blender's axes

    def columns(self, names: tuple[str, ...], values: dict[str, Floats] | None = None) -> Floats:
        """The keys, or other values (T,), of these names side by side (T, N); what is missing is 0."""
        values, rest = self.keys if values is None else values, np.zeros(self.frames, np.float32)
        return np.stack([values.get(name, rest) for name in names], axis=1) if names else rest[:, None][:, :0]


def sample_steps(
    scene: bpy.types.Scene, obj: bpy.types.Object, frames: Sequence[int] | NDArray[np.intp], muted: bool = False
) -> Steps[Sampled]:
    """Play the frames and read the mesh, a frame a step, also where it is hidden; the scene stays at its frame.

    Muted keys count as 0, unless `muted` asks for what they would be.
    """
    key = obj.data.shape_keys
    rig: Any = heads.rig_of(obj)  # None where nothing bends the mesh: then no bone turns
    felt = [*map(sliders.slider_name, emotions.on(obj))] if heads.is_head(obj) else []
    names = [*felt, *([sliders.SILENCE] if has(obj, sliders.SILENCE) else [])]
    values = np.zeros((len(frames), len(key.key_blocks)), np.float32)
    curves = np.zeros((len(frames), len(names)), np.float32)
    turning = _turning(rig) if rig else {}
    turns = {name: np.empty((len(frames), 3, 3), np.float32) for name in turning}
    with stage.staged(scene, [obj]) as apart:
        for row, frame in enumerate(frames):
            depsgraph = apart.at(float(frame))
            key.evaluated_get(depsgraph).key_blocks.foreach_get("value", values[row])
            evaluated = obj.evaluated_get(depsgraph)
            curves[row] = [evaluated[name] for name in names]
            for name, (bone, axes) in turning.items():
                turns[name][row] = axes.T @ turn_of(rig.evaluated_get(depsgraph).pose.bones[bone]) @ axes
            yield row / len(frames)
    if not muted:
        values[:, [block.mute for block in key.key_blocks]] = 0.0
    keys = {block.name: values[:, column] for column, block in enumerate(key.key_blocks)}
    return Sampled(len(frames), keys, dict(zip(names, curves.T, strict=True)), turns)


def _turning(rig: bpy.types.Object) -> dict[str, tuple[str, Floats]]:
    """What turns, with its bone and the axes (3, 3) in which it is told: those of the character for its neck."""
    own = neck.bone_of(rig)
    found = {name: (name, np.eye(3, dtype=np.float32)) for name in _TURNING if name in rig.pose.bones}
    return found if own is None else {"neck": (own.name, neck.axes_of(rig, own).astype(np.float32)), **found}


def turn_of(bone: bpy.types.PoseBone) -> Floats:
    """How far a bone is turned from rest (3, 3), in its parent's frame and the armature's axes."""
    rest = np.array(bone.bone.matrix_local.to_3x3())
    own = np.array((bone.matrix if bone.parent is None else _local(bone)).to_3x3())
    turned = own @ rest.T if bone.parent is None else rest @ own @ rest.T
    u, _, vt = np.linalg.svd(turned)  # without the scale
    return (u @ vt).astype(np.float32)


def _local(bone: bpy.types.PoseBone) -> Any:
    """The bone's pose relative to where its parent's pose would carry it."""
    carried = bone.parent.matrix @ bone.parent.bone.matrix_local.inverted() @ bone.bone.matrix_local
    return carried.inverted() @ bone.matrix
