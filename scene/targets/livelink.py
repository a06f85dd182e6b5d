"""Live Link Face files on a head: ARKit coefficients become F-curves in an action of their own."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ...inference.arrays import Floats
from ...inference.errors import HeadError
from ...inference.formats.livelink import LiveLinkTake
from ...inference.steps import Steps
from ..blender import actions, layers, states, timing
from ..blender.rollback import all_or_nothing
from . import arkit_heads, character


def apply_steps(
    scene: bpy.types.Scene, obj: bpy.types.Object | None, take: LiveLinkTake, path: Path, start: int, lift: bool = True
) -> Steps[list[str]]:
    """Play the take on the object's ARKit keys from frame `start` on, in a new action; return notes for the user.

    Keys stand where their timecode puts them at the scene's frame rate, on whole frames where the two rates are one.
    The action that the keys played is kept; other keys that it moved go to 0, so that the take is seen alone. Angles
    of head and eyes are left out. Raises HeadError; then, and closed before its end, it leaves the head as it was.
    """
    obj, face, shapes = _target(scene, obj, take)
    key = obj.data.shape_keys
    earlier = actions.action_of(key)
    rate = timing.scene_fps(scene)
    frames = np.array([timing.seconds_to_frame(frame / take.fps, rate, start) for frame in take.frames])
    whole = np.round(frames)
    frames = np.where(np.abs(frames - whole) < 1e-3, whole, frames)
    yield 0.0
    others, still = character.others_of(scene, obj, arkit_heads.keys_of)
    with all_or_nothing(scene, obj, [other.obj.data.shape_keys for other in others]), layers.resting_keys(key):
        action = bpy.data.actions.new(f"Live Link {path.stem}")
        said = yield from character.write_steps(scene, [face, *others], action, frames, shapes, layer=False, lift=lift)
    scene.frame_end = max(scene.frame_end, int(np.ceil(frames[-1])))
    if earlier is not None and actions.made_by_duet(earlier):
        earlier.use_fake_user = True
        said.insert(0, f"The earlier action '{earlier.name}' is kept (fake user).")
    count = sum(len(handle.keys) for handle in face.handles if shapes.keys() & set(handle.shapes))
    notes = [f"'{obj.name}' plays {len(take.frames)} frames at {take.fps:.6g} fps on {count} shape keys."]
    notes += take.notes
    if take.skipped:
        notes.append(f"{take.skipped} rows without a face were left out.")
    return [*notes, *said, *still]


def _target(
    scene: bpy.types.Scene, obj: bpy.types.Object | None, take: LiveLinkTake
) -> tuple[bpy.types.Object, character.Face, dict[str, Floats]]:
    """The object, its face, and the values (T,) of the shapes that both have; raises HeadError."""
    if obj is None or obj.type != "MESH" or obj.data.shape_keys is None:
        name = f"'{obj.name}' is not a mesh with shape keys." if obj else "No head is chosen."
        raise HeadError(name, "Choose a mesh with ARKit's shape keys.")
    states.require_writable(obj)
    states.require_here(scene, obj)
    found = {name.lower(): take.values[:, column] for column, name in enumerate(take.names)}  # whatever their order
    face = character.face_of(obj, arkit_heads.keys_of(obj))
    shapes = {name: found[name.lower()] for handle in face.handles for name in handle.shapes if name.lower() in found}
    if not shapes:
        message = f"'{obj.name}' has no shape key with the name of one of ARKit's 52 shapes."
        remedy = "Choose another mesh, or rename its keys (jawOpen, mouthSmileLeft, ...)."
        raise HeadError(character.say_held(face) or message, remedy)
    return obj, face, shapes
