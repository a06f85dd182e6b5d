"""What keeps expressions off the mouth's opening: wherever the lips meet at rest they move as one, corners included.

First the jaw's drop is taken out, as far as the lower teeth say that it drops. A displacement in which lips still do
not move as one is bent until they do: by the least bending of the lips and of what is around them
(thin plate: the smallest squared Laplacian), so that a smile keeps its corners and a sneer its upper lip, and nothing
creases. That is linear in the displacement. As both lips move alike in all three
axes where they meet, an expression can neither part closed lips nor push one through the other: a place and what it
lay on keep their distance, so the nearest point of the other lip can only come nearer.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
import scipy.sparse.linalg
from numpy.typing import NDArray

from ...inference.binding.nearest import closest_weights
from ...inference.head.canonical import Head
from ..mesh_laplacian import laplacian

_AROUND = 0.02  # metres over the surface from the inner lips, within which it bends
_LIPS = 0.008  # metres over the surface from the inner lips, within which lips may meet
_LEANS = 10.0  # how hard a leaning place is to part, against bending a vertex from its neighbours by as much
_JAW = ("jawOpen", "jawForward", "jawLeft", "jawRight")  # what moves the lower teeth; the first is the drop
_TOUCH = 0.004  # metres between a vertex of one lip and the surface of the other that it meets at rest

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]


class LipSeal:
    """Seals displacements of one head."""

    def __init__(self, head: Head) -> None:
        held, leant, self.bends = _meeting(head)
        self.parting = scipy.sparse.vstack([leant, held], format="csr")
        own, lean = (np.asarray(each[:, self.bends].todense()) for each in (held, leant))
        smooth = laplacian(head)[:, self.bends]
        stiff = smooth.T @ smooth + _LEANS * scipy.sparse.csr_matrix(lean.T @ lean)
        yields = scipy.sparse.linalg.factorized(stiff.tocsc())
        give, follow = yields(own.T), -_LEANS * yields(lean.T)  # (bends, places)
        hold = -give @ np.linalg.pinv(own @ give, hermitian=True)
        self.answer = np.concatenate([follow + hold @ (own @ follow), hold], axis=1)  # (bends, places of both kinds)
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
        for field in result:
            field[self.bends] += (self.answer @ (self.parting @ field.astype(np.float64))).astype(field.dtype)
        return result


def lip_distances(head: Head) -> tuple[Doubles, Doubles]:
    """(V,), (V,) metres over the surface from the upper and from the lower inner lip; inf beyond 20 mm."""
    above, below = (_distance(head, head.regions[f"inner_lip_{side}"]) for side in ("upper", "lower"))
    return above, below


def _meeting(head: Head) -> tuple[scipy.sparse.csr_matrix, scipy.sparse.csr_matrix, Ints]:
    """Where the lips meet: how each place parts (places, V), and the vertices that bend when it is held together.

    A place is a vertex of one lip and the point of the other lip's surface that is nearest to it at rest. Held are the
    upper lip's, of the inner lip and within _TOUCH; the lower inner lip's lean on them, for places of both lips held
    together would leave nothing to bend.
    """
    above, below = lip_distances(head)
    upper, lower = ((own < _LIPS) & (own <= other) for own, other in ((above, below), (below, above)))
    inner = head.regions["inner_lip_upper"]
    mine, parting, gap = _places(head, np.flatnonzero(upper & (above < below)), lower)
    held = parting[((gap < _TOUCH) | np.isin(mine, inner)) & (gap > 0)]
    _, leant, gap = _places(head, head.regions["inner_lip_lower"].astype(np.int64), upper)
    return held, leant[gap > 0], np.flatnonzero(np.minimum(above, below) < _AROUND)


def _places(head: Head, vertices: Ints, other: NDArray[np.bool_]) -> tuple[Ints, scipy.sparse.csr_matrix, Doubles]:
    """Vertices (n,) as given, how each parts from the nearest point of the `other` lip (n, V), and how far (n,)."""
    triangles = head.triangles.astype(np.int64)
    faces = triangles[other[triangles].all(axis=1)]
    nearest, weights, gap = closest_points(head.vertices[vertices], head.vertices[faces])
    rows, count = np.arange(len(vertices)), len(head.vertices)
    size = (len(vertices), count)
    own = scipy.sparse.csr_matrix((np.ones(len(rows)), (rows, vertices)), size)
    met = scipy.sparse.csr_matrix((weights.ravel(), (rows.repeat(3), faces[nearest].ravel())), size)
    return vertices, own - met, gap


def closest_points(points: Floats, corners: Floats) -> tuple[Ints, Doubles, Doubles]:
    """Of points (n, 3) on triangles (m, 3 corners, 3): (n,) triangle, (n, 3) weights of its corners, (n,) distance."""
    one = np.repeat(points.astype(np.float64), len(corners), axis=0)
    a, b, c = (np.tile(corners[:, k].astype(np.float64), (len(points), 1)) for k in range(3))
    weights = closest_weights(one, a, b, c)
    off = np.linalg.norm(one - weights[:, :1] * a - weights[:, 1:2] * b - weights[:, 2:] * c, axis=1)
    nearest = off.reshape(len(points), -1).argmin(axis=1)
    chosen = np.arange(len(points)) * len(corners) + nearest
    return nearest, weights[chosen], off[chosen]


def _distance(head: Head, seeds: NDArray[np.integer]) -> Doubles:
    """(V,) metres along edges from the nearest seed; inf beyond _AROUND."""
    ends, count = head.edges.T, len(head.vertices)
    length = np.linalg.norm(head.vertices[ends[0]] - head.vertices[ends[1]], axis=1).astype(np.float64)
    graph = scipy.sparse.coo_matrix((np.maximum(length, 1e-9), ends), (count, count)).tocsr()
    found = scipy.sparse.csgraph.dijkstra(graph, directed=False, indices=seeds, limit=_AROUND, min_only=True)
    return np.asarray(found)
