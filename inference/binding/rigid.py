"""Where the head is in a mesh: its size, place and heading, and the identity modes nearest to its shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..arrays import Doubles, Ints
from ..head.canonical import Head
from ..numeric import Similarity, fit_similarity
from .mesh import Mesh
from .nearest import PointGrid, Surface

Report = Callable[[float], None]

_NORMAL_LENGTH = 0.02  # metres: opposite normals count as 4 cm
_HEADINGS = np.arange(8) * np.pi / 4
_SHARES = (1.0, 0.8, 0.62, 0.45, 0.13)  # of the mesh's height that its head may be, chin to crown
_CUT = 0.02  # metres beyond which a distance counts as this much
_ROUNDS = ((40, 2), (16, 3), (3, 20))  # how many of the best guesses go how many steps on
_GROWTH = 1.5  # most that ICP may change a guess of the size
_SAMPLES, _TARGETS = 350, 4000
_FITTED = 3000  # vertices that the identity is fitted by


@dataclass(frozen=True, eq=False)
class Placement:
    """A guess where the head is; `error` in metres of the canonical head, the mean of cut distances."""

    similarity: Similarity
    error: float


def outer_skin(head: Head) -> Ints:
    """Vertices of the skin that is seen from outside: neither the mouth's nor the eyes' sockets."""
    regions = head.regions
    return np.setdiff1d(regions["skin"], np.concatenate([regions["mouth_bag"], regions["eye_sockets"]])).astype(
        np.int64
    )


def find_head(head: Head, canonical: Mesh, target: Mesh, report: Report = lambda _: None) -> Placement:
    """The best placement of the head in an upright mesh (z up), over headings and sizes, refined by ICP."""
    chin = head.vertices[head.landmarks[8], 2]
    skin = outer_skin(head)
    skin = skin[canonical.vertices[skin, 2] > chin]
    samples = _spread(canonical, skin, _SAMPLES)
    goals = _spread(target, np.flatnonzero(target.vertex_areas > 0), _TARGETS)
    points, normals = target.vertices[goals], target.normals[goals]
    starts = [_start(canonical.vertices[skin], points, share, heading) for share in _SHARES for heading in _HEADINGS]
    done, total = 0, sum(count for count, _ in _ROUNDS)
    for count, steps in _ROUNDS:
        found = []
        for start in starts[:count]:
            found.append(_icp(canonical, samples, points, normals, start, steps))
            done += 1
            report(done / total)
        found.sort(key=lambda placement: placement.error)
        starts = [placement.similarity for placement in found]
    return found[0]


def _spread(mesh: Mesh, among: Ints, count: int) -> Ints:
    """About `count` of the vertices, drawn by area."""
    if len(among) <= count:
        return among
    share = mesh.vertex_areas[among]
    return np.random.default_rng(0).choice(among, count, replace=False, p=share / share.sum())


def _start(skin: Doubles, points: Doubles, share: float, heading: float) -> Similarity:
    top, low = points[:, 2].max(), points[:, 2].min()
    height = share * (top - low)
    scale = height / float(np.ptp(skin[:, 2]))
    turn = np.array([[np.cos(heading), -np.sin(heading), 0], [np.sin(heading), np.cos(heading), 0], [0, 0, 1.0]])
    slab = points[points[:, 2] > top - 0.7 * height]
    middle = (slab.min(axis=0) + slab.max(axis=0)) / 2
    middle[2] = top - height / 2
    return Similarity(scale, turn, middle - scale * turn @ ((skin.min(axis=0) + skin.max(axis=0)) / 2))


def _icp(canonical: Mesh, samples: Ints, points: Doubles, normals: Doubles, start: Similarity, steps: int) -> Placement:
    """Iterative closest points, both ways, on cut distances; in the space of the canonical head."""
    guess, error = start, np.inf
    source, source_normals = canonical.vertices[samples], canonical.normals[samples]
    own = PointGrid(source, source_normals * _NORMAL_LENGTH)
    low, high = source.min(axis=0) - 0.03, source.max(axis=0) + 0.03
    low[2] = source[:, 2].min()
    for _ in range(steps):
        here, turned = guess.invert(points), normals @ guess.rotation
        near = np.flatnonzero(((here > low) & (here < high)).all(axis=1))
        if len(near) < 20:
            return Placement(guess, np.inf)
        here, turned = here[near], turned[near]
        index, off = PointGrid(here, turned * _NORMAL_LENGTH).nearest(source, source_normals * _NORMAL_LENGTH, _CUT * 3)
        some = np.arange(0, len(here), max(1, len(here) // (2 * _SAMPLES)))
        back, back_off = own.nearest(here[some], turned[some] * _NORMAL_LENGTH, _CUT * 3)
        error = float(np.minimum(off, _CUT).mean() + np.minimum(back_off, _CUT).mean())
        hit, returned = np.flatnonzero(index >= 0), np.flatnonzero(back >= 0)
        if len(hit) < 10 or len(returned) < 10:
            return Placement(guess, error)
        weights = np.concatenate(
            [1 / (1 + (off[hit] / 0.01) ** 2) / len(hit), 0.5 / (1 + (back_off[returned] / 0.01) ** 2) / len(returned)]
        )
        step = fit_similarity(
            np.concatenate([source[hit], source[back[returned]]]),
            np.concatenate([here[index[hit]], here[some[returned]]]),
            weights,
        )
        guess = guess.after(step)
        if not 1 / _GROWTH < guess.scale / start.scale < _GROWTH:  # it shrinks into a patch of the surface
            return Placement(guess, np.inf)
    return Placement(guess, error)


def fit_identity(
    head: Head, target: Mesh, placement: Similarity, steps: int = 12, report: Report = lambda _: None
) -> tuple[Similarity, Doubles]:
    """Refine the placement together with the identity modes; returns it and the (V, 3) canonical vertices so shaped.

    Point-to-plane least squares with a ridge on the modes, which are one standard deviation each.
    """
    skin = outer_skin(head)
    skin = skin[:: max(1, len(skin) // _FITTED)]
    face = np.isin(skin, head.regions["face"])
    trust = np.where(face, 1.0, 0.25) * np.where(
        head.vertices[skin, 2] < head.vertices[head.landmarks[8], 2] - 0.01, 0.1, 1.0
    )
    modes = np.asarray(head.identity, np.float64)
    triangles = head.triangles.astype(np.int64)
    shape = head.vertices.astype(np.float64)
    weights = np.zeros(len(modes))
    goal = Mesh(placement.invert(target.vertices), target.triangles)
    surface = Surface(goal, _NORMAL_LENGTH / 2)
    finer = Similarity(1.0, np.eye(3), np.zeros(3))  # within the first placement's space
    for step in range(steps):
        own = Mesh(shape, triangles).normals[skin]
        hit = surface.closest(finer.apply(shape[skin]), own @ finer.rotation.T, 0.04)
        normals = _unit(hit.values(goal.triangles, goal.normals)) @ finer.rotation
        off = np.where(np.isfinite(hit.distance), hit.distance, 1.0)
        spread = max(0.003, 0.012 * 0.8**step)
        weight = trust / (1 + (off / spread) ** 2) * (np.einsum("nd,nd->n", normals, own) > 0.5)
        change = _least_squares(shape[skin], finer.invert(hit.position), normals, modes[:, skin], weight, weights)
        growth = float(np.clip(1 + change[6], 1 / _GROWTH / finer.scale, _GROWTH / finer.scale))
        finer = finer.after(Similarity(growth, _turn(change[:3]), change[3:6]))
        weights = np.clip(weights + change[7:], -3.0, 3.0)
        shape = head.vertices + np.tensordot(weights, modes, 1)
        report((step + 1) / steps)
    return placement.after(finer), shape


def _least_squares(
    here: Doubles, towards: Doubles, normals: Doubles, modes: Doubles, weight: Doubles, present: Doubles
) -> Doubles:
    """(7 + K,) turn, shift, growth, change of modes; `present` (K,) are the modes now, which the ridge pulls."""
    step = towards - here
    rows = [_design(here, modes, normals), *(0.3 * _design(here, modes, axis) for axis in np.eye(3))]
    right = [_along(step, normals), *(0.3 * step.T)]
    root = np.sqrt(np.tile(weight / max(weight.sum(), 1e-12), 4))
    matrix, rest = np.concatenate(rows) * root[:, None], np.concatenate(right) * root
    ridge = np.r_[np.full(7, 1e-9), np.full(len(modes), 2e-7)]
    pull = ridge * np.r_[np.zeros(7), present]
    change: Doubles = np.linalg.solve(matrix.T @ matrix + np.diag(ridge), matrix.T @ rest - pull)
    return change


def _design(points: Doubles, modes: Doubles, normals: Doubles) -> Doubles:
    """(n, 7 + K) change along the normals by turn, shift, growth and modes."""
    normals = np.broadcast_to(normals, points.shape)
    return np.column_stack(
        [np.cross(points, normals), normals, _along(points, normals), np.einsum("knd,nd->nk", modes, normals)]
    )


def _along(vectors: Doubles, normals: Doubles) -> Doubles:
    result: Doubles = np.einsum("nd,nd->n", vectors, np.broadcast_to(normals, vectors.shape))
    return result


def _unit(vectors: Doubles) -> Doubles:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _turn(vector: Doubles) -> Doubles:
    """(3, 3) rotation about a vector by its length (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / max(angle, 1e-12)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
