"""What keeps expressions off the mouth's opening: wherever the lips meet they move as one, corners included.

First the jaw's drop is taken out, as far as the lower teeth say that it drops. A displacement in which lips still do
not move as one is bent until they do: by the least bending of the lips and of what is around them
(thin plate: the smallest squared Laplacian), so that a smile keeps its corners and a sneer its upper lip, and nothing
creases. That is linear in the displacement. As both lips move alike in all three
axes where they meet, an expression can neither part closed lips nor push one through the other: a place and what it
lay on keep their distance, so the nearest point of the other lip can only come nearer.

Lips that speech presses, rolls in or pushes forward meet further out or further in than at rest: those places lean on
each other as well, but only along the way in which the lips face each other there. Lips that slide stay shut, and to
forbid it would bend a smile for nothing. And edges at the corners of the mouth resist being turned, for there a mesh
has its smallest triangles, and opposed movements meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
import scipy.sparse.linalg
from numpy.typing import NDArray

from ...inference.arrays import Doubles, Floats, Ints
from ...inference.binding.nearest import closest_weights
from ...inference.head.canonical import Head
from ..mesh_laplacian import laplacian

_AROUND = 0.02  # metres over the surface from the inner lips, within which it bends
_LIPS = 0.008  # metres over the surface from the inner lips, within which lips may meet
_JAW = ("jawOpen", "jawForward", "jawLeft", "jawRight")  # what moves the lower teeth; the first is the drop
_TOUCH = 0.004  # metres between a vertex of one lip and the surface of the other that it meets at rest
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
_LEANS, _CLOSED_LEANS, _TURNS = 3.2, 3.5, 2.0e-3
# How hard, against the same, to go forward or back from where a shape has a vertex: bending alone would take the whole
# mouth along with its corners, and press it through the gums.
_KEEPS_DEPTH = 0.055
_CORNER = 0.008  # metres over the surface from a corner within which edges resist, less and less


@dataclass(frozen=True, eq=False)
class _Places:
    """Vertices (n,) of one lip, each with the nearest point of the other lip's surface."""

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


class LipSeal:
    """Seals displacements of one head."""

    def __init__(self, head: Head) -> None:
        upper, lower = lip_distances(head)
        held, leant = _meeting(head)
        self.bends = np.flatnonzero(np.minimum(upper, lower) < _AROUND)
        own = (3 * self.bends[:, None] + np.arange(3)).ravel()
        even = _in_space(scipy.sparse.vstack([_LEANS * leant, _edges(head)], format="csr"))
        self.lean = scipy.sparse.vstack([even, *_closed(head)], format="csr")[:, own]
        self.held = _in_space(held)[:, own]
        smooth = _in_space(laplacian(head)[:, self.bends])
        kept = scipy.sparse.diags(np.tile([0.0, _KEEPS_DEPTH**2, 0.0], len(self.bends)))
        self.yields = scipy.sparse.linalg.factorized((smooth.T @ smooth + self.lean.T @ self.lean + kept).tocsc())
        give = self.yields(np.asarray(self.held.T.todense()))  # (3 bends, 3 places)
        self.hold = -give @ np.linalg.pinv(self.held @ give, hermitian=True)
        self.teeth = head.regions["lower_teeth"]
        jaw = head.arkit[[head.arkit_names.index(name) for name in _JAW]]
        self.drop = jaw[0]  # (V, 3)
        self.dropping = np.linalg.pinv(jaw[:, self.teeth].reshape(len(jaw), -1).T.astype(np.float64))[0]  # (teeth * 3,)

    def jaw_drop(self, fields: Floats) -> Floats:
        """How far (n,) the jaw drops in displacements (n, V, 3), as amounts of jawOpen."""
        return (fields[:, self.teeth].reshape(len(fields), -1) @ self.dropping).astype(np.float32)

    def sealed(self, fields: Floats) -> Floats:
        """Displacements (n, V, 3) in which the jaw does not drop and the lips move as one where they meet."""
        result = fields - self.jaw_drop(fields)[:, None, None] * self.drop
        exact = result[:, self.bends].reshape(len(result), -1).T.astype(np.float64)  # (3 bends, n)
        bent = -self.yields(self.lean.T @ (self.lean @ exact))
        bent += self.hold @ (self.held @ (exact + bent))
        result[:, self.bends] += bent.T.reshape(len(result), -1, 3).astype(result.dtype)
        return result


