"""Five joints as FLAME has them, and skin weights for the neck, the jaw and the eyes."""

from __future__ import annotations

import numpy as np

from ...inference.arrays import Doubles
from ...inference.head.canonical import BONES
from ...inference.numeric import smoothstep
from .lids import SIDES, Eyeball
from .mesh import QuadMesh
from .parts import Parts
from .scan import LOWER_TEETH, SKIN, Scan

ROOT, NECK, JAW, LEFT_EYE, RIGHT_EYE = range(len(BONES))
_NECK_JOINT = 0.072  # metres under the eyes: the skull nods about the upper vertebrae
_BEND = (0.165, 0.075)  # metres under the eyes between which the neck's bone takes over from the root's
_THROAT, _CHIN = 0.045, 0.9  # what lies more than so many metres before the neck's joint counts as higher: the chin
_BEFORE_EARS, _JAW_JOINT = [0, 16], np.array([0.004, -0.017])  # landmarks, and metres back and up from them
_STILL = 2e-3  # metres: near its axis the bone's motion is too small to be compared
_SMOOTHED, _STEPS = 12, 64  # sweeps over the jaw's weights; weights are whole 64ths


def jaw_motion(scan: Scan, joint: Doubles) -> Doubles:
    """(N, 3) what the jaw bone's turn about its joint moves each vertex by when jawOpen is 1.

    The turn is the one about x that takes the lower teeth nearest to where the scan has them.
    """
    before = (scan.vertices[LOWER_TEETH] - joint)[:, 1:]
    after = before + scan.shapes["jawOpen"][LOWER_TEETH, 1:]
    crossed, along = (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]).sum(), (before * after).sum()
    angle = np.arctan2(crossed, along)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    away = (scan.vertices - joint)[:, 1:]
    return np.c_[np.zeros(len(away)), away @ turn.T - away]


def find_joints(scan: Scan, vertices: Doubles, balls: dict[str, Eyeball]) -> Doubles:
    """(5, 3) metres: the jaw's lies between the joints before the ears."""
    joints = np.zeros((len(BONES), 3))
    eye = np.mean([balls[side].centre for side in SIDES], axis=0)
    skin = vertices[SKIN]
    rim = skin[skin[:, 2] < skin[:, 2].min() + 0.03]
    joints[ROOT] = [0.0, rim[:, 1].mean(), skin[:, 2].min()]
    level = skin[np.abs(skin[:, 2] - (eye[2] - _NECK_JOINT)) < 0.01]
    joints[NECK] = [0.0, 0.35 * level[:, 1].min() + 0.65 * level[:, 1].max(), eye[2] - _NECK_JOINT]
    joints[JAW, 1:] = vertices[scan.landmarks[_BEFORE_EARS]].mean(axis=0)[1:] + _JAW_JOINT
    joints[LEFT_EYE], joints[RIGHT_EYE] = (balls[side].centre for side in SIDES)
    return joints


def skin_weights(scan: Scan, mesh: QuadMesh, vertices: Doubles, parts: Parts, joints: Doubles) -> Doubles:
    """(V, 5), rows sum to 1: the jaw's is how much of the jaw bone's motion the scan makes at each vertex."""
    here = joints[JAW] - [0.0, 0.0, -scan.vertices[SKIN, 2].min()]  # the scan lies lower than the head
    moved = jaw_motion(scan, here)
    size = (moved**2).sum(axis=1)
    jaw = np.clip((scan.shapes["jawOpen"] * moved).sum(axis=1) / np.maximum(size, _STILL**2), 0.0, 1.0)
    degree = np.maximum(np.asarray(mesh.near.sum(axis=1)).ravel(), 1)
    skin = jaw[SKIN]
    for _ in range(_SMOOTHED):
        skin = 0.5 * skin + 0.5 * (mesh.near @ skin) / degree
    jaw[SKIN] = skin
    below: Doubles = (
        joints[LEFT_EYE, 2] - vertices[:, 2] - _CHIN * np.maximum(joints[NECK, 1] - _THROAT - vertices[:, 1], 0.0)
    )
    neck = 1 - smoothstep(below, _BEND[1], _BEND[0])
    jaw *= neck
    jaw = np.round(parts.carry(jaw[:, None])[:, 0] * _STEPS) / _STEPS
    neck = np.maximum(np.round(parts.carry(neck[:, None])[:, 0] * _STEPS) / _STEPS, jaw)
    weights = np.zeros((len(jaw), len(BONES)))
    weights[:, JAW], weights[:, NECK], weights[:, ROOT] = jaw, neck - jaw, 1 - neck
    fixed = {"left_eye": LEFT_EYE, "right_eye": RIGHT_EYE, "upper_teeth": NECK, "lower_teeth": JAW}
    for part, bone in fixed.items():
        weights[parts.slices[part]] = np.eye(len(BONES))[bone]
    return weights
