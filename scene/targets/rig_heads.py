"""Characters whose faces are poses of bones: what a Duet head plays as keys on the controls that the poses move."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...inference.arrays import Doubles, Floats
from ...inference.errors import HeadError
from ...inference.head.canonical import ARKIT_NAMES
from ...inference.head.pose_names import Recipe
from ...inference.head.residual import Residual
from ...inference.head.retarget import ArkitSolver
from ...inference.steps import Steps
from ..blender import actions, compat, layers, stage, states
from ..blender.loose import duet_of
from ..blender.rollback import all_or_nothing
from ..checks import obstacles
from ..head import neck
from . import playback, rig_poses
from .playback import Playback

_WRITTEN = "duet_controls"  # custom property of the action: the numbers that Duet has keyed, as JSON
_MOVES = 1e-4  # of a number: a curve that stays within it holds it, and does not move it
_ALIKE = 2e-3  # of the larger of 1 and a number, between what is keyed and what evaluates
_SEEN = 1e-5  # of a bone's matrix: it is moved
_SHOWN = 4  # names in a note

Number = tuple[str, int]  # data path, index


@dataclass(frozen=True)
class Applied:
    """What came of it: how near the face is, the poses that speak, and notes for the user."""

    residual: Residual
    poses: tuple[str, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join([f"{len(self.poses)} poses solved on the Duet head: {self.residual}.", *self.notes])


def apply_steps(
    scene: bpy.types.Scene, playing: Steps[Playback], target: bpy.types.Object | None, lift: bool = True
) -> Steps[Applied]:
    """Key an armature's controls with what a Duet head plays, in steps; raises HeadError.

    The armature is changed at the end only, all of it or nothing. `lift` takes out of the way what would hide
    the face (`obstacles`); else that is an error.
    """
    rig = _require_rig(scene, target)
    faces, poses = rig_poses.spoken_by(rig), rig_poses.poses_of(rig)
    rest = rig_poses.rest_of(poses, faces)
    controls, left = rig_poses.controls_of(rig, [poses[name] for name in faces], rest)
    if len(faces) < rig_poses.ENOUGH or not controls:
        message = f"'{rig.name}' has {len(faces)} poses of the face, too few to speak with."
        raise HeadError(message, "Name its poses (jaw open, lips round, blink left, ...), or choose under Poses.")
    layer = duet_of(scene).existing == "LAYER"
    require_unowned(rig, [(control.path, index) for control in controls for index in control.moved], layer)
    played = playback.on_duet_head((yield from playing))
    names = [" ".join(face) for face in faces.values()]
    solver = ArkitSolver(_shapes(faces, played), played.basis, names, lips=played.lips)
    weights = yield from solver.steps(played.weights)
    curves = [
        ((control.path, index), values)
        for control in controls
        for index, values in control.mixed(weights.astype(np.float64))
    ]
    head_motion, unmoved = _neck_curves(rig, played, {number for number, _ in curves}, layer)
    notes = yield from _write_steps(scene, rig, played, [*curves, *head_motion], layer, lift)
    notes += unmoved
    residual = solver.residual(played.weights, weights)
    playback.keep_residual(rig, residual)
    if left:
        shown = ", ".join(left[:_SHOWN]) + (", ..." if len(left) > _SHOWN else "")
        notes.append(f"{len(left)} properties in the poses are no transforms or custom properties, and stay: {shown}.")
    return Applied(residual, tuple(faces), tuple(notes))


def missing_of(faces: Sequence[Recipe]) -> list[str]:
    """ARKit's shapes that none of these faces has."""
    made = {shape for face in faces for shape in face}
    return [name for name in ARKIT_NAMES if name not in made]


def _require_rig(scene: bpy.types.Scene, rig: bpy.types.Object | None) -> bpy.types.Object:
    if rig is None or rig.type != "ARMATURE":
        raise HeadError("No armature is chosen to apply the take to.", "Choose the character's armature as the target.")
    if rig.mode == "EDIT":
        raise HeadError(f"The armature '{rig.name}' is in Edit Mode, where it stands still.", "Leave Edit Mode.")
    states.require_writable(rig, shared=True, modes=("OBJECT", "POSE"))
    states.require_here(scene, rig)
    if rig.data.pose_position == "REST":
        raise HeadError(f"'{rig.name}' is in Rest Position, where it stands still.", "Click Pose Position under Data.")
    return rig


def _shapes(faces: dict[str, Recipe], played: Playback) -> Floats:
    """What the poses are on the head that plays (P, V, 3)."""
    amounts = np.array([[face.get(name, 0.0) for name in ARKIT_NAMES] for face in faces.values()], np.float32)
    return np.tensordot(amounts, played.arkit, 1)


