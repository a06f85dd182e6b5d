"""Faces as FLAME coefficients: expression, jaw and gaze whose vertices come nearest to given ones.

The eyes turn as their eyeballs do (Kabsch 1976). Jaw and expression are nonlinear least squares in which the
expression, which enters linearly, is eliminated (variable projection, Golub and Pereyra 1973): Gauss-Newton steps on
the jaw's three angles alone, each with the best expression for it. The first step from rest is the linear least
squares solution with the pose correctives in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Numbers
from ..bound import Binding, BindRequest
from ..errors import HeadError
from ..head.recompose import deltas_of
from ..head.residual import Residual, moving
from ..steps import Steps, finish
from .model import JAW, JOINTS, LEFT_EYE, NECK, RIGHT_EYE, TO_BLENDER, FlameModel, rotation_matrices

STEPS = 5
RIDGE = 5e-6  # metres that all coordinates may be off for an expression coefficient to be smaller by 1
_CHUNK = 16  # frames at a time
_PROBE = 1e-4  # radians, for derivatives
_ROUND = 4  # vertices that tell how an eyeball is turned, at least


@dataclass(frozen=True, eq=False)
class FlameMotion:
    """A face over T frames as coefficients of a model: rotations are axis-angle in radians, lengths are metres."""

    fps: float
    identity: Numbers  # (N,)
    expression: Numbers  # (T, M)
    pose: Numbers  # (T, 5, 3) in the order of flame.JOINTS
    translation: Numbers  # (T, 3)

    def vertices(self, model: FlameModel) -> Iterator[Numbers]:
        """Vertices (n, V, 3) in metres and FLAME's axes, a few frames at a time."""
        for start in range(0, len(self.expression), _CHUNK):
            part = slice(start, start + _CHUNK)
            identity = np.tile(self.identity, (len(self.expression[part]), 1))
            shaped = model.shaped(identity, self.expression[part])
            yield model.posed(shaped, self.pose[part], self.translation[part])


