"""What keeps expressions off the mouth's opening: wherever the lips meet they move as one, corners included.

First the jaw's drop is taken out, as far as the lower teeth say that it drops. A displacement in which lips still do
not move as one is changed until they do. What raises the upper lip, lowers the lower one and rolls both in goes first,
in the head's own shapes (_SHAPES): that is how faces do it, and what ARKit's shapes can say. The rest is the least
bending of the lips and of what is around them (thin plate: the smallest squared Laplacian), so that a smile keeps its
corners and a sneer its upper lip, and nothing creases. All is linear in the displacement. As both lips move alike in
all three axes where they meet, an expression can neither part closed lips nor push one through the other: a place and
what it lay on keep their distance, so the nearest point of the other lip can only come nearer.

A place leans on what it meets in its own section: the points of the other lip that are as far to the left or right at
rest. With the nearest point of all, places would hang together from one corner to the other, each a little beside the
one before, and a smile would be flat.

Lips that speech presses, rolls in or pushes forward meet further out or further in than at rest: those places lean on
each other as well, but only along the way in which the lips face each other there. Lips that slide stay shut, and to
forbid it would bend a smile for nothing. And edges at the corners of the mouth resist being turned, for there a mesh
has its smallest triangles, and opposed movements meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
import scipy.sparse.linalg
from numpy.typing import NDArray

from ...inference.arrays import Doubles, Floats, Ints
from ...inference.head.canonical import Head
from ..mesh_laplacian import laplacian

_AROUND = 0.02  # metres over the surface from the inner lips, within which it bends
_LIPS = 0.008  # metres over the surface from the inner lips, within which lips may meet
_JAW = ("jawOpen", "jawForward", "jawLeft", "jawRight")  # what moves the lower teeth; the first is the drop
_TOUCH = 0.004  # metres between a vertex of one lip and the other lip's surface beside it that meet at rest
_MEET = 0.001  # metres between them in a pose of _CLOSED
# How speech closes lips: rolled in on rounded ones, p as people say it, that on lips pushed forward, and rolled in.
_CLOSED: tuple[dict[str, float], ...] = (
    {"mouthRollUpper": 0.2, "mouthRollLower": 0.2, "mouthPucker": 0.4, "mouthFunnel": 0.12, "mouthClose": 0.02},
    {
        **{"mouthPressLeft": 0.45, "mouthPressRight": 0.45},
        **{"mouthRollUpper": 0.1, "mouthRollLower": 0.06, "mouthClose": 0.028},
    },
    {
        **{"mouthPressLeft": 0.3, "mouthPressRight": 0.3, "mouthPucker": 0.2, "mouthFunnel": 0.06},
        **{"mouthRollUpper": 0.09, "mouthRollLower": 0.06, "mouthClose": 0.022},
    },
    {"mouthRollUpper": 0.22, "mouthRollLower": 0.22, "mouthClose": 0.024},
    {"mouthRollUpper": 0.4, "mouthRollLower": 0.4},
)
# How hard it is, against bending a vertex from its neighbours by a millimetre, to part what leans by a millimetre: at
# rest, in a pose of _CLOSED; and to turn an edge at a corner of the mouth by a slope of 1.
_LEANS, _CLOSED_LEANS, _TURNS = 3.2, 50.0, 5.0e-4
# What seals before anything bends, and how hard that is, against the same: a millimetre of all vertices together.
_SHAPES = (
    *("mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft", "mouthLowerDownRight"),
    *("mouthRollUpper", "mouthRollLower"),
)
_SHAPES_COST = 0.0095
# How hard, against the same, to go forward or back from where a shape has a vertex: bending alone would take the whole
# mouth along with its corners, and press it through the gums.
_KEEPS_DEPTH = 0.055
_CORNER = 0.008  # metres over the surface from a corner within which edges resist, less and less


@dataclass(frozen=True, eq=False)
class _Places:
    """Vertices (n,) of one lip, each with the nearest point of the other lip's surface in the same section."""

    vertices: Ints
    parting: scipy.sparse.csr_matrix  # (n, V): how each parts from that point
    gap: Doubles  # (n,) metres
    facing: Doubles  # (n, 3) of length 1: the way that the surface faces there

    def along(self, chosen: NDArray[np.bool_]) -> scipy.sparse.csr_matrix:
        """How the chosen part along the way in which the lips face each other: (m, 3 V)."""
        rows = np.flatnonzero(chosen)
        ways = scipy.sparse.csr_matrix(
            (self.facing[rows].ravel(), np.arange(3 * len(rows)), 3 * np.arange(len(rows) + 1)),
            (len(rows), 3 * len(rows)),
        )
        return ways @ _in_space(self.parting[rows])


