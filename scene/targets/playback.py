"""What a Duet head plays, frame by frame, for heads that speak by other means: FLAME's coefficients, ARKit's shapes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.errors import HeadError, WeightsError
from ...inference.head import recompose
from ...inference.head.canonical import ARKIT_NAMES, load_head
from ...inference.head.lips import Lips, lips_of
from ...inference.head.residual import Residual
from ...inference.numeric import fit_similarity
from ...inference.performance.face import FaceCurves
from ...inference.steps import Steps
from ..blender import actions, compat, shape_keys, states, timing
from ..blender.loose import Animated
from ..head import correctives, emotions, feelings, followers, heads, ownership, sliders
from .lips import lips_on
from .sampler import sample_steps

NUMBERED = re.compile(r"(Shape|Exp|Pose)0*([1-9][0-9]*)$")  # keys of FLAME's add-on
ALIKE = 0.02  # of a mesh's size, in the root mean square: within it, two meshes are of the same vertices
_ALMOST = 0.5  # of the blendshapes that move: with fewer of them as keys, a mesh is not bound
_LEAST = 1e-5  # of a key's value: below it, nothing moves
_RESIDUAL = "duet_residual"  # custom property of the target's Key, or of an armature


@dataclass(frozen=True, eq=False)
class Playback:
    """A Duet head over T frames: F-curves, sliders, drivers and layers together."""

    name: str  # what plays
    fps: float
    frames: NDArray[np.intp]  # (T,) of the scene
    names: tuple[str, ...]  # of the K keys that move
    weights: Floats  # (T, K)
    basis: Floats  # (K, V, 3) their deltas on the Duet head, metres
    rest: Floats  # (V, 3) the Duet head without them
    arkit: Floats  # (52, V, 3) its ARKit shapes, in the order of ARKIT_NAMES
    turns: dict[str, Floats]  # bone -> rotations (T, 3, 3) from rest in the parent's frame, Blender's axes
    lips: Lips | None = None  # of the Duet head that plays


def playback_steps(scene: bpy.types.Scene, head: bpy.types.Object | None) -> Steps[Playback]:
    """Play the head's animation and note what its keys and bones do, a frame a step; raises HeadError.

    Also where the head is hidden; the scene stays at its frame.
    """
    head = heads.require_head(head)
    name, first, last = _played(scene, head)
    frames = np.arange(first, last + 1)
    sampled = yield from sample_steps(scene, head, range(first, last + 1), muted=True)
    values = _without_emotion_keys(head, sampled.keys)
    values.pop(head.data.shape_keys.reference_key.name)
    used = tuple(key for key, column in values.items() if _is_source(key) and np.abs(column).max() > _LEAST)
    if not used:
        raise HeadError(f"Nothing moves on '{head.name}'.", "Choose one of its takes, or generate from audio.")
    weights, basis = np.stack([values[key] for key in used], axis=1), shape_keys.deltas_of(head, used)
    arkit, fps, rest = shape_keys.deltas_of(head, ARKIT_NAMES), timing.scene_fps(scene), shape_keys.rest_of(head)
    lips = lips_on(head, rest, arkit[ARKIT_NAMES.index("jawOpen")])
    return Playback(name, fps, frames, used, weights, basis, rest, arkit, sampled.turns, lips)


def _without_emotion_keys(head: bpy.types.Object, keys: dict[str, Floats]) -> dict[str, Floats]:
    """Blendshapes in place of the emotions' keys, for a bound head has those of its own alone."""
    own = list(feelings.stored_on(head).values())
    made = {*emotions.keys_of(own), *emotions.lids_of(head, own)}
    values = {name: column for name, column in keys.items() if name not in made}
    for sums in (*feelings.spread(own, keys), correctives.spread(head.data.shape_keys, own, keys)):
        values |= {name: values[name] + column for name, column in sums.items() if name in values}
    return values


def of_face(face: FaceCurves, name: str, start: int) -> Playback:
    """What a face does from frame `start` on, with no head to play it; raises WeightsError."""
    head, frames = load_head(), start + np.arange(face.frames)
    basis = recompose.deltas_of(face.names)
    still = (basis, head.vertices, head.arkit)
    return Playback(name, face.fps, frames, face.names, face.weights, *still, face.turns, lips_of(head))


def on_duet_head(played: Playback) -> Playback:
    """The same as the shipped Duet head does it, in metres; as it is where it has keys that head has not."""
    try:
        basis = recompose.deltas_of(played.names)
    except WeightsError:
        return played
    head = load_head()
    return replace(played, basis=basis, rest=head.vertices, arkit=head.arkit, lips=lips_of(head))