def _in_space(each: scipy.sparse.spmatrix) -> scipy.sparse.csr_matrix:
    """What is done to a coordinate of vertices (n, V), done to all three: (3 n, 3 V)."""
    return scipy.sparse.kron(each, scipy.sparse.eye(3), format="csr")


def lip_distances(head: Head, limit: float = _AROUND) -> tuple[Doubles, Doubles]:
    """(V,), (V,) metres over the surface from the upper and from the lower inner lip; inf beyond the limit, 20 mm."""
    above, below = (_distance(head, head.regions[f"inner_lip_{side}"], limit) for side in ("upper", "lower"))
    return above, below


def _meeting(head: Head) -> tuple[scipy.sparse.csr_matrix, scipy.sparse.csr_matrix]:
    """Where the lips meet at rest: how each place parts, (places, V), of those that are held and of those that lean.

    A place is a vertex of one lip and the point of the other lip's surface that is nearest to it. Held are the
    upper lip's, of the inner lip and within _TOUCH; the lower inner lip's lean on them, for places of both lips held
    together would leave nothing to bend.
    """
    upper, lower = _lips(head)
    above = _places(head, np.flatnonzero(upper & ~lower), lower)
    met = (above.gap < _TOUCH) | np.isin(above.vertices, head.regions["inner_lip_upper"])
    below = _places(head, head.regions["inner_lip_lower"].astype(np.int64), upper)
    return above.parting[met & (above.gap > 0)], below.parting[below.gap > 0]


def _closed(head: Head) -> Iterator[scipy.sparse.csr_matrix]:
    """How much places lean on each other where the lips meet in the poses of _CLOSED: (places, 3 V) each."""
    upper, lower = _lips(head)
    for pose in _CLOSED:
        posed = replace(head, vertices=head.pose(pose))
        for mine, other in ((upper & ~lower, lower), (lower & ~upper, upper)):
            found = _places(posed, np.flatnonzero(mine), other)
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


def _places(head: Head, vertices: Ints, other: NDArray[np.bool_]) -> _Places:
    """Of vertices (n,), and the `other` lip (V,)."""
    triangles = head.triangles.astype(np.int64)
    faces = triangles[other[triangles].all(axis=1)]
    corners = head.vertices[faces]
    nearest, weights, gap = closest_points(head.vertices[vertices], corners)
    rows, count = np.arange(len(vertices)), len(head.vertices)
    size = (len(vertices), count)
    own = scipy.sparse.csr_matrix((np.ones(len(rows)), (rows, vertices)), size)
    met = scipy.sparse.csr_matrix((weights.ravel(), (rows.repeat(3), faces[nearest].ravel())), size)
    a, b, c = corners[nearest].astype(np.float64).swapaxes(0, 1)
    facing = np.cross(b - a, c - a)
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-30)
    return _Places(vertices, own - met, gap, facing)


def closest_points(points: Floats, corners: Floats) -> tuple[Ints, Doubles, Doubles]:
    """Of points (n, 3) on triangles (m, 3 corners, 3): (n,) triangle, (n, 3) weights of its corners, (n,) distance."""
    one = np.repeat(points.astype(np.float64), len(corners), axis=0)
    a, b, c = (np.tile(corners[:, k].astype(np.float64), (len(points), 1)) for k in range(3))
    weights = closest_weights(one, a, b, c)
    off = np.linalg.norm(one - weights[:, :1] * a - weights[:, 1:2] * b - weights[:, 2:] * c, axis=1)
    nearest = off.reshape(len(points), -1).argmin(axis=1)
    chosen = np.arange(len(points)) * len(corners) + nearest
    return nearest, weights[chosen], off[chosen]


def _distance(head: Head, seeds: NDArray[np.integer], limit: float = _AROUND) -> Doubles:
    """(V,) metres along edges from the nearest seed; inf beyond the limit."""
    ends, count = head.edges.T, len(head.vertices)
    length = np.linalg.norm(head.vertices[ends[0]] - head.vertices[ends[1]], axis=1).astype(np.float64)
    graph = scipy.sparse.coo_matrix((np.maximum(length, 1e-9), ends), (count, count)).tocsr()
    found = scipy.sparse.csgraph.dijkstra(graph, directed=False, indices=seeds, limit=limit, min_only=True)
    return np.asarray(found)
