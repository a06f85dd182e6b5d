"""Builds weights/flame_head.safetensors, what the Duet head in FLAME's layout has beside the head's own arrays.

`python -m duet.training.head.flame_head`

Identity is the head's own modes. The jaw and the eyes are joints: how far a face opens its jaw is read off its lower
teeth, which nothing else moves. What a rotation leaves of the shapes that it is to make (jawOpen, the gaze) becomes
pose correctives, and what is then left of many random faces becomes, by principal components, the expressions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Numbers
from ...inference.flame.duet import DEFAULT_PATH, TURNING, fields
from ...inference.flame.fit import turns
from ...inference.flame.model import JAW, LEFT_EYE, PARENTS, RIGHT_EYE, TO_BLENDER, rotation_matrices
from ...inference.head.canonical import ARKIT_NAMES, Head, load_head
from ..stamping import begin, save_weights

EXPRESSIONS = 100
_FACES, _SEED = 1200, 20
_RIDGE = 1e-6  # of the features' mean square
_ALIKE = 1e-11  # of the largest: fields that are mixes of others but for that much
_AT_ONCE = 50  # faces
_NEIGHBOURS = 120  # vertices that a joint is the mean of
_STILL = 5e-5  # metres: a vertex that all correctives at 1 together move less is left out of them
# joint -> (its rigid part, the shapes that its rotation makes)
_TURNS: dict[int, tuple[str, tuple[str, ...]]] = {
    JAW: ("lower_teeth", ("jawOpen", "jawLeft", "jawRight")),
    LEFT_EYE: ("left_eye", tuple(f"eyeLook{way}Left" for way in ("Up", "Down", "In", "Out"))),
    RIGHT_EYE: ("right_eye", tuple(f"eyeLook{way}Right" for way in ("Up", "Down", "In", "Out"))),
}


class _Builder:
    """The head in FLAME's axes, and the poses of displaced faces on it."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self.template = head.vertices.astype(np.float64) @ TO_BLENDER
        self.joints = head.joints.astype(np.float64) @ TO_BLENDER
        self.shapes = np.concatenate([head.arkit, head.extra]) @ TO_BLENDER  # (55, V, 3)
        self.names = (*head.arkit_names, *head.extra_names)
        self.weights = _sharp_weights(head)
        self.correctives = np.zeros((9 * (len(PARENTS) - 1), self.template.size))  # (36, 3 V)

    def rotations(self, offsets: Numbers) -> Numbers:
        """(T, 5, 3, 3) of displacements (T, V, 3): each joint's rigid part, turned about the joint."""
        found = np.tile(np.eye(3), (len(offsets), len(PARENTS), 1, 1))
        for joint, (part, _) in _TURNS.items():
            index = self.head.regions[part]
            vectors = turns(self.template[index] - self.joints[joint], offsets[:, index])
            found[:, joint] = rotation_matrices(vectors.astype(np.float64))
        return found

    def unposed(self, offsets: Numbers, rotations: Numbers) -> Numbers:
        """(T, V, 3): displacements with the joints' rotations undone and the pose correctives taken off."""
        linear = np.eye(3) + np.einsum("vj,tjab->tvab", self.weights, rotations - np.eye(3))
        shift = np.einsum("tjab,jb->tja", np.eye(3) - rotations, self.joints)
        moved = self.template + offsets - np.einsum("vj,tja->tva", self.weights, shift)
        rest = np.linalg.solve(linear, moved[..., None])[..., 0] - self.template
        return rest - (_features(rotations) @ self.correctives).reshape(rest.shape)

    def learn_correctives(self) -> None:
        """Fit the correctives of each joint to what its rotation leaves of its shapes, over their whole range."""
        for joint, (_, names) in _TURNS.items():
            chosen = self.shapes[[self.names.index(name) for name in names]]
            offsets = np.concatenate([amount * chosen for amount in np.linspace(0.1, 1.0, 8)])
            rotations = np.tile(np.eye(3), (len(offsets), len(PARENTS), 1, 1))
            rotations[:, joint] = self.rotations(offsets)[:, joint]
            left = self.unposed(offsets, rotations).reshape(len(offsets), -1)
            own = slice(9 * (joint - 1), 9 * joint)
            features = _features(rotations)[:, own]
            normal = features.T @ features
            normal += np.eye(9) * _RIDGE * np.trace(normal) / 9
            self.correctives[own] = np.linalg.solve(normal, features.T @ left)

    def expressions(self) -> tuple[Numbers, float]:
        """(M, F): principal components of random faces as mixes of `fields`, one standard deviation each.

        And the share of the faces' energy that the fields do not hold.
        """
        rng, parts, energy = np.random.default_rng(_SEED), [], 0.0
        faces = np.concatenate([np.eye(len(self.names)), random_faces(rng, len(self.names))])
        basis = fields(self.head, self.correctives.reshape(len(self.correctives), -1, 3).astype(np.float32))
        basis = basis.reshape(len(basis), -1).astype(np.float64)
        for start in range(0, len(faces), _AT_ONCE):
            offsets = np.tensordot(faces[start : start + _AT_ONCE], self.shapes, 1)
            left = self.unposed(offsets, self.rotations(offsets)).reshape(len(offsets), -1)
            parts.append(left @ basis.T)
            energy += float((left**2).sum())
        products, gram = np.concatenate(parts), basis @ basis.T
        values, axes = np.linalg.eigh(gram)
        kept = values > _ALIKE * values[-1]
        root = axes[:, kept] * np.sqrt(values[kept])  # the fields' span, in a frame of unit vectors
        seen = products @ (axes[:, kept] / np.sqrt(values[kept]))
        left_singular, size, _ = np.linalg.svd(seen, full_matrices=False)
        # U^T X has rows of singular value length; divided by sqrt(n) they are one standard deviation each.
        mixed = left_singular[:, :EXPRESSIONS].T @ seen / np.sqrt(len(faces))
        return mixed @ np.linalg.pinv(root), 1.0 - float((size**2).sum()) / energy

    def regressor(self) -> Numbers:
        """(5, V): each joint as a weighted mean of the eye it turns, or of the skin vertices around it."""
        result = np.zeros((len(PARENTS), len(self.template)))
        for joint, place in enumerate(self.joints):
            part = {LEFT_EYE: "left_eye", RIGHT_EYE: "right_eye"}.get(joint)
            index = self.head.regions[part or "skin"]
            if part is None:
                near = np.argsort(np.linalg.norm(self.template[index] - place, axis=1))[:_NEIGHBOURS]
                index = index[near]
            result[joint, index] = affine_weights(self.template[index], place)
        return result


