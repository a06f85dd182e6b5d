"""A Duet head's playback on a FLAME head: keyed expression keys and bones, and pose correctives that follow them."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix

from ...inference.arrays import Floats
from ...inference.errors import HeadError
from ...inference.flame.fit import FlameFit, FlameMotion, add_turns
from ...inference.flame.model import JAW, JOINTS, LEFT_EYE, NECK, RIGHT_EYE, TO_BLENDER, FlameModel, rotation_matrices
from ...inference.head.residual import Residual
from ...inference.steps import Steps
from ..blender import actions, drivers, layers, shape_keys, stage, states
from ..blender.rollback import all_or_nothing
from ..checks import obstacles, verify
from . import playback, sampler
from .flame_heads import FlameHead, flame_head
from .playback import Playback

_MOVED = (NECK, JAW, LEFT_EYE, RIGHT_EYE)
_ALIGNED = 1e-3  # how far a bone's rest axes may be from FLAME's for its angles to drive the correctives
_TURNS = 0.02  # radians that a bone is meant to turn, or it is not looked for
_SEEN = 0.5  # of the way that it is meant to turn
_LEAST = 1e-6  # metres that a corrective moves, or nothing drives it
# R - I of an Euler rotation x, y, z in Blender's order "XYZ", R = Rz Ry Rx, row by row.
_ELEMENTS = (
    "cos(y)*cos(z)-1",
    "cos(z)*sin(x)*sin(y)-cos(x)*sin(z)",
    "cos(x)*cos(z)*sin(y)+sin(x)*sin(z)",
    "cos(y)*sin(z)",
    "cos(x)*cos(z)+sin(x)*sin(y)*sin(z)-1",
    "cos(x)*sin(y)*sin(z)-cos(z)*sin(x)",
    "-sin(y)",
    "cos(y)*sin(x)",
    "cos(x)*cos(y)-1",
)


@dataclass(frozen=True, eq=False)
class Applied:
    """What came of it: the coefficients, how near the face is, and notes for the user."""

    motion: FlameMotion
    residual: Residual
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join([f"{len(self.motion.expression)} frames on FLAME: {self.residual}.", *self.notes])


def motion_steps(played: Playback, flame: FlameHead) -> Steps[tuple[FlameMotion, Residual]]:
    """What is played as coefficients of a FLAME head; raises HeadError where the head is not bound."""
    basis = playback.basis_on(flame.obj, played)
    if basis is None:
        raise HeadError(
            f"'{flame.obj.name}' has other vertices than the Duet head, and is not bound to it.",
            "Bind it first, so that Duet knows where its lips and lids are.",
        )
    blocks = flame.obj.data.shape_keys.key_blocks
    identity = np.array([blocks[name].value for name in flame.keys["Shape"]], np.float32)
    in_flame = np.asarray(basis @ (flame.axes / flame.scale), np.float32)
    return (yield from _fit(FlameFit(flame.model, identity), played, in_flame))


def motion_on_model_steps(played: Playback, model: FlameModel) -> Steps[tuple[FlameMotion, Residual]]:
    """What is played as coefficients of a model of the Duet head's own vertices; raises HeadError for another."""
    count, due = played.basis.shape[1], len(model.v_template)
    if count != due:
        raise HeadError(
            f"The model has {due} vertices, the Duet head {count}.",
            "Leave FLAME Model empty, or choose a FLAME head that is bound as the target.",
        )
    basis = np.asarray(played.basis @ TO_BLENDER, np.float32)
    return (yield from _fit(FlameFit(model), played, basis))


def _fit(fit: FlameFit, played: Playback, basis: Floats) -> Steps[tuple[FlameMotion, Residual]]:
    motion, residual = yield from fit.steps(played.weights, basis, played.fps)
    add_turns(motion.pose, played.turns)
    return motion, residual


def apply_steps(
    scene: bpy.types.Scene, playing: Steps[Playback], target: bpy.types.Object | None, lift: bool = True
) -> Steps[Applied]:
    """Key the FLAME head's expression keys and bones with what a Duet head plays, in steps; raises HeadError.

    Pose correctives follow the bones by drivers, or are keyed where the bones do not rest in FLAME's axes. The target
    is changed at the end only, all of it or nothing. `lift` takes out of the way what would hide the face
    (`obstacles`); else that is an error.
    """
    flame = flame_head(playback.require_target(target))
    states.require_here(scene, flame.obj)
    obstacles.require_undriven(flame.obj, flame.keys["Exp"])
    played = yield from playing
    motion, residual = yield from motion_steps(played, flame)
    key, spoken = flame.obj.data.shape_keys, [*flame.keys["Exp"], *flame.keys["Pose"]]
    with all_or_nothing(scene, flame.obj, [flame.rig]):
        notes = obstacles.clear(flame.obj, spoken, lift, [key, flame.rig])
        notes += layers.make_way(scene, [flame.obj], [key, flame.rig], True)
        notes += playback.silence(flame.obj, played, flame.keys["Exp"])
        action = actions.new_action(f"{played.name} on {flame.obj.name}")
        bag = playback.play(key, action)
        playback.write_values(bag, key, flame.keys["Exp"], played.frames, motion.expression)
        bones = playback.play(flame.rig, action)
        for joint in _MOVED:
            _key_bone(bones, flame, joint, played, motion.pose[:, joint])
        _correct(bag, flame, played, motion.pose)
        playback.keep_residual(flame.obj, residual)
        verify.require_shown(scene, flame.obj, flame.keys["Exp"], played.frames, motion.expression)
        _require_turned(scene, flame, played, motion.pose)
    unseen = obstacles.hidden(flame.obj, bpy.context.view_layer)
    return Applied(motion, residual, (*notes, *([unseen] if unseen else [])))


