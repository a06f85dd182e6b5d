"""FLAME: shape, expression and pose blendshapes, joints, and linear blend skinning, in NumPy.

Li, Bolkart, Black, Li and Romero 2017, "Learning a model of facial shape and expression from 4D scans". The model is
the user's own file; duet.py has the Duet head in the same layout. Axes are FLAME's: metres, x to the character's
left, y up, z out of the face. Joints, in order: root, neck, jaw, left_eye, right_eye; rotations are axis-angle vectors
in radians, each in its parent's frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats, Numbers
from ..checkpoints import load_checkpoint
from ..errors import WeightsError
from ..formats.npz import read_npz
from ..plain_text import brief
from .unpickle import load_pickled_arrays

JOINTS = ("root", "neck", "jaw", "left_eye", "right_eye")
ROOT, NECK, JAW, LEFT_EYE, RIGHT_EYE = range(5)
PARENTS = (-1, 0, 1, 1, 1)  # of each joint
IDENTITY_COUNT = 300  # of the 400 columns of a published model; its expressions are the last 100
# Blender's (x, y, z) of a point of FLAME's space: x stays, up is z, and the face looks along -y.
TO_BLENDER = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float64)

_NEEDED = ("v_template", "f", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table")
_REMEDY = "Choose the file of a FLAME model (2017, 2019, 2020 or 2023): .pkl, .npz or .safetensors."


@dataclass(frozen=True, eq=False)
class FlameModel:
    """A head model in FLAME's layout: V vertices, N identity and M expression components, 5 joints."""

    v_template: Numbers  # (V, 3) metres
    faces: NDArray[np.int32]  # (F, 3)
    shapedirs: Numbers  # (V, 3, N + M) metres at a coefficient of 1: identity first, then expressions
    posedirs: Numbers  # (V, 3, 36) metres at an element of 1 of R - I of neck, jaw and eyes, row by row
    regressor: Numbers  # (5, V): joints are its product with the shaped vertices
    weights: Numbers  # (V, 5) of linear blend skinning; rows sum to 1
    parents: tuple[int, ...]  # of each joint; the root's is -1
    identity_count: int  # N
    rest_joints: Numbers | None = None  # (5, 3) where joints stand still whatever the shape, as Blender's bones do

    @property
    def expression_count(self) -> int:
        """M."""
        return self.shapedirs.shape[2] - self.identity_count

    @cached_property
    def expression_dirs(self) -> Numbers:
        """(M, V, 3) metres at a coefficient of 1."""
        return np.ascontiguousarray(np.moveaxis(self.shapedirs[:, :, self.identity_count :], 2, 0))

    @cached_property
    def identity_dirs(self) -> Numbers:
        """(N, V, 3) metres at a coefficient of 1."""
        return np.ascontiguousarray(np.moveaxis(self.shapedirs[:, :, : self.identity_count], 2, 0))

    def shaped(self, identity: Numbers, expression: Numbers) -> Numbers:
        """Vertices (T, V, 3) of identity (T, n <= N) and expression (T, m <= M) coefficients, before posing."""
        parts = ((identity, self.identity_dirs), (expression, self.expression_dirs))
        offsets = [
            values @ dirs[: values.shape[1]].reshape(values.shape[1], self.v_template.size) for values, dirs in parts
        ]
        return self.v_template + (offsets[0] + offsets[1]).reshape(len(identity), -1, 3)

    def joints(self, shaped: Numbers) -> Numbers:
        """Joints (T, 5, 3) of shaped vertices (T, V, 3)."""
        if self.rest_joints is not None:
            return np.broadcast_to(self.rest_joints, (len(shaped), *self.rest_joints.shape))
        return self.regressor @ shaped

    def posed(self, shaped: Numbers, pose: Numbers, translation: Numbers | None = None) -> Numbers:
        """Vertices (T, V, 3) of shaped vertices (T, V, 3), a pose (T, 5, 3) and a translation (T, 3), metres."""
        rotations = rotation_matrices(pose)
        linear, offset = skinning(rotations, self.joints(shaped), self.parents)
        corrected = shaped + self.pose_offsets(rotations)
        blended = np.tensordot(linear, self.weights, axes=(1, 1))  # (T, 3, 3, V)
        moved = np.einsum("tabv,tvb->tva", blended, corrected) + self.weights @ offset
        return moved if translation is None else moved + translation[:, None]

    def pose_offsets(self, rotations: Numbers) -> Numbers:
        """Pose correctives (T, V, 3) metres of joint rotations (T, 5, 3, 3)."""
        feature = (rotations[:, 1:] - np.eye(3, dtype=rotations.dtype)).reshape(len(rotations), -1)
        return (feature @ self.posedirs.reshape(-1, feature.shape[1]).T).reshape(len(rotations), -1, 3)


def rotation_matrices(vectors: Numbers) -> Numbers:
    """Rotations (..., 3, 3) of axis-angle vectors (..., 3), by Rodrigues' formula."""
    angle = np.sqrt((vectors * vectors).sum(axis=-1))[..., None, None]
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    small = angle < 1e-6
    safe = np.where(small, 1.0, angle)
    first = np.where(small, 1.0 - angle**2 / 6, np.sin(safe) / safe)
    second = np.where(small, 0.5 - angle**2 / 24, (1 - np.cos(safe)) / safe**2)
    return (
        np.eye(3, dtype=vectors.dtype)
        + first.astype(vectors.dtype) * cross
        + (second.astype(vectors.dtype) * (cross @ cross))
    )