def affine_weights(points: Numbers, place: Numbers) -> Numbers:
    """The most even weights (n,) with sum 1 whose mean of `points` (n, 3) is `place` (3,)."""
    system = np.vstack([points.T, np.ones(len(points))])
    even = np.full(len(points), 1 / len(points))
    return even + np.linalg.lstsq(system, np.append(place, 1) - system @ even, rcond=None)[0]


def random_faces(rng: np.random.Generator, count: int) -> Numbers:
    """Coefficients (T, count) of faces: a few shapes each, the jaw in every second one."""
    faces = rng.beta(1.2, 1.2, (_FACES, count)) * (rng.random((_FACES, count)) < 6 / count)
    faces[::2, ARKIT_NAMES.index("jawOpen")] = rng.beta(1.2, 2.0, len(faces[::2]))
    return faces


def build(path: Path = DEFAULT_PATH) -> None:
    """Write the model's file; see inference/flame/duet.py."""
    stamp = begin("flame_head", _SEED)
    builder = _Builder(load_head())
    builder.learn_correctives()
    (expressions, lost), regressor = builder.expressions(), builder.regressor()
    arrays: dict[str, NDArray[Any]] = {"expressions": expressions.astype(np.float32)}
    for joint, name in TURNING.items():
        dirs = builder.correctives[9 * (joint - 1) : 9 * joint].reshape(9, -1, 3)
        moving = np.flatnonzero(np.sqrt((dirs**2).sum(axis=(0, 2))) > _STILL)
        arrays |= {name: dirs[:, moving].astype(np.float16), f"{name}.vertices": moving.astype(np.int32)}
    joints, vertices = np.nonzero(regressor)
    arrays |= {
        "regressor": regressor[joints, vertices].astype(np.float32),
        "regressor.joints": joints.astype(np.int32),
        "regressor.vertices": vertices.astype(np.int32),
    }
    save_weights(path, arrays, {}, stamp)
    print(f"{path}: {len(expressions)} expressions, which leave {lost:.2%} out; {path.stat().st_size / 1e6:.1f} MB")


def _sharp_weights(head: Head) -> Numbers:
    """The head's skin weights, in float64 and with rows that sum to 1 exactly."""
    weights = head.skin_weights.astype(np.float64)
    return weights / weights.sum(axis=1, keepdims=True)


def _features(rotations: Numbers) -> Numbers:
    """(T, 36): R - I of all joints but the root, row by row."""
    return (rotations[:, 1:] - np.eye(3)).reshape(len(rotations), -1)


if __name__ == "__main__":
    build()
