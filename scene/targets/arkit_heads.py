"""Heads with ARKit's shapes: which keys they are, and a Duet head's playback on them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import bpy
import numpy as np

from ...inference.arrays import Floats
from ...inference.errors import HeadError
from ...inference.head import pose_names
from ...inference.head.arkit_names import ENOUGH, Matches, match_keys
from ...inference.head.canonical import ARKIT_NAMES
from ...inference.head.lips import Lips
from ...inference.head.pose_names import Recipe
from ...inference.head.residual import Residual
from ...inference.head.retarget import ArkitSolver
from ...inference.steps import Steps
from ..blender import actions, layers, shape_keys, states
from ..blender.rollback import all_or_nothing
from ..head import heads, ownership
from . import character, playback
from .lips import lips_on
from .playback import Playback

_FEWEST = 3  # keys that are mixes, to speak with
_CORRECTIONS = "duet_arkit"  # custom property of the Key: matches made by hand, as JSON


@dataclass(frozen=True)
class Applied:
    """What came of it: how near the face is, the shapes that were missing, and notes for the user."""

    residual: Residual
    missing: tuple[str, ...]
    on_mesh: bool  # solved on the head's own mesh, for it is bound; else on the Duet head
    notes: tuple[str, ...]

    def __str__(self) -> str:
        where = "on the mesh" if self.on_mesh else "on the Duet head, for the mesh is not bound"
        text = [f"ARKit shapes solved {where}: {self.residual}."]
        if self.missing:
            shown = ", ".join(self.missing[:4]) + ("..." if len(self.missing) > 4 else "")
            text.append(f"{len(self.missing)} missing shapes are made up for by others: {shown}.")
        return " ".join([*text, *self.notes])


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
    """Which keys of a mesh make which ARKit shape; of a bound head its own, and those that binding made for the rest.

    Where the animator has too few of their own to speak with, all keys count alike.
    """
    if obj is None or obj.type != "MESH" or obj.data.shape_keys is None:
        return {}
    names = [block.name for block in obj.data.shape_keys.key_blocks[1:]]
    if heads.is_head(obj):
        made = ownership.made(obj.data.shape_keys)
        own = match_keys([name for name in names if name not in made], corrections_of(obj))
        if len(own) >= ENOUGH:
            rest = {name: (name,) for name in ARKIT_NAMES if name in made and corrections_of(obj).get(name) != ""}
            return {name: own.get(name) or rest[name] for name in ARKIT_NAMES if name in own or name in rest}
    return match_keys(names, corrections_of(obj))


def keys_of(obj: bpy.types.Object) -> Matches:
    """The same for exports and imports: of a Duet head, the keys that have exactly ARKit's names."""
    if heads.is_head(obj):
        return {name: (name,) for name in ARKIT_NAMES if name in obj.data.shape_keys.key_blocks}
    return matches_of(obj)


def is_arkit_head(obj: bpy.types.Object | None) -> bool:
    """Whether a mesh has enough of ARKit's shapes to speak with, or vowels."""
    return len(matches_of(obj)) >= ENOUGH or bool(mixes_of(obj))


def mixes_of(obj: bpy.types.Object | None) -> dict[str, Recipe]:
    """Keys that are mixes of ARKit's shapes by their names, such as MMD's vowels and visemes, where they can speak.

    None on a mesh with enough of ARKit's shapes themselves, nor where no key opens the jaw.
    """
    if obj is None or obj.type != "MESH" or obj.data.shape_keys is None or len(matches_of(obj)) >= ENOUGH:
        return {}
    named = {block.name: pose_names.recognise(block.name) for block in obj.data.shape_keys.key_blocks[1:]}
    faces = {name: recipe for name, recipe in named.items() if recipe}
    faces = {name: faces[name] for name in pose_names.independent(faces)}
    opens = any("jawOpen" in recipe for recipe in faces.values())
    return faces if opens and len(faces) >= _FEWEST else {}


