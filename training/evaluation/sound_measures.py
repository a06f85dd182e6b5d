"""What breaks in a face, measured on one head: what comes through the skin, lips in lips, lids in eyes, turned skin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import scipy.sparse
from scipy.spatial import cKDTree

from ...inference.arrays import Doubles, Floats, Ints
from ...inference.head.canonical import Head
from ..fusion.lip_overlap import LipOverlap
from ..fusion.lip_seal import lip_distances
from ..sheet import Sheet

_AROUND = 0.06  # metres from the mouth's middle: skin that what is inside may come through
_VIEWS = (-50.0, 0.0, 50.0)  # degrees about the vertical axis: from the character's right, the front, the left
_ASIDE = 0.005  # metres from the middle: what is further counts for the view from its own side
_DEEP = 0.008  # metres: what is further in front of something is not about to come through it
_BESIDE = 0.003  # metres to the left and right of the lower lip's middle, between which it may fold
_SEEN = 0.1e-6  # square metres: smaller triangles are not seen
_OVER = 3  # rings of neighbours by which what surrounds a triangle is known


@dataclass(frozen=True)
class Flaws:
    """Of one face: mm, but for `turned` (a number of triangles) and `fold` (degrees)."""

    through: float  # tooth, gum or tongue in front of the skin
    lips: float  # one lip in the other, beyond what it is at rest
    lids: float  # lid in the eyeball, beyond what it is at rest
    turned: float  # triangles of lips and lids turned inside out
    fold: float  # of the lower lip at its middle: how much sharper it bends there than at rest

    @staticmethod
    def names() -> tuple[str, ...]:
        """Of the measures, in their order."""
        return tuple(field.name for field in fields(Flaws))


LIMITS = Flaws(through=0.2, lips=0.2, lids=0.2, turned=0, fold=45.0)


class SoundMeasures:
    """Measures faces (V, 3) of one head, in metres."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self.corners = head.triangles.astype(np.int64)
        self.skin = np.zeros(len(head.vertices), bool)
        self.skin[head.regions["skin"]] = True
        self.overlap = LipOverlap(head)
        self.opening = (head.regions["inner_lip_upper"], head.regions["inner_lip_lower"])
        self.at_rest = Flaws(*(0.0,) * len(fields(Flaws)))
        self.at_rest = self.flaws(head.vertices)

    def flaws(self, face: Floats) -> Flaws:
        """Of one face."""
        exact = face.astype(np.float64)
        return Flaws(
            through=self._through(exact),
            lips=max(1000 * self.overlap.deepest(exact) - self.at_rest.lips, 0.0),
            lids=max(self._lids(exact) - self.at_rest.lids, 0.0),
            turned=float(len(self.turned(exact))),
            fold=max(self._fold(exact) - self.at_rest.fold, 0.0),
        )

    @cached_property
    def _behind(self) -> tuple[tuple[Ints, Ints], ...]:
        """For the upper and the lower half of the skin around the mouth: its triangles, and what belongs behind it.

        Upper teeth may lie over the lower lip, as they do in f; the tongue belongs behind both.
        """
        head, rest = self.head, self.head.vertices
        corners = rest[head.regions["mouth_corners"]].mean(axis=0)
        near = self.skin & (np.linalg.norm(rest - corners, axis=1) < _AROUND)
        above, below = lip_distances(head)
        upper = np.where(np.isfinite(np.minimum(above, below)), above < below, rest[:, 2] > corners[2])
        bite = 0.5 * (rest[head.regions["upper_teeth"], 2].min() + rest[head.regions["lower_teeth"], 2].max())
        gums = head.regions["gums"]
        halves = []
        for side, teeth in ((True, "upper_teeth"), (False, "lower_teeth")):
            mine = near & (upper == side)
            own = gums[(rest[gums, 2] > bite) == side]
            inside = np.concatenate([head.regions[teeth], own, head.regions["tongue"]]).astype(np.int64)
            halves.append((self.corners[mine[self.corners].all(axis=1)], inside))
        return tuple(halves)

    def _through(self, face: Doubles) -> float:
        """How far the foremost tooth, gum or tongue vertex stands out of the skin, seen from three sides."""
        worst = 0.0
        for degrees in _VIEWS:
            turn = np.radians(degrees)
            axes = np.array([[np.cos(turn), np.sin(turn), 0.0], [0.0, 0.0, 1.0], [np.sin(turn), -np.cos(turn), 0.0]])
            for triangles, inside in self._behind:
                if degrees:
                    aside = face[:, 0] * np.sign(degrees) > _ASIDE
                    triangles, inside = triangles[aside[triangles].all(axis=1)], inside[aside[inside]]
                out = Sheet.seen(face, triangles, axes).furthest_out(face[inside] @ axes.T, _DEEP)
                worst = max(worst, out)
        return 1000 * worst

    @cached_property
    def _eyes(self) -> tuple[Ints, Ints]:
        balls = np.concatenate([self.head.regions["left_eye"], self.head.regions["right_eye"]]).astype(np.int64)
        mine = np.zeros(len(self.head.vertices), bool)
        mine[balls] = True
        return balls, self.corners[mine[self.corners].all(axis=1)]

    def _lids(self, face: Doubles) -> float:
        """Mm by which the deepest lid vertex lies in an eyeball."""
        balls, triangles = self._eyes
        lids = self.head.regions["eyelids"]
        off, nearest = cKDTree(face[balls]).query(face[lids], distance_upper_bound=_DEEP)
        met = np.isfinite(off)
        if not met.any():
            return 0.0
        normals = _normals(face, triangles)[balls[nearest[met]]]
        return max(float(-1000 * ((face[lids[met]] - face[balls[nearest[met]]]) * normals).sum(axis=1).min()), 0.0)

    @cached_property
    def _folding(self) -> tuple[Ints, scipy.sparse.csr_matrix, Ints]:
        """Triangles of lips and lids; the mean of what is around each; those that count, being plain at rest."""
        regions = self.head.regions
        near = np.zeros(len(self.head.vertices), bool)
        for name in ("outer_lips", "eyelids"):
            near[regions[name]] = True
        triangles = self.corners[(near & self.skin)[self.corners].all(axis=1)]
        order = np.arange(len(triangles)).repeat(3)
        of_vertex = scipy.sparse.csr_matrix(
            (np.ones(triangles.size), (order, triangles.ravel())), (len(triangles), len(self.head.vertices))
        )
        around = scipy.sparse.csr_matrix((of_vertex @ of_vertex.T) > 0, dtype=np.float64)
        whole = around
        for _ in range(_OVER - 1):
            whole = scipy.sparse.csr_matrix((whole @ around) > 0, dtype=np.float64)
        agree, _ = self._agreement(self.head.vertices.astype(np.float64), triangles, whole)
        return triangles, whole, np.flatnonzero(agree > 0.3)

    @staticmethod
    def _agreement(face: Doubles, triangles: Ints, around: scipy.sparse.csr_matrix) -> tuple[Doubles, Doubles]:
        """Cosine (n,) of each triangle's normal with the mean normal of what is around it, and its area (n,)."""
        a, b, c = (face[triangles[:, k]] for k in range(3))
        normals = np.cross(b - a, c - a)
        mean = around @ normals
        size = np.linalg.norm(normals, axis=1)
        both = np.maximum(size * np.linalg.norm(mean, axis=1), 1e-30)
        return (normals * mean).sum(axis=1) / both, 0.5 * size

    def turned(self, face: Doubles) -> Ints:
        """Triangles (n, 3) of lips and lids that look against all that is around them, and do not at rest."""
        triangles, around, counts = self._folding
        agree, area = self._agreement(face, triangles, around)
        wrong = counts[(agree[counts] < 0) & (area[counts] > _SEEN)]
        return triangles[wrong]

    def _fold(self, face: Doubles) -> float:
        """Degrees by which the lower lip's inner line turns at its middle, seen from the front."""
        line = face[self.opening[1]][:, [0, 2]]
        along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))]
        rest = self.head.vertices[self.opening[1], 0]
        middle = np.interp(0.5 * (rest[0] + rest[-1]), rest, along)
        places = middle + np.array([-2, -1, 0, 1, 2]) * _BESIDE / 2
        points = np.stack([np.interp(places, along, line[:, axis]) for axis in (0, 1)], axis=1)
        left, right = points[2] - points[0], points[4] - points[2]
        turn = np.arctan2(left[0] * right[1] - left[1] * right[0], left @ right)
        return abs(float(np.degrees(turn)))


def _normals(face: Doubles, triangles: Ints) -> Doubles:
    """Unit normals (V, 3) of triangles at their vertices, weighted by area."""
    a, b, c = (face[triangles[:, k]] for k in range(3))
    each, total = np.cross(b - a, c - a), np.zeros((len(face), 3))
    for axis in range(3):
        total[:, axis] = np.bincount(triangles.ravel(), np.repeat(each[:, axis], 3), len(face))
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30))


def worst(found: Mapping[str, Flaws]) -> dict[str, tuple[float, str]]:
    """Of named faces, for each measure the worst value and the face that has it."""
    result = {}
    for name in Flaws.names():
        face = max(found, key=lambda key: float(getattr(found[key], name)))
        result[name] = (float(getattr(found[face], name)), face)
    return result
