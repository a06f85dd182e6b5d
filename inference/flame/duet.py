"""The Duet head as a model in FLAME's layout: the head's own arrays, and what weights/flame_head.safetensors adds.

Neutral, identity, faces and skin weights are the head's. So are the expressions: the file mixes them from what the
head's shapes are, and become where the jaw turns under them (`fields`). It holds the pose correctives and the weights
of the vertices that each joint is the mean of, for the vertices that have any.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..checkpoints import Checkpoint
from ..head.canonical import Head, load_head
from ..stamps import BUILT_ON, load_weights
from .model import JAW, JOINTS, LEFT_EYE, PARENTS, RIGHT_EYE, TO_BLENDER, FlameModel

DEFAULT_PATH = Path(__file__).resolve().parents[2] / "weights" / "flame_head.safetensors"
TURNING = {joint: f"correctives.{JOINTS[joint]}" for joint in (JAW, LEFT_EYE, RIGHT_EYE)}  # joint -> its array
_REGRESSOR = ("regressor.joints", "regressor.vertices")  # where its weights belong


@cache
def duet_flame() -> FlameModel:
    """The shipped model; raises WeightsError where a file is unusable or was not built on the head beside it."""
    return flame_of(load_head(), load_weights(DEFAULT_PATH, BUILT_ON["flame_head"]))


def flame_of(head: Head, learned: Checkpoint) -> FlameModel:
    """A head and what was learned on it, put together: N identity components as the head has them, M expressions."""
    moved = {f"{name}.vertices" for name in TURNING.values()}
    learned.require({"expressions", *TURNING.values(), *moved, "regressor", *_REGRESSOR})
    count = len(head.vertices)
    correctives = np.zeros((len(JOINTS) - 1, 9, count, 3), np.float32)
    for joint, name in TURNING.items():
        correctives[joint - 1][:, learned.array(f"{name}.vertices")] = learned.array(name)
    correctives = correctives.reshape(-1, count, 3)
    regressor = np.zeros((len(JOINTS), count), np.float32)
    regressor[tuple(learned.array(name) for name in _REGRESSOR)] = learned.array("regressor")
    identity = head.identity @ TO_BLENDER.astype(np.float32)
    parts = fields(head, correctives)
    expressions = learned.array("expressions").astype(np.float32) @ parts.reshape(len(parts), -1)
    directions = np.concatenate([identity, expressions.reshape(-1, count, 3)])
    return FlameModel(
        v_template=head.vertices @ TO_BLENDER.astype(np.float32),
        faces=head.triangles,
        shapedirs=np.ascontiguousarray(np.moveaxis(directions, 0, 2)),
        posedirs=np.ascontiguousarray(np.moveaxis(correctives, 0, 2)),
        regressor=regressor,
        weights=head.skin_weights,
        parents=PARENTS,
        identity_count=len(identity),
    )


def fields(head: Head, correctives: Floats) -> Floats:
    """(F, V, 3) in FLAME's axes: displacements that a face is mixed of, when its joints' rotations are taken off.

    A shape s that moves with the jaw becomes s - w t Ks + (w - 1/2) w t^2 KKs + ..., for the jaw's turn t about x,
    Kv = x cross v, and the vertex's weight w; the jaw's own turn leaves the same terms of the neutral about its joint.
    `correctives` (36, V, 3) are the pose correctives, which were taken off as well.
    """
    shapes = np.concatenate([head.arkit, head.extra]) @ TO_BLENDER.astype(np.float32)
    about_jaw = (head.vertices - head.joints[JAW]) @ TO_BLENDER.astype(np.float32)
    weight = head.skin_weights[:, JAW, None]
    first = weight * _across(np.concatenate([shapes, about_jaw[None]]))
    second = (weight - 0.5) * _across(first)
    used = [9 * (joint - 1) + row for joint in TURNING for row in range(9)]
    return np.concatenate([shapes, first, second, correctives[used]]).astype(np.float32)


def _across(vectors: Floats) -> Floats:
    """x cross each of vectors (..., 3)."""
    return np.stack([np.zeros_like(vectors[..., 0]), -vectors[..., 2], vectors[..., 1]], axis=-1)