def _neck_curves(
    rig: bpy.types.Object, played: Playback, taken: set[Number], layer: bool
) -> tuple[list[tuple[Number, Doubles]], list[str]]:
    """What turns the armature's neck, where nothing else does; and a note where something does."""
    bone, turns = neck.bone_of(rig), played.turns.get("neck")
    if bone is None or turns is None or np.abs(turns - np.eye(3)).max(initial=0.0) < _SEEN:
        return [], []
    path, values = neck.turned(rig, bone, turns)
    curves = [((path, index), column) for index, column in enumerate(values.T)]
    numbers = [number for number, _ in curves]
    try:
        require_unowned(rig, numbers, layer)
    except HeadError as error:
        return [], [f"The head does not move: {error.message}"]
    if taken & set(numbers):
        return [], [f"The head does not move: the poses have '{bone.name}' already."]
    return curves, []


def require_unowned(rig: bpy.types.Object, numbers: Sequence[Number], layer: bool) -> None:
    """Raise HeadError where a driver, or a curve of the animator's that moves, has one of these numbers already."""
    wanted, animation = set(numbers), rig.animation_data
    for curve in animation.drivers if animation else ():
        if (curve.data_path, curve.array_index) in wanted:
            message = f"{_said(curve)} of '{rig.name}' has a driver, which overrules what Duet keys."
            raise HeadError(message, "Delete the driver, or let the poses move what drives it.")
    for action, slot, active in _own_actions(rig):
        written = written_in(action)
        for curve in [curve for bag in actions.bags_in(action, slot) for curve in bag.fcurves]:
            number = (curve.data_path, curve.array_index)
            if number in wanted and number not in written and _is_moving(curve) and (layer or not active):
                message = f"Your action '{action.name}' moves {_said(curve)} of '{rig.name}', which the poses move too."
                remedy = "Delete these keys, mute its track, or take the control out of the poses."
                raise HeadError(message, remedy + (" Set Aside under Options keeps it for later." if active else ""))


def _own_actions(rig: bpy.types.Object) -> Iterator[tuple[bpy.types.Action, bpy.types.ActionSlot | None, bool]]:
    """What plays on the armature, with whether it is the active action; no takes of Duet's in tracks."""
    animation = rig.animation_data
    if animation is None:
        return
    if animation.action is not None:
        yield animation.action, animation.action_slot, True
    for track in animation.nla_tracks:
        for strip in track.strips:
            if strip.action and not (track.mute or strip.mute or actions.made_by_duet(strip.action)):
                yield strip.action, strip.action_slot, False


def _is_moving(curve: bpy.types.FCurve) -> bool:
    values = actions.keys_of(curve)[:, 1]
    return bool(np.ptp(values) > _MOVES if len(values) else False) or any(not each.mute for each in curve.modifiers)


def _said(curve: bpy.types.FCurve) -> str:
    return f"{curve.data_path}[{curve.array_index}]"


def written_in(action: bpy.types.Action | None) -> set[Number]:
    """The numbers that Duet has keyed in an action of its own."""
    stored = json.loads(str(action.get(_WRITTEN, "[]"))) if action is not None else []
    return {(str(path), int(index)) for path, index in stored}


def _write_steps(
    scene: bpy.types.Scene,
    rig: bpy.types.Object,
    played: Playback,
    curves: Sequence[tuple[Number, Doubles]],
    layer: bool,
    lift: bool,
) -> Steps[list[str]]:
    """Key the numbers in an action that the armature plays from then on, a control a step; return notes."""
    numbers = [number for number, _ in curves]
    with all_or_nothing(scene, rig), _put_back(rig, numbers):
        notes = obstacles.clear_playing(rig, lift)
        notes += layers.make_way(scene, [rig], [rig], layer)
        action = _new_action(rig, f"{played.name} on {rig.name}")
        actions.assign(rig, action)
        bag = compat.channelbag(action, rig.animation_data.action_slot)
        for row, ((path, index), values) in enumerate(curves):
            actions.write_curve(bag, path, played.frames, values, index=index)
            _group(bag, path, index)
            yield row / len(curves)
        action[_WRITTEN] = json.dumps(numbers)
        notes += _require_shown(scene, rig, played, curves)
    return notes


def _new_action(rig: bpy.types.Object, name: str) -> bpy.types.Action:
    """An action that holds what the animator has keyed beside Duet's own keys in the one that plays."""
    earlier = actions.action_of(rig)
    if earlier is None:
        return actions.new_action(name)
    action = earlier.copy()
    action.name, action.use_fake_user = name, True
    written = written_in(earlier)
    for bag in actions.bags_in(action, actions.slot_for(action, rig.id_type)):
        for curve in [curve for curve in bag.fcurves if (curve.data_path, curve.array_index) in written]:
            bag.fcurves.remove(curve)
    return action


