"""The makes of heads that play what a Duet head plays: how each is recognised, and how it is keyed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bpy

from ...inference.steps import Steps
from ..blender import actions, states
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


def playing(obj: bpy.types.Object) -> bpy.types.Action | None:
    """The action of Duet's that a head of another make plays: on its keys, what drives them, or its bones; or None."""
    keys = states.keys_of(obj) or obj
    drivers = keys.animation_data.drivers if keys.animation_data else ()
    driving = [target.id for curve in drivers for each in curve.driver.variables for target in each.targets]
    played = [actions.action_of(each) for each in dict.fromkeys([keys, *driving]) if each is not None]
    return next((action for action in played if actions.made_by_duet(action)), None)


def spoken_frames(action: bpy.types.Action) -> tuple[int, int]:
    """The first and the last frame of what Duet has keyed there; what the animator keyed beside it does not count."""
    written = rig_heads.written_in(action)
    curves = [c for c in actions.curves_of(action) if not written or (c.data_path, c.array_index) in written]
    ranges = [curve.range() for curve in curves if len(curve.keyframe_points)] or [action.frame_range]
    return round(min(each[0] for each in ranges)), round(max(each[1] for each in ranges))
