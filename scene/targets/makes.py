"""The makes of heads that play what a Duet head plays: how each is recognised, and how it is keyed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bpy

from ...inference.steps import Steps
from ..blender.loose import duet_of
from ..head import heads
from . import arkit_heads, flame_bake, flame_heads, rig_heads, rig_poses

Applied = rig_heads.Applied | flame_bake.Applied | arkit_heads.Applied  # as text, what came of it


@dataclass(frozen=True)
class Make:
    """A make of heads; `wanted` says what to choose where an object is none of it, `stage` what takes long."""

    takes: Callable[[bpy.types.Object | None], bool]
    apply_steps: Callable[..., Steps[Applied]]
    wanted: str
    stage: str


RIG = Make(
    rig_poses.is_rig,
    rig_heads.apply_steps,
    "Choose an armature with poses of the face (jaw open, lips round, ...) as the target.",
    "Solving poses",
)
FLAME = Make(
    flame_heads.is_flame_head,
    flame_bake.apply_steps,
    "Choose a mesh with FLAME's keys (Exp1..) and bones as the target.",
    "Fitting FLAME",
)
ARKIT = Make(
    arkit_heads.is_arkit_head,
    arkit_heads.apply_steps,
    "Choose a mesh with ARKit's shape keys as the target.",
    "Solving ARKit shapes",
)


def make_of(obj: bpy.types.Object) -> Make:
    """The make that a target is taken for: whether it is one, its steps say, with what it lacks."""
    if obj.type == "ARMATURE":
        return RIG
    return FLAME if FLAME.takes(obj) else ARKIT


def is_target(obj: bpy.types.Object | None) -> bool:
    """Whether an object can speak."""
    return obj is not None and make_of(obj).takes(obj)


def is_other_head(obj: bpy.types.Object | None) -> bool:
    """Whether an object can speak, and is no Duet head."""
    return not heads.is_head(obj) and is_target(obj)


def chosen(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The head of another make that is chosen under Head, if it is in the scene; else None."""
    obj = duet_of(scene).head
    return obj if is_other_head(obj) and scene.objects.get(obj.name) == obj else None