def _group(bag: bpy.types.ActionChannelbag, path: str, index: int) -> None:
    """Show the curve under its bone's name, as Blender does with keys made by hand."""
    name = path.split('"')[1] if path.startswith("pose.bones[") else "Object"
    bag.fcurves.find(path, index=index).group = bag.groups.get(name) or bag.groups.new(name)


@contextmanager
def _put_back(rig: bpy.types.Object, numbers: Sequence[Number]) -> Iterator[None]:
    """Put the numbers back to what they were where the block raises."""
    with ExitStack() as undo:
        for path in dict.fromkeys(path for path, _ in numbers):
            value: Any = rig.path_resolve(path)
            undo.callback(_set, rig, path, value if isinstance(value, (bool, int, float)) else tuple(value))
        yield
        undo.pop_all()


def _set(rig: bpy.types.Object, path: str, value: object) -> None:
    place, _, name = path.rpartition('["') if path.endswith('"]') else path.rpartition(".")
    owner: Any = rig.path_resolve(place) if place else rig
    if path.endswith('"]'):
        owner[name[:-2]] = value
    else:
        setattr(owner, name, value)


def _require_shown(
    scene: bpy.types.Scene, rig: bpy.types.Object, played: Playback, curves: Sequence[tuple[Number, Doubles]]
) -> list[str]:
    """Raise HeadError where the controls are not where they are keyed, or none moves; return notes on those still."""
    values = np.stack([column for _, column in curves], axis=1)
    far = int(np.argmax(np.linalg.norm(values - values.mean(axis=0), axis=1)))
    other = int(np.argmax(np.linalg.norm(values - values[far], axis=1)))
    rows = [0, len(values) - 1, far, other]
    frames = [float(played.frames[row]) for row in rows]
    whole = [isinstance(rig.path_resolve(path), (bool, int)) for (path, _), _ in curves]
    channels = [(rig, path, -1 if _is_one(rig, path) else index) for (path, index), _ in curves]
    bones = _moved_bones(rig, curves, values[[far, other]])
    with stage.staged(scene, [rig]) as apart:
        found, due = apart.values(channels, frames), values[rows]
        slack = np.where(whole, 0.501, _ALIKE) * np.maximum(1.0, np.abs(due))
        off = np.abs(found - due) > slack
        if off.any():
            row, column = np.argwhere(off)[0]
            (path, index), _ = curves[column]
            raise HeadError(
                f"'{rig.name}' does not show what was written: {path}[{index}] is at {found[row, column]:.3g} instead "
                f"of {due[row, column]:.3g} at frame {frames[row]:g}.",
                "See what else moves it, in the Nonlinear Animation editor and among its drivers.",
            )
        before, after = (_matrices(apart, rig, bones, frame) for frame in frames[2:])
    still = [name for name, a, b in zip(bones, before, after, strict=True) if np.abs(a - b).max() < _SEEN]
    if still and len(still) == len(bones):
        message = f"The controls of '{rig.name}' are keyed, but none moves ('{still[0]}', ...)."
        raise HeadError(message, "See their constraints, and whether the armature is in Rest Position.")
    shown = ", ".join(map(repr, still[:_SHOWN])) + (", ..." if len(still) > _SHOWN else "")
    return [f"Keyed, but held in place by something, such as a constraint: {shown}."] if still else []


def _is_one(rig: bpy.types.Object, path: str) -> bool:
    return isinstance(rig.path_resolve(path), (bool, int, float))


def _moved_bones(
    rig: bpy.types.Object, curves: Sequence[tuple[Number, Doubles]], ends: Doubles
) -> dict[str, bpy.types.PoseBone]:
    """Bones whose place, turn or size is keyed to differ between two frames (2, N)."""
    found: dict[str, bpy.types.PoseBone] = {}
    for ((path, _), _), first, last in zip(curves, *ends, strict=True):
        if path.startswith("pose.bones[") and not path.endswith('"]') and abs(last - first) > 100 * _SEEN:
            bone: Any = rig.path_resolve(path.rpartition(".")[0])
            found[bone.name] = bone
    return found


def _matrices(apart: stage.Stage, rig: bpy.types.Object, bones: dict[str, bpy.types.PoseBone], frame: float) -> Doubles:
    posed = rig.evaluated_get(apart.at(frame)).pose.bones
    return np.array([np.array(posed[name].matrix) for name in bones]).reshape(len(bones), 4, 4)