def skinning(rotations: Numbers, joints: Numbers, parents: tuple[int, ...]) -> tuple[Numbers, Numbers]:
    """Each joint's motion from rest, as a rotation (T, 5, 3, 3) and an offset (T, 5, 3): x -> R x + o.

    Rotations (T, 5, 3, 3) are in the parents' frames, joints (T, 5, 3) at rest; a parent comes before its children.
    """
    world, at = [rotations[:, 0]], [joints[:, 0]]
    for joint, parent in enumerate(parents[1:], start=1):
        bone = joints[:, joint] - joints[:, parent]
        at.append(at[parent] + np.einsum("tab,tb->ta", world[parent], bone))
        world.append(world[parent] @ rotations[:, joint])
    linear = np.stack(world, axis=1)
    return linear, np.stack(at, axis=1) - np.einsum("tjab,tjb->tja", linear, joints)


def load_flame(path: Path) -> FlameModel:
    """Read a model file by its suffix; raises WeightsError naming what is wrong."""
    readers = {".pkl": load_pickled_arrays, ".npz": _load_npz, ".safetensors": _load_safetensors}
    if path.exists() and not path.is_file():
        raise WeightsError(f"'{path}' is no file.", _REMEDY)
    if path.suffix.lower() not in readers:
        raise WeightsError(f"'{path}' is no model file that Duet can read.", _REMEDY)
    arrays = readers[path.suffix.lower()](path)
    missing = [name for name in _NEEDED if name not in arrays]
    if missing:
        raise WeightsError(f"The model file {path} lacks {', '.join(missing)}.", _REMEDY)
    try:
        with np.errstate(all="ignore"):  # what is no number is found below
            return _model(path, arrays)
    except (ValueError, TypeError, IndexError, OverflowError, MemoryError) as error:  # arrays of other kinds of numbers
        raise WeightsError(f"The model file {path} is no FLAME model ({brief(error)}).", _REMEDY) from error


def _load_npz(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of numbers in an .npz; members that are pickled objects are left out unread."""
    try:
        return read_npz(path, (*_NEEDED, "identity_count"))
    except OSError as error:
        raise WeightsError(f"The model file {path} cannot be read ({error}).", _REMEDY) from error
    except Exception as error:  # damaged bytes fail in zipfile, zlib and NumPy in any way
        raise WeightsError(f"The model file {path} is damaged ({brief(error)}).", _REMEDY) from error


def _load_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    checkpoint = load_checkpoint(path)
    count = checkpoint.metadata.get("identity_count")
    return dict(checkpoint.arrays) | ({"identity_count": np.array(count)} if count else {})


def _model(path: Path, arrays: dict[str, NDArray[Any]]) -> FlameModel:
    """The model of a file's arrays; raises WeightsError where they do not fit together."""
    template = np.ascontiguousarray(arrays["v_template"], np.float32)
    count = len(template)
    shapedirs = np.ascontiguousarray(arrays["shapedirs"], np.float32)
    posedirs = np.ascontiguousarray(arrays["posedirs"], np.float32)
    tree = np.asarray(arrays["kintree_table"]).astype(np.int64)
    faces = np.asarray(arrays["f"]).astype(np.int64)
    regressor, weights = (np.ascontiguousarray(arrays[name], np.float32) for name in ("J_regressor", "weights"))
    if posedirs.ndim == 2:  # FLAME_PyTorch's buffer: (36, 3 V)
        posedirs = np.ascontiguousarray(posedirs.T.reshape(-1, 3, posedirs.shape[0]))
    wrong = [
        f"{name} is {got}, not {want}"
        for name, got, want in (
            ("v_template", template.shape, (count, 3)),
            ("shapedirs", shapedirs.shape[:2], (count, 3)),
            ("posedirs", posedirs.shape, (count, 3, 36)),
            ("J_regressor", regressor.shape, (5, count)),
            ("weights", weights.shape, (count, 5)),
            ("kintree_table", tree.shape, (2, 5)),
            ("f", faces.shape[1:], (3,)),
        )
        if got != want
    ]
    wrong = wrong or _wrong_values((template, shapedirs, posedirs, regressor, weights), faces, tree)
    if wrong:
        raise WeightsError(f"The model file {path} is no FLAME model: {'; '.join(wrong)}.", _REMEDY)
    return FlameModel(
        v_template=template,
        faces=faces.astype(np.int32),
        shapedirs=shapedirs,
        posedirs=posedirs,
        regressor=regressor,
        weights=weights,
        parents=(-1, *(int(n) for n in tree[0, 1:])),
        identity_count=_identity_count(arrays, shapedirs.shape[2]),
    )


def _wrong_values(numbers: tuple[Floats, ...], faces: NDArray[np.int64], tree: NDArray[np.int64]) -> list[str]:
    """What is wrong with arrays of the right first shapes; template and shapedirs are the first two numbers."""
    count, shapedirs = len(numbers[0]), numbers[1]
    wrong = []
    if not count:
        wrong.append("it has no vertices")
    if shapedirs.ndim != 3:
        wrong.append(f"shapedirs is {shapedirs.shape}")
    if faces.min(initial=0) < 0 or faces.max(initial=0) >= count:
        wrong.append("f points outside the vertices")
    if not all(np.isfinite(array).all() for array in numbers):
        wrong.append("it holds numbers that are not finite")
    if (tree[0, 1:] >= np.arange(1, 5)).any() | (tree[0, 1:] < 0).any():
        wrong.append("kintree_table has a joint before its parent")
    return wrong


def _identity_count(arrays: dict[str, NDArray[Any]], columns: int) -> int:
    """How many columns of shapedirs are identity: said by the file, else 300, or three quarters of a small model."""
    said = arrays.get("identity_count")
    count = int(said) if said is not None else IDENTITY_COUNT if columns > IDENTITY_COUNT else columns * 3 // 4
    return min(max(count, 0), columns)
