"""From learned blendshape weights to ARKit coefficients: constrained least squares on the head's own shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..arrays import Numbers
from ..steps import Steps, finish
from .canonical import ARKIT_NAMES
from .lips import Lips
from .residual import Residual, moving

LIPS = 1.0  # how much what parts the lips counts, against all vertices together
RIDGE = 2e-3  # of the mean squared shape: keeps shapes that fight each other small
SMOOTH = 2e-3  # of the same, on differences between frames: keeps what the face leaves open from flickering
ITERATIONS = 200
_AT_ONCE = 5  # of them in a step
_TOGETHER = 4  # frames, at most, whose coefficients are one vector
_CHUNK = 64  # frames at a time
_BLOCK, _CONTEXT = 3000, 100  # frames solved together, and those around them whose pull is felt: memory stays constant

# Shapes that undo each other: no frame has both. Not brows up and down, which are both in fear, nor eyes squinted and
# wide, which are both in anger.
_SIDED_PAIRS = (
    ("eyeLookUp", "eyeLookDown"),
    ("eyeLookIn", "eyeLookOut"),
    ("eyeBlink", "eyeWide"),
    ("mouthSmile", "mouthFrown"),
)
EXCLUSIVE: tuple[tuple[str, str], ...] = (
    ("jawLeft", "jawRight"),
    ("mouthLeft", "mouthRight"),
    *((a + side, b + side) for a, b in _SIDED_PAIRS for side in ("Left", "Right")),
)


class ArkitSolver:
    """Coefficients in [0, 1] whose shapes come nearest to given displacements, smooth in time, no opposites together.

    FISTA (Beck and Teboulle 2009) on sum_t |A x_t - d_t|^2 + ridge |x_t|^2 + smooth |x_t - x_{t-1}|^2 with x clipped
    to [0, 1], for all frames of a block. A shape that a head lacks is no column of A: the others make up for it. Where
    the lips are known, how far they part has rows of its own, so that they meet where the displacements' do.
    """

    def __init__(
        self,
        shapes: Numbers,
        basis: Numbers,
        names: Sequence[str] = ARKIT_NAMES,
        iterations: int = ITERATIONS,
        lips: Lips | None = None,
    ) -> None:
        """`shapes` (N, V, 3) and `basis` (K, V, 3) are deltas in metres on the same head; `names` are the shapes'."""
        self.shapes, self.basis, self.names, self._iterations = shapes, basis, tuple(names), iterations
        flat = shapes.reshape(len(shapes), shapes.shape[1] * 3).astype(np.float64)
        gram = flat @ flat.T
        mean, target = float(np.trace(gram)) / max(len(gram), 1), basis.reshape(len(basis), -1) @ flat.T
        if lips is not None:
            parted = LIPS * shapes.shape[1] / len(lips.upper) * lips.parted(shapes).astype(np.float64)
            gram, target = gram + parted @ lips.parted(shapes).T, target + lips.parted(basis) @ parted.T
        self._smooth = SMOOTH * mean
        # A unit of every shape is one length, or small shapes would need thousands of steps.
        self._scale = np.sqrt(np.diag(gram) + RIDGE * mean)
        self._normal = (gram + np.eye(len(gram)) * RIDGE * mean) / np.outer(self._scale, self._scale)
        self._target = target / self._scale  # (K, N)
        smooth = 4 * self._smooth / self._scale.min(initial=np.inf) ** 2
        self._step = 1.0 / (float(np.linalg.eigvalsh(self._normal)[-1]) + smooth) if len(gram) else 1.0
        self._left: dict[int, Numbers] = {}
        at = {name: index for index, name in enumerate(self.names)}
        self._pairs = [(at[a], at[b]) for a, b in EXCLUSIVE if a in at and b in at]

    def __call__(self, weights: Numbers) -> NDArray[np.float32]:
        """Coefficients (T, N) of basis weights (T, K)."""
        return finish(self.steps(weights))

    def steps(self, weights: Numbers) -> Steps[NDArray[np.float32]]:
        """The same in steps."""
        found = np.empty((len(weights), len(self.names)), np.float32)
        for start in range(0, len(weights), _BLOCK):
            first = max(start - _CONTEXT, 0)
            block = yield from self._solved(weights[first : start + _BLOCK + _CONTEXT])
            found[start : start + _BLOCK] = block[start - first : start - first + _BLOCK]
        return found

    def _solved(self, weights: Numbers) -> Steps[NDArray[np.float32]]:
        target = np.asarray(weights, np.float64) @ self._target
        top = np.tile(self._scale, (len(target), 1))
        x = yield from self._solve(target, top, np.zeros_like(target))
        for _ in range(len(self._pairs)):  # putting one off may put another on
            if not self._forbid(x, top):
                break
            x = yield from self._solve(target, top, np.minimum(x, top))
        self._forbid(x, top)
        return np.clip(np.minimum(x, top) / self._scale, 0.0, 1.0).astype(np.float32)

    def _forbid(self, x: Numbers, top: Numbers) -> bool:
        """Take from `top` (T, N) the lesser of two opposites that are both on; whether there were any."""
        if not self._pairs:
            return False
        first, second = np.array(self._pairs).T
        row, pair = np.nonzero((x[:, first] > 0) & (x[:, second] > 0))
        a, b = first[pair], second[pair]
        top[row, np.where(x[row, a] < x[row, b], a, b)] = 0.0  # in units of length: the one that moves less
        return bool(len(row))

    def _solve(self, target: Numbers, top: Numbers, x: Numbers) -> Steps[Numbers]:
        """The minimum (T, N) in units of length, between 0 and `top`, from a start."""
        # A step goes down a slope that is linear in y, so what does not change is folded. Of a few frames the pull of
        # neighbours is in the matrix, too, for there it is NumPy's calls that take time.
        together = len(target) <= _TOGETHER
        pulled = self._left_by_a_step(len(target) if together else 1)
        shape, smooth = x.shape, self._step * self._smooth / self._scale**2
        goal = self._step * target
        if together:
            x, top, goal = x.ravel(), top.ravel(), goal.ravel()
        y, momentum = x, 1.0
        for number in range(self._iterations):
            if number % _AT_ONCE == 0:
                yield 0.0
            ahead = y @ pulled
            ahead += goal
            if not together:
                steps = (y[1:] - y[:-1]) * smooth
                ahead[1:] -= steps
                ahead[:-1] += steps
            np.maximum(ahead, 0.0, out=ahead)
            np.minimum(ahead, top, out=ahead)
            grown = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
            y = ahead - x
            y *= (momentum - 1) / grown
            y += ahead
            x, momentum = ahead, grown
        return x.reshape(shape)

    def _left_by_a_step(self, frames: int) -> Numbers:
        """Of the coefficients (N,) of some frames, one after another: a matrix (frames N, frames N), made once."""
        if frames not in self._left:
            bonds = np.eye(frames)[1:] - np.eye(frames)[:-1]
            slope = np.kron(np.eye(frames), self._normal)
            slope += np.kron(bonds.T @ bonds, np.diag(self._smooth / self._scale**2))
            self._left[frames] = np.eye(len(slope)) - self._step * slope
        return self._left[frames]

    def residual(self, weights: Numbers, coefficients: Numbers) -> Residual:
        """How far coefficients (T, N) of the shapes are from weights (T, K) of the basis."""
        index = moving(weights, self.basis)
        shapes, basis = (
            a[:, index].reshape(len(a), len(index) * 3).astype(np.float32) for a in (self.shapes, self.basis)
        )
        distances = []
        for start in range(0, len(weights), _CHUNK):
            part = slice(start, start + _CHUNK)
            off = np.asarray(coefficients[part], np.float32) @ shapes - np.asarray(weights[part], np.float32) @ basis
            distances.append(np.linalg.norm(off.reshape(len(off), -1, 3), axis=2))
        return Residual.of(np.concatenate(distances) if distances else np.zeros(0))
