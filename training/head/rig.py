"""Five joints as FLAME has them, and skin weights folded together from MPFB's default rig."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...inference.head import BONES
from .assembly import Assembly
from .shapes import Context
from .sources import Doubles

_ROOT, _NECK, _JAW, _LEFT_EYE, _RIGHT_EYE = range(len(BONES))
# The neck's three bones share their weight between root and neck, so that the neck bends over its length.
_SHARED = {"neck01": 0.35, "neck02": 0.75, "neck03": 1.0}


def find_joints(context: Context, placed_base: Doubles) -> Doubles:
    """(5, 3) metres. `placed_base` holds the base mesh's 19,158 positions in the head's space."""
    joints = np.zeros((len(BONES), 3))
    joints[_ROOT] = context.neutral[context.assembly.rim].mean(axis=0)
    for number, cube in ((_NECK, "joint-neck"), (_JAW, "joint-mouth")):
        joints[number] = placed_base[np.unique(context.base.groups[cube][0])].mean(axis=0)
    joints[_LEFT_EYE], joints[_RIGHT_EYE] = (ball.centre for ball in context.balls)
    joints[:_LEFT_EYE, 0] = 0.0
    return joints


def skin_weights(assembly: Assembly, bones: dict[str, Any], weights: dict[str, Doubles]) -> Doubles:
    """(V, 5), rows sum to 1. Lips and lids go with the skull's or the jaw's bones they hang on."""
    folded = np.zeros((len(assembly.weight), len(BONES)))
    for bone, values in weights.items():
        here = np.einsum("vk,vk->v", assembly.weight, values[assembly.index])
        if not here.any():
            continue
        share = _SHARED.get(bone, 1.0)
        target = _ancestor(bone, bones)
        folded[:, target] += share * here
        folded[:, _ROOT] += (1 - share) * here
    for part, number in (("left_eye", _LEFT_EYE), ("right_eye", _RIGHT_EYE), ("upper_teeth", _NECK), ("lashes", _NECK)):
        folded[assembly.parts[part]] = np.eye(len(BONES))[number]
    for part in ("lower_teeth", "tongue"):
        folded[assembly.parts[part]] = np.eye(len(BONES))[_JAW]
    skin = folded[assembly.parts["skin"]]
    skin[:, _NECK] += skin[:, _LEFT_EYE] + skin[:, _RIGHT_EYE]
    skin[:, [_LEFT_EYE, _RIGHT_EYE]] = 0.0
    return folded / folded.sum(axis=1, keepdims=True)


def _ancestor(bone: str, bones: dict[str, Any]) -> int:
    """Which of the five joints a bone of MPFB's rig hangs on."""
    while bone:
        if bone == "jaw":
            return _JAW
        if bone in ("head", *_SHARED):
            return _NECK
        if bone.startswith("eye."):
            return _LEFT_EYE if bone.endswith("L") else _RIGHT_EYE
        bone = bones[bone]["parent"]
    return _ROOT