def _require_turned(scene: bpy.types.Scene, flame: FlameHead, played: Playback, pose: Floats) -> None:
    """Raise HeadError where a bone does not turn as it is keyed: FLAME opens the mouth by its jaw."""
    with stage.staged(scene, [flame.obj, flame.rig]) as apart:
        for joint in _MOVED:
            far = int(np.argmax(np.linalg.norm(pose[:, joint] - pose[0, joint], axis=1)))
            due = _between(*rotation_matrices(pose[[0, far], joint].astype(np.float64)))
            found = _between(*(_turned_at(apart, flame, joint, float(played.frames[row])) for row in (0, far)))
            if due > _TURNS and found < _SEEN * due:
                message = (
                    f"The bone '{JOINTS[joint]}' of '{flame.rig.name}' turns {np.degrees(found):.1f} degrees, where "
                )
                message += f"{np.degrees(due):.1f} were meant, until frame {played.frames[far]:g}."
                raise HeadError(message, "See its constraints, and whether the armature is in Rest Position.")


def _turned_at(apart: stage.Stage, flame: FlameHead, joint: int, frame: float) -> Floats:
    rig = flame.rig.evaluated_get(apart.at(frame))
    return sampler.turn_of(rig.pose.bones[JOINTS[joint]])


def _between(before: Floats, after: Floats) -> float:
    """The angle between two rotations (3, 3), in radians."""
    return float(np.arccos(np.clip((np.trace(after @ before.T) - 1) / 2, -1, 1)))


def _key_bone(bag: bpy.types.ActionChannelbag, flame: FlameHead, joint: int, played: Playback, vectors: Floats) -> None:
    """Key a bone's Euler angles with FLAME's rotations (T, 3) of its joint."""
    bone = flame.rig.pose.bones[JOINTS[joint]]
    bone.rotation_mode = "XYZ"
    frame = _bone_axes(flame, joint)
    angles, before = np.empty((len(vectors), 3), np.float32), None
    for row, rotation in enumerate(rotation_matrices(vectors.astype(np.float64))):
        matrix = Matrix((frame @ rotation @ frame.T).tolist())
        before = matrix.to_euler("XYZ", before) if before else matrix.to_euler("XYZ")
        angles[row] = before
    path = bone.path_from_id("rotation_euler")
    for index, column in enumerate(angles.T):
        actions.write_curve(bag, path, played.frames, column, index=index)


def _bone_axes(flame: FlameHead, joint: int) -> Floats:
    """(3, 3) from FLAME's axes to those that a bone rests in."""
    place = flame.rig.matrix_world.inverted() @ flame.obj.matrix_world
    to_rig = np.array(place.to_3x3().normalized()) @ flame.axes
    rest = np.array(flame.rig.data.bones[JOINTS[joint]].matrix_local.to_3x3())
    return rest.T @ to_rig


def _correct(bag: bpy.types.ActionChannelbag, flame: FlameHead, played: Playback, pose: Floats) -> None:
    """Let the pose correctives follow: by drivers of their bones' angles, or by keys."""
    key, names = flame.obj.data.shape_keys, flame.keys["Pose"]
    drivers.undrive(key, names)
    features = (rotation_matrices(pose.astype(np.float64))[:, 1:] - np.eye(3)).reshape(len(pose), -1)
    shape_keys.widen_sliders(key, names, np.full(len(names), -2.0), np.full(len(names), 2.0))
    for number, name in enumerate(names[: features.shape[1]]):
        joint = 1 + number // 9
        if np.abs(flame.model.posedirs[:, :, number]).max() < _LEAST:
            continue
        if np.abs(_bone_axes(flame, joint) - np.eye(3)).max() < _ALIGNED:
            actions.remove_curves(bag, [shape_keys.value_path(name)])
            _drive(key.key_blocks[name], flame.rig, JOINTS[joint], _ELEMENTS[number % 9])
        else:
            playback.write_values(bag, key, [name], played.frames, features[:, number : number + 1])


def _drive(block: bpy.types.ShapeKey, rig: bpy.types.Object, bone: str, expression: str) -> None:
    """Drive a key by a bone's local rotation, however that comes about; Blender evaluates the expression itself."""
    curve = block.driver_add("value")
    curve.keyframe_points.clear()  # from 5.2 on, there is a key at 0, which swallows the smallest angles
    driver = curve.driver
    driver.type = "SCRIPTED"
    for axis in "xyz":
        variable = driver.variables.new()
        variable.name, variable.type = axis, "TRANSFORMS"
        source = variable.targets[0]
        source.id, source.bone_target = rig, bone
        source.transform_type, source.transform_space = f"ROT_{axis.upper()}", "LOCAL_SPACE"
        source.rotation_mode = "XYZ"
    driver.expression = expression