class _Sections:
    """The vertices of `mine`, one lip (V,), and the line across the `other` lip (V,) that is beside each at rest."""

    def __init__(self, head: Head, mine: NDArray[np.bool_], other: NDArray[np.bool_]) -> None:
        self.vertices = np.flatnonzero(mine)
        triangles, x = head.triangles.astype(np.int64), head.vertices[:, 0].astype(np.float64)
        faces = triangles[other[triangles].all(axis=1)]
        aside = x[faces] - x[self.vertices, None, None]  # (n, m, 3)
        self.row, crossed = np.nonzero((aside.min(axis=2) <= 0) & (aside.max(axis=2) >= 0))
        self.corners = faces[crossed]  # (p, 3) of the triangles that the line goes through
        self.ends = _crossings(aside[self.row, crossed])

    def met(self, face: Floats) -> _Places:
        """Where each vertex that has such a line would touch it in a face (V, 3)."""
        exact = face.astype(np.float64)
        points, corners = exact[self.vertices[self.row]], exact[self.corners]
        first, second = (self.ends @ corners).swapaxes(0, 1)
        way = second - first
        share = np.einsum("px,px->p", points - first, way) / np.maximum(np.einsum("px,px->p", way, way), 1e-30)
        share = np.clip(share, 0.0, 1.0)[:, None]
        off = np.linalg.norm(points - first - share * way, axis=1)
        order = np.lexsort((off, self.row))
        nearest = order[np.flatnonzero(np.diff(self.row[order], prepend=-1))]
        weights = (1 - share[nearest]) * self.ends[nearest, 0] + share[nearest] * self.ends[nearest, 1]
        a, b, c = corners[nearest].swapaxes(0, 1)
        facing = np.cross(b - a, c - a)
        facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-30)
        vertices, met = self.vertices[self.row[nearest]], self.corners[nearest]
        rows, size = np.arange(len(nearest)), (len(nearest), len(face))
        own = scipy.sparse.csr_matrix((np.ones(len(rows)), (rows, vertices)), size)
        touched = scipy.sparse.csr_matrix((weights.ravel(), (rows.repeat(3), met.ravel())), size)
        return _Places(vertices, own - touched, off[nearest], facing)


def _crossings(aside: Doubles) -> Doubles:
    """Weights (p, 2, 3) of the corners at both ends of the lines where triangles' corners (p, 3) are 0 aside."""
    rows = np.arange(len(aside))
    low, middle, high = np.argsort(aside, axis=1).T
    ends = np.zeros((len(aside), 2, 3))
    for end, (a, b) in enumerate(((low, high), (middle, np.where(aside[rows, middle] > 0, low, high)))):
        span = aside[rows, a] - aside[rows, b]
        share = np.divide(aside[rows, a], span, out=np.zeros(len(rows)), where=np.abs(span) > 1e-12)
        ends[rows, end, a] = 1 - share
        ends[rows, end, b] += share
    return ends


class LipSeal:
    """Seals displacements of one head."""

    def __init__(self, head: Head) -> None:
        upper, lower = lip_distances(head)
        sections = _sections(head)
        held, leant = _meeting(head, sections)
        self.bends = np.flatnonzero(np.minimum(upper, lower) < _AROUND)
        own = (3 * self.bends[:, None] + np.arange(3)).ravel()
        even = _in_space(scipy.sparse.vstack([_LEANS * leant, _edges(head)], format="csr"))
        self.lean = scipy.sparse.vstack([even, *_closed(head, sections)], format="csr")[:, own]
        self.held = _in_space(held)[:, own]
        shapes = head.arkit[[head.arkit_names.index(name) for name in _SHAPES]].astype(np.float64)
        self.shapes = shapes / np.linalg.norm(shapes, axis=(1, 2), keepdims=True)
        # What is looked for: how far each vertex bends (3 bends), and how much of each shape is added (k).
        moved = scipy.sparse.hstack([scipy.sparse.eye(len(own)), self._near(self.shapes)], format="csr")
        self.leaning, self.holding = self.lean @ moved, self.held @ moved
        smooth = _in_space(laplacian(head)[:, self.bends])
        kept = scipy.sparse.diags(np.tile([0.0, _KEEPS_DEPTH**2, 0.0], len(self.bends)))
        flat = self.shapes.reshape(len(shapes), -1)
        costs = scipy.sparse.block_diag([smooth.T @ smooth + kept, _SHAPES_COST**2 * flat @ flat.T])
        self.yields = scipy.sparse.linalg.factorized((costs + self.leaning.T @ self.leaning).tocsc())
        give = self.yields(np.asarray(self.holding.T.todense()))  # (3 bends + k, 3 places)
        self.hold = -give @ np.linalg.pinv(self.holding @ give, hermitian=True)
        self.teeth = head.regions["lower_teeth"]
        jaw = head.arkit[[head.arkit_names.index(name) for name in _JAW]]
        self.drop = jaw[0]  # (V, 3)
        self.dropping = np.linalg.pinv(jaw[:, self.teeth].reshape(len(jaw), -1).T.astype(np.float64))[0]  # (teeth * 3,)

    def _near(self, fields: Floats) -> Doubles:
        """Of displacements (n, V, 3) what bends: (3 bends, n)."""
        return fields[:, self.bends].reshape(len(fields), -1).T.astype(np.float64)

    def jaw_drop(self, fields: Floats) -> Floats:
        """How far (n,) the jaw drops in displacements (n, V, 3), as amounts of jawOpen."""
        return (fields[:, self.teeth].reshape(len(fields), -1) @ self.dropping).astype(np.float32)

    def sealed(self, fields: Floats) -> Floats:
        """Displacements (n, V, 3) in which the jaw does not drop and the lips move as one where they meet."""
        result = fields - self.jaw_drop(fields)[:, None, None] * self.drop
        exact = self._near(result)
        found = -self.yields(self.leaning.T @ (self.lean @ exact))
        found += self.hold @ (self.held @ exact + self.holding @ found)
        bent, added = found[: len(exact)], found[len(exact) :]
        result[:, self.bends] += bent.T.reshape(len(result), -1, 3).astype(result.dtype)
        result += np.tensordot(added.T, self.shapes, axes=1).astype(result.dtype)
        return result