class FlameFit:
    """Solves for expression, jaw and eyes on one model with one identity; root and neck stay at rest."""

    def __init__(self, model: FlameModel, identity: Numbers | None = None) -> None:
        """`identity` (n <= N) coefficients of the head that moves (default: the template)."""
        self.model = model
        self.identity = np.zeros(model.identity_count, np.float32)
        if identity is not None:
            self.identity[: len(identity)] = identity
        none = np.zeros((1, 0), np.float32)
        self.rest = model.shaped(self.identity[None], none)[0].astype(np.float32)  # (V, 3)
        self._dirs = model.expression_dirs.reshape(model.expression_count, -1)  # (M, 3 V)
        gram = self._dirs.astype(np.float64) @ self._dirs.T.astype(np.float64)
        self._inverse = np.linalg.inv(gram + np.eye(len(gram)) * RIDGE**2 * self.rest.size).astype(np.float32)
        self._shift = (model.regressor @ self._dirs.reshape(len(self._dirs), -1, 3))[:, JAW]  # (M, 3) of the jaw
        self._joint = model.joints(self.rest[None])[0, JAW]
        self._balls = [np.flatnonzero(model.weights[:, joint] > 0.5) for joint in (LEFT_EYE, RIGHT_EYE)]
        if model.rest_joints is not None:
            self._shift = np.zeros_like(self._shift)

    def __call__(self, weights: Numbers, basis: Numbers, fps: float) -> tuple[FlameMotion, Residual]:
        """Fit the displacements `weights` (T, K) of `basis` (K, V, 3), metres in FLAME's axes; also says how well."""
        return finish(self.steps(weights, basis, fps))

    def steps(self, weights: Numbers, basis: Numbers, fps: float) -> Steps[tuple[FlameMotion, Residual]]:
        """The same in steps of a few frames; yields the share that is done."""
        flat, parts, distances = np.asarray(basis, np.float32).reshape(len(basis), -1), [], []
        counted = moving(weights, flat.reshape(len(basis), -1, 3))
        for start in range(0, len(weights), _CHUNK):
            yield start / len(weights)
            chunk = np.asarray(weights[start : start + _CHUNK], np.float32)
            offsets = (chunk @ flat).reshape(len(chunk), -1, 3)
            parts.append(self._solve(offsets))
            distances.append(np.linalg.norm(self._vertices(*parts[-1]) - self.rest - offsets, axis=2)[:, counted])
        expression, pose = (np.concatenate(part) for part in zip(*parts, strict=True))
        motion = FlameMotion(fps, self.identity, expression, pose, np.zeros((len(pose), 3), np.float32))
        return motion, Residual.of(np.concatenate(distances))

    def _vertices(self, expression: Numbers, pose: Numbers) -> Numbers:
        identity = np.tile(self.identity, (len(pose), 1))
        return self.model.posed(self.model.shaped(identity, expression), pose)

    def _solve(self, offsets: Numbers) -> tuple[Numbers, Numbers]:
        """Expression (T, M) and pose (T, 5, 3) of a few frames."""
        pose = self._gaze(offsets)
        expression = np.zeros((len(offsets), len(self._dirs)), np.float32)
        for _ in range(STEPS):
            joint = self._joint + expression @ self._shift
            at = self._unposed(offsets, pose, joint)
            slopes = [(self._unposed(offsets, pose + _probe(axis), joint) - at) / _PROBE for axis in range(3)]
            full = np.stack([at, *slopes])  # (4, T, 3 V)
            seen = full @ self._dirs.T  # (4, T, M)
            best = seen @ self._inverse
            products = np.einsum("ktn,ltn->tkl", full[1:], full, optimize=True)
            products -= np.einsum("ktm,ltm->tkl", seen[1:], best, optimize=True)
            normal = products[:, :, 1:].astype(np.float64) + 1e-12 * np.eye(3)
            step = np.linalg.solve(normal, products[:, :, :1].astype(np.float64))[:, :, 0].astype(np.float32)
            pose[:, JAW] -= step
            expression = best[0] - np.einsum("ktm,tk->tm", best[1:], step)
        joint = self._joint + expression @ self._shift
        return self._unposed(offsets, pose, joint) @ self._dirs.T @ self._inverse, pose

    def _gaze(self, offsets: Numbers) -> Numbers:
        """A pose (T, 5, 3) with the eyes turned as their eyeballs are, and the rest at rest."""
        pose, joints = np.zeros((len(offsets), len(JOINTS), 3), np.float32), self.model.joints(self.rest[None])[0]
        for joint, ball in zip((LEFT_EYE, RIGHT_EYE), self._balls, strict=True):
            if len(ball) >= _ROUND:
                pose[:, joint] = turns(self.rest[ball] - joints[joint], offsets[:, ball])
        return pose

    def _unposed(self, offsets: Numbers, pose: Numbers, joint: Numbers) -> Numbers:
        """What the expression has to explain (T, 3 V): displacements with the pose undone; none at the eyeballs.

        A vertex of jaw weight w moves by p -> M (p - j) + j with M = (1 - w) 1 + w R. About the jaw's axis M turns
        and shrinks like a complex number, so that its inverse needs no matrices.
        """
        weight, jaw = self.model.weights[:, JAW], pose[:, JAW]
        touched = np.flatnonzero(weight)
        angle = np.linalg.norm(jaw, axis=1)[:, None]
        axis = (jaw / np.maximum(angle, 1e-12)).astype(np.float32)[:, None]
        real, imaginary = 1 + weight[touched] * (np.cos(angle) - 1), weight[touched] * np.sin(angle)
        size = real * real + imaginary * imaginary
        moved = self.rest[touched] + offsets[:, touched] - joint[:, None]
        along = (moved * axis).sum(axis=-1, keepdims=True) * axis
        across = moved - along
        turned = (real / size)[..., None] * across - (imaginary / size)[..., None] * np.cross(axis, across)
        result = offsets.copy()
        result[:, touched] = along + turned + joint[:, None] - self.rest[touched]
        result -= self.model.pose_offsets(rotation_matrices(pose))
        result[:, np.concatenate(self._balls)] = 0
        return result.reshape(len(pose), -1)