def _played(scene: bpy.types.Scene, head: bpy.types.Object) -> tuple[str, int, int]:
    """What the head's keys play, and its first and last frame; raises HeadError where that is nothing."""
    key = head.data.shape_keys
    action = actions.action_of(key)
    if action is not None:
        return action.name, *_range_of(action)
    if key.animation_data is None or not key.animation_data.nla_tracks:
        raise HeadError(f"'{head.name}' plays no take.", "Generate from audio first.")
    return f"Duet {head.name}", scene.frame_start, scene.frame_end


def _range_of(action: bpy.types.Action) -> tuple[int, int]:
    """The first and last frame of the action's keys; Silence, which takes key beyond their ends, does not count."""
    bags = [bag for slot in action.slots for bag in actions.bags_in(action, slot)]
    curves = [c for bag in bags for c in bag.fcurves if c.data_path != sliders.SILENCE_PATH and len(c.keyframe_points)]
    ranges = [curve.range()[:] for curve in curves]
    if action.use_frame_range or not ranges:
        return round(action.frame_range[0]), round(action.frame_range[1])
    return round(min(first for first, _ in ranges)), round(max(last for _, last in ranges))


def keep_residual(obj: bpy.types.Object, residual: Residual) -> None:
    """Keep with the target how near it comes to what was applied, for the panel to show."""
    (states.keys_of(obj) or obj)[_RESIDUAL] = str(residual)


def residual_of(obj: bpy.types.Object | None) -> str:
    """How near the target came at the last time, as text; empty where nothing was applied."""
    return str((states.keys_of(obj) or obj).get(_RESIDUAL, "")) if obj is not None else ""


def silence(obj: bpy.types.Object, played: Playback, spoken: Sequence[str]) -> list[str]:
    """Mute a bound head's learned blendshapes, for from now on the keys `spoken` move it; return notes."""
    blocks, made = obj.data.shape_keys.key_blocks, ownership.made(obj.data.shape_keys)
    felt = feelings.stored_on(obj).values()
    moved = (name for name in played.names if name in made)
    own = (*moved, *emotions.keys_of(felt), *emotions.lids_of(obj, felt))
    found = [blocks[name] for name in own if name in blocks and name not in spoken]
    for block in found:
        block.mute = True
    followers.mute(obj, [block.name for block in found], True)
    return [f"{len(found)} keys of Duet's own on '{obj.name}' are muted."] if found else []


def _is_source(name: str) -> bool:
    """Whether a key may be part of what plays: all but FLAME's, which are made from one."""
    return not NUMBERED.fullmatch(name)


def basis_on(target: bpy.types.Object, played: Playback) -> Floats | None:
    """The blendshapes of what plays on another mesh (K, V, 3), in that object's units; None where it is not bound.

    A mesh is bound where it has the Duet head's blendshapes as keys of its own; a mesh of the Duet head's own
    vertices needs no binding, also where it is turned, scaled or somewhat another person's.
    """
    keys = target.data.shape_keys.key_blocks if target.data.shape_keys else ()
    have = [name in keys for name in played.names]
    if len(have) and np.mean(have) >= _ALMOST:
        return shape_keys.deltas_of(target, played.names)
    if len(target.data.vertices) != len(played.rest):
        return None
    place = fit_similarity(played.rest, shape_keys.rest_of(target))
    if place.misses(played.rest, shape_keys.rest_of(target)) >= ALIKE:
        return None
    return np.asarray(place.scale * played.basis @ place.rotation.T)


def require_target(obj: bpy.types.Object | None) -> bpy.types.Object:
    """A mesh that can be animated now; raises HeadError with the reason and a remedy."""
    if obj is None or obj.type != "MESH":
        raise HeadError("No mesh is chosen to apply the take to.", "Choose the head's mesh as the target.")
    states.require_writable(obj)
    return obj


def play(datablock: Animated, action: bpy.types.Action) -> bpy.types.ActionChannelbag:
    """Let a data-block play an action of Duet's in place of what it plays, and return its curves; raises HeadError."""
    states.require_playable(datablock, datablock.name)
    actions.assign(datablock, action)
    return compat.channelbag(action, datablock.animation_data.action_slot)


def write_values(
    bag: bpy.types.ActionChannelbag, key: bpy.types.Key, names: Sequence[str], frames: NDArray[Any], values: Floats
) -> None:
    """Key the named shape keys with `values` (T, N), a key a frame, and let their sliders reach them."""
    if len(values):
        shape_keys.widen_sliders(key, names, values.min(axis=0), values.max(axis=0))
    for name, column in zip(names, np.asarray(values).T, strict=True):
        actions.write_curve(bag, shape_keys.value_path(name), frames, column)