def _in_space(each: scipy.sparse.spmatrix) -> scipy.sparse.csr_matrix:
    """What is done to a coordinate of vertices (n, V), done to all three: (3 n, 3 V)."""
    return scipy.sparse.kron(each, scipy.sparse.eye(3), format="csr")


def lip_distances(head: Head, limit: float = _AROUND) -> tuple[Doubles, Doubles]:
    """(V,), (V,) metres over the surface from the upper and from the lower inner lip; inf beyond the limit, 20 mm."""
    above, below = (_distance(head, head.regions[f"inner_lip_{side}"], limit) for side in ("upper", "lower"))
    return above, below


def _sections(head: Head) -> tuple[_Sections, _Sections]:
    """Of the upper lip, across the lower one, and the other way round."""
    upper, lower = _lips(head)
    return _Sections(head, upper & ~lower, lower), _Sections(head, lower & ~upper, upper)


def _meeting(
    head: Head, sections: tuple[_Sections, _Sections]
) -> tuple[scipy.sparse.csr_matrix, scipy.sparse.csr_matrix]:
    """Where the lips meet at rest: how each place parts, (places, V), of those that are held and of those that lean.

    Held are the upper lip's, of the inner lip and within _TOUCH; the lower inner lip's lean on them, for places of
    both lips held together would leave nothing to bend.
    """
    above, below = (side.met(head.vertices) for side in sections)
    inner = [np.isin(side.vertices, head.regions[f"inner_lip_{n}"]) for side, n in ((above, "upper"), (below, "lower"))]
    held = ((above.gap < _TOUCH) | inner[0]) & (above.gap > 0)
    return above.parting[held], below.parting[inner[1] & (below.gap > 0)]


def _closed(head: Head, sections: tuple[_Sections, _Sections]) -> Iterator[scipy.sparse.csr_matrix]:
    """How much places lean on each other where the lips meet in the poses of _CLOSED: (places, 3 V) each."""
    for pose in _CLOSED:
        face = head.pose(pose)
        for side in sections:
            found = side.met(face)
            yield _CLOSED_LEANS * found.along((found.gap < _MEET) & (found.gap > 0))


def _lips(head: Head) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(V,), (V,) whether a vertex is of the upper, and of the lower lip; what is as near to both is of both."""
    above, below = lip_distances(head)
    return (above < _LIPS) & (above <= below), (below < _LIPS) & (below <= above)


def _edges(head: Head) -> scipy.sparse.csr_matrix:
    """How much each edge at a corner of the mouth resists that its ends move unlike each other: (edges, V)."""
    off, (a, b) = _distance(head, head.regions["mouth_corners"]), head.edges.T
    share = np.clip(1.0 - np.maximum(off[a], off[b]) / _CORNER, 0.0, 1.0)
    chosen = np.flatnonzero(share > 0)
    a, b = a[chosen], b[chosen]
    length = np.maximum(np.linalg.norm(head.vertices[a] - head.vertices[b], axis=1), 1e-5)
    slope, rows = _TURNS * share[chosen] / length, np.arange(len(chosen))
    size = (len(chosen), len(head.vertices))
    return scipy.sparse.csr_matrix((np.r_[slope, -slope], (np.r_[rows, rows], np.r_[a, b])), size)


def _distance(head: Head, seeds: NDArray[np.integer], limit: float = _AROUND) -> Doubles:
    """(V,) metres along edges from the nearest seed; inf beyond the limit."""
    ends, count = head.edges.T, len(head.vertices)
    length = np.linalg.norm(head.vertices[ends[0]] - head.vertices[ends[1]], axis=1).astype(np.float64)
    graph = scipy.sparse.coo_matrix((np.maximum(length, 1e-9), ends), (count, count)).tocsr()
    found = scipy.sparse.csgraph.dijkstra(graph, directed=False, indices=seeds, limit=limit, min_only=True)
    return np.asarray(found)