def _probe(axis: int) -> Numbers:
    """A pose (5, 3) with the jaw turned very little about one axis."""
    pose = np.zeros((len(JOINTS), 3), np.float32)
    pose[JAW, axis] = _PROBE
    return pose


def turns(rest: Numbers, offsets: Numbers) -> Numbers:
    """Axis-angle vectors (T, 3), radians, that turn `rest` (n, 3) about the origin nearest to `rest + offsets`."""
    cross = np.einsum("va,tvb->tab", rest.astype(np.float64), rest + offsets.astype(np.float64))
    u, _, vt = np.linalg.svd(cross)
    u[..., -1] *= np.sign(np.linalg.det(u @ vt))[:, None]
    rotation = np.swapaxes(u @ vt, 1, 2)
    skew = np.stack([rotation[:, i, j] - rotation[:, j, i] for i, j in ((2, 1), (0, 2), (1, 0))], axis=1) / 2
    sine = np.linalg.norm(skew, axis=1, keepdims=True)
    angle = np.arctan2(sine, (np.trace(rotation, axis1=1, axis2=2)[:, None] - 1) / 2)
    return np.where(sine < 1e-6, skew, skew * angle / np.maximum(sine, 1e-12)).astype(np.float32)


def flame_motion(
    names: Sequence[str],
    weights: Numbers,
    fps: float,
    model: FlameModel,
    binding: Binding | None = None,
    turned: Mapping[str, Numbers] | None = None,
) -> tuple[FlameMotion, Residual]:
    """Weights (T, K) of the Duet head's shapes of these names on a model, and what its bones do (`add_turns`).

    `binding` is that of the model's mesh, where its vertices are not the Duet head's. Raises HeadError where there is
    none and the model has other vertices, WeightsError where a name is none of the head's.
    """
    basis = deltas_of(names) @ TO_BLENDER if binding is None else bound_basis(binding, names, model)
    if basis.shape[1] != len(model.v_template):
        raise HeadError(
            f"The model has {len(model.v_template)} vertices, the Duet head {basis.shape[1]}.",
            "Bind the model's mesh first, or use the model that comes with Duet.",
        )
    motion, residual = FlameFit(model)(weights, np.asarray(basis, np.float32), fps)
    add_turns(motion.pose, turned or {})
    return motion, residual


def add_turns(pose: Numbers, turned: Mapping[str, Numbers]) -> None:
    """Add rotations (T, 3, 3) of the Duet head's bones, Blender's axes, to a pose (T, 5, 3).

    The neck as it is, jaw and eyes before the face's own.
    """
    for joint in (NECK, JAW, LEFT_EYE, RIGHT_EYE):
        by = turned.get(JOINTS[joint])
        if by is not None:
            rotation = TO_BLENDER.T @ by @ TO_BLENDER @ rotation_matrices(pose[:, joint].astype(np.float64))
            pose[:, joint] = turns(np.eye(3), np.swapaxes(rotation, 1, 2) - np.eye(3))


def bind_request(model: FlameModel, name: str) -> BindRequest:
    """What binding is told of a model's mesh at rest, upright in Blender's axes; `name` is for messages."""
    count = len(model.v_template)
    return BindRequest(
        name=name,
        vertices=np.asarray(model.v_template @ TO_BLENDER.T, np.float32),
        face_vertices=model.faces.ravel().astype(np.int32),
        face_sizes=np.full(len(model.faces), 3, np.int32),
        masked=np.zeros(count, bool),
        landmarks=np.full((68, 3), np.nan, np.float32),
    )


def bound_basis(binding: Binding, names: Sequence[str], model: FlameModel) -> Numbers:
    """The Duet head's shapes on a bound model (K, V, 3), metres in FLAME's axes; raises HeadError where one lacks."""
    missing = [name for name in names if name not in binding.names]
    if missing:
        raise HeadError(f"The binding lacks {len(missing)} blendshapes ({missing[0]}).", "Bind it again.")
    basis = np.zeros((len(names), len(model.v_template), 3), np.float32)
    basis[:, binding.moving] = binding.deltas[[binding.names.index(name) for name in names]] @ TO_BLENDER
    return basis
