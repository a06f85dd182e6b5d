"""Heads with ARKit's shapes: which keys they are, and a Duet head's performance on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ..inference.arkit_names import ENOUGH, Matches, match_keys
from ..inference.errors import HeadError
from ..inference.head import ARKIT_NAMES, load_head
from ..inference.residual import Residual
from ..inference.retarget import ArkitSolver
from ..inference.take import Floats
from . import actions, heads, targets
from .steps import Steps, finish, in_background
from .targets import Performance

_CORRECTIONS = "duet_arkit"  # custom property of the Key: matches made by hand, as JSON


@dataclass(frozen=True)
class Applied:
    """What came of it: how near the face is, the shapes that were missing, and notes for the user."""

    residual: Residual
    missing: tuple[str, ...]
    on_mesh: bool  # solved on the head's own mesh, for it is bound; else on the Duet head
    notes: tuple[str, ...]


def corrections_of(obj: bpy.types.Object) -> dict[str, str]:
    """The matches made by hand: ARKit name -> key, or "" for none."""
    stored = str(obj.data.shape_keys.get(_CORRECTIONS, "{}")) if obj.data.shape_keys else "{}"
    try:
        found = json.loads(stored)
    except ValueError:
        return {}
    return {str(name): str(key) for name, key in found.items()} if isinstance(found, dict) else {}


def correct(obj: bpy.types.Object, name: str, key: str | None) -> None:
    """Keep with the head that `key` makes an ARKit shape ("": no key does; None: as recognised by name)."""
    table = corrections_of(obj)
    table.pop(name, None)
    if key is not None:
        table[name] = key
    obj.data.shape_keys[_CORRECTIONS] = json.dumps(table, sort_keys=True)


def matches_of(obj: bpy.types.Object | None) -> Matches:
    """Which keys of a mesh make which ARKit shape; of a bound head, its own rather than those that binding made."""
    if obj is None or obj.type != "MESH" or obj.data.shape_keys is None:
        return {}
    names = [block.name for block in obj.data.shape_keys.key_blocks[1:]]
    if heads.is_head(obj):
        own = match_keys([name for name in names if name not in ARKIT_NAMES], corrections_of(obj))
        if len(own) >= ENOUGH:
            return own
    return match_keys(names, corrections_of(obj))


def is_arkit_head(obj: bpy.types.Object | None) -> bool:
    """Whether a mesh has enough of ARKit's shapes to speak with."""
    return len(matches_of(obj)) >= ENOUGH


def apply(scene: bpy.types.Scene, head: bpy.types.Object | None, target: bpy.types.Object | None) -> Applied:
    """Key the target's ARKit shapes with what the Duet head plays; raises HeadError.

    Solved on the target's own mesh where that is bound, else on the Duet head with the shapes that the target has.
    Other meshes of the same character (teeth, eyes) that have the same keys follow.
    """
    return finish(apply_steps(scene, targets.performance_steps(scene, head), target))


def apply_steps(scene: bpy.types.Scene, playing: Steps[Performance], target: bpy.types.Object | None) -> Steps[Applied]:
    """The same in steps, of any performance; the target is changed at the end only."""
    target = targets.require_target(target)
    matches = matches_of(target)
    if len(matches) < ENOUGH:
        message = f"'{target.name}' has {len(matches)} of ARKit's 52 shapes, too few to speak with."
        raise HeadError(message, "Match its keys by hand under ARKit Keys, or choose another mesh.")
    performance = yield from playing
    columns = _columns(matches)
    basis = targets.basis_on(target, performance)
    if basis is None:
        solver = ArkitSolver(_shapes_on_head(columns), performance.basis, list(columns.values()))
    else:
        scale = float(np.mean(target.matrix_world.to_scale()))  # metres a unit of the mesh
        solver = ArkitSolver(scale * _shapes_on_mesh(target, list(columns)), scale * basis, list(columns.values()))
    values = yield from in_background(lambda: solver(performance.weights))
    notes = _write(scene, target, performance, list(columns), values)
    notes += targets.silence(target, performance, [key for keys in columns for key in keys])
    missing = tuple(name for name in ARKIT_NAMES if name not in matches)
    residual = solver.residual(performance.weights, values)
    targets.keep_residual(target, residual)
    return Applied(residual, missing, basis is not None, tuple(notes))


def _columns(matches: Matches) -> dict[tuple[str, ...], str]:
    """The keys that move together, each with the ARKit names that they make; one column of the solve each."""
    result: dict[tuple[str, ...], str] = {}
    for name, keys in matches.items():
        result[keys] = f"{result[keys]} {name}" if keys in result else name
    return result


def _shapes_on_head(columns: dict[tuple[str, ...], str]) -> Floats:
    """The columns' ARKit shapes on the Duet head (N, V, 3), metres."""
    head = load_head()
    index = [[head.arkit_names.index(name) for name in names.split()] for names in columns.values()]
    return np.stack([head.arkit[rows].sum(axis=0) for rows in index])


def _shapes_on_mesh(target: bpy.types.Object, groups: Sequence[tuple[str, ...]]) -> Floats:
    """The columns' keys on the mesh itself (N, V, 3), in its units."""
    return np.stack([targets.deltas_of(target, keys).sum(axis=0) for keys in groups])


def _write(
    scene: bpy.types.Scene,
    target: bpy.types.Object,
    performance: Performance,
    groups: Sequence[tuple[str, ...]],
    values: Floats,
) -> list[str]:
    """One action for the meshes of the character; return notes."""
    action, notes = actions.new_action(f"{performance.name} on {target.name}"), []
    names = [key for keys in groups for key in keys]
    columns = [column for column, keys in enumerate(groups) for _ in keys]
    for obj in (target, *_parts(scene, target)):
        key = obj.data.shape_keys
        own = [position for position, name in enumerate(names) if name in key.key_blocks]
        bag, said = targets.play(key, action)
        notes += said
        chosen = values[:, [columns[position] for position in own]]
        targets.write_values(bag, key, [names[position] for position in own], performance.frames, chosen)
    return notes


def _parts(scene: bpy.types.Scene, target: bpy.types.Object) -> list[bpy.types.Object]:
    """Other meshes under the target's parent with ARKit keys of their own: teeth, eyes, lashes, a beard."""
    if target.parent is None:
        return []
    others = (obj for obj in scene.objects if obj.parent == target.parent and obj != target and obj.type == "MESH")
    return [obj for obj in others if matches_of(obj)]