def apply_steps(
    scene: bpy.types.Scene, playing: Steps[Playback], target: bpy.types.Object | None, lift: bool = True
) -> Steps[Applied]:
    """Key the target's ARKit shapes with what a Duet head plays, in steps; raises HeadError.

    Solved on the target's own mesh where that is bound, else on the Duet head with the shapes that the target has.
    Other meshes of the same character (teeth, eyes) that have the same keys follow. The target is changed at the end
    only, all of it or nothing. `lift` takes out of the way what would hide the face (`obstacles`); else that is an
    error.
    """
    target = playback.require_target(target)
    states.require_here(scene, target)
    matches, mixes = matches_of(target), mixes_of(target)
    face = character.face_of(target, {key: (key,) for key in mixes} if mixes else matches)
    count = sum(len(handle.shapes) for handle in face.handles)
    if count < (_FEWEST if mixes else ENOUGH):
        message = f"'{target.name}' has {len(matches)} of ARKit's 52 shapes, too few to speak with."
        remedy = "Match its keys by hand under ARKit Keys, or choose another mesh."
        raise HeadError(character.say_held(face) or message, remedy)
    played = yield from playing
    basis = playback.basis_on(target, played)
    names = [" ".join(handle.shapes) for handle in face.handles]
    if basis is None:
        shapes = _shapes_on_head(face, played, mixes)
        solver = ArkitSolver(shapes, played.basis, names, lips=played.lips)
    else:
        scale = float(np.mean(target.matrix_world.to_scale()[:]))  # metres a unit of the mesh
        solver = ArkitSolver(scale * _shapes_on_mesh(face), scale * basis, names, lips=_lips_of(target, matches))
    values = yield from solver.steps(played.weights)
    notes = yield from _write_steps(scene, face, played, values, lift)
    made = {shape for handle in face.handles for name in handle.shapes for shape in mixes.get(name, (name,))}
    missing = tuple(name for name in ARKIT_NAMES if name not in made)
    residual = solver.residual(played.weights, values)
    playback.keep_residual(target, residual)
    return Applied(residual, missing, basis is not None, tuple(notes))


def _lips_of(target: bpy.types.Object, matches: Matches) -> Lips | None:
    """The lips of a mesh with a jaw."""
    if "jawOpen" not in matches:
        return None
    jaw = shape_keys.deltas_of(target, matches["jawOpen"]).sum(axis=0)
    return lips_on(target, shape_keys.rest_of(target), jaw)


def _shapes_on_head(face: character.Face, played: Playback, mixes: Mapping[str, Recipe]) -> Floats:
    """The handles' ARKit shapes, or mixes of them, on the Duet head that plays (N, V, 3), metres."""
    amounts = np.zeros((len(face.handles), len(ARKIT_NAMES)), np.float32)
    for row, handle in zip(amounts, face.handles, strict=True):
        for name in handle.shapes:
            for shape, amount in mixes.get(name, {name: 1.0}).items():
                row[ARKIT_NAMES.index(shape)] += amount
    return np.tensordot(amounts, played.arkit, 1)


def _shapes_on_mesh(face: character.Face) -> Floats:
    """The handles' keys on the mesh itself (N, V, 3), in its units."""
    return np.stack([shape_keys.deltas_of(face.obj, handle.keys).sum(axis=0) for handle in face.handles])


def _write_steps(
    scene: bpy.types.Scene, face: character.Face, played: Playback, values: Floats, lift: bool
) -> Steps[list[str]]:
    """One action for the meshes of the character; return notes."""
    target, shapes = face.obj, dict[str, Floats]()
    for handle, column in zip(face.handles, values.T, strict=True):
        shapes |= dict.fromkeys(handle.shapes, column)
    others, notes = character.others_of(scene, target, matches_of)
    spoken = [key for handle in face.handles for key in handle.keys]
    keys = [other.obj.data.shape_keys for other in others]
    with all_or_nothing(scene, target, keys), layers.resting_keys(target.data.shape_keys):
        silenced = playback.silence(target, played, spoken)
        action = actions.new_action(f"{played.name} on {target.name}")
        faces = [face, *others]
        notes += yield from character.write_steps(scene, faces, action, played.frames, shapes, lift=lift)
    return [*notes, *silenced]
