"""The Duet head as a model in FLAME's layout: the head's own arrays, and what weights/flame_head.safetensors adds.

The file holds what was learned, for the vertices that it moves: expressions, pose correctives, and the weights of the
vertices that each joint is the mean of. Neutral, identity, faces and skin weights are the head's.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .checkpoints import Checkpoint
from .flame import JAW, JOINTS, LEFT_EYE, RIGHT_EYE, TO_BLENDER, FlameModel, load_flame
from .head import Head, load_head
from .stamps import BUILT_ON, load_weights

DEFAULT_PATH = Path(__file__).resolve().parent.parent / "weights" / "flame_head.safetensors"
_PARENTS = (-1, 0, 1, 1, 1)
_REGRESSOR = ("regressor.joints", "regressor.vertices")  # where its weights belong

Floats = NDArray[np.float32]


@cache
def duet_flame() -> FlameModel:
    """The shipped model; raises WeightsError where a file is unusable or was not built on the head beside it."""
    learned = load_weights(DEFAULT_PATH, BUILT_ON["flame_head"])
    if "v_template" in learned.arrays:  # the layout of the weights before the scanned head
        return load_flame(DEFAULT_PATH)
    return flame_of(load_head(), learned)


def flame_of(head: Head, learned: Checkpoint) -> FlameModel:
    """A head and what was learned on it, put together: N identity components as the head has them, M expressions."""
    turning = {joint: f"correctives.{JOINTS[joint]}" for joint in (JAW, LEFT_EYE, RIGHT_EYE)}
    names = {"expressions", *turning.values()}
    learned.require(names | {f"{name}.vertices" for name in names} | {"regressor", *_REGRESSOR})
    count = len(head.vertices)
    correctives = np.zeros((len(JOINTS) - 1, 9, count, 3), np.float32)
    for joint, name in turning.items():
        correctives[joint - 1] = _whole(learned, name, count)
    regressor = np.zeros((len(JOINTS), count), np.float32)
    regressor[tuple(learned.array(name) for name in _REGRESSOR)] = learned.array("regressor")
    identity = head.identity @ TO_BLENDER.astype(np.float32)
    directions = np.concatenate([identity, _whole(learned, "expressions", count)])
    return FlameModel(
        v_template=head.vertices @ TO_BLENDER.astype(np.float32),
        faces=head.triangles,
        shapedirs=np.ascontiguousarray(np.moveaxis(directions, 0, 2)),
        posedirs=np.ascontiguousarray(np.moveaxis(correctives.reshape(-1, count, 3), 0, 2)),
        regressor=regressor,
        weights=head.skin_weights,
        parents=_PARENTS,
        identity_count=len(identity),
    )


def _whole(learned: Checkpoint, name: str, count: int) -> Floats:
    """(n, V, 3) of directions that are stored for the vertices that move."""
    stored = learned.array(name)
    result = np.zeros((len(stored), count, 3), np.float32)
    result[:, learned.array(f"{name}.vertices")] = stored
    return result
