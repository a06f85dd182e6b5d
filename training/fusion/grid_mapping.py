"""Making the geometric mapping: a head's face and tongue flattened into one square image.

Tutte's embedding (1963): the patch's rim goes to the rectangle's sides, every other vertex to a weighted mean of its
neighbours. With positive weights it never folds. The weights are raised along edges that come out long and lowered
along short ones until all edges are about as long, so that the dense mesh around lips and lids gets the pixels that
its vertices deserve. Holes (eyes, mouth) are closed by a hub vertex before flattening.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
import scipy.sparse.linalg
from numpy.typing import NDArray

from ...inference.arrays import Doubles, Ints32
from ...inference.engine.uv_grid import Grid
from ...inference.head.canonical import Head

SIDE = 64
FACE_TILE = (0, 0, 56, 64)  # first row, first column, rows, columns
TONGUE_TILE = (56, 0, 8, 64)
EQUALISING_STEPS = 40


def head_grid(head: Head) -> Grid:
    """The image of the canonical head: the moving skin above, the tongue below."""
    index = np.zeros((SIDE, SIDE, 3), np.int32)
    weight = np.zeros((SIDE, SIDE, 3), np.float32)
    for name, (row, column, rows, columns) in (("face", FACE_TILE), ("tongue", TONGUE_TILE)):
        triangles = patch(head.triangles, head.regions[name], head.vertices)
        place = flatten(triangles, head.vertices)
        tile = np.s_[row : row + rows, column : column + columns]
        index[tile], weight[tile] = rasterise(triangles, place, rows, columns)
    return Grid(index, weight)


def patch(triangles: Ints32, region: Ints32, vertices: NDArray[np.float32]) -> Ints32:
    """The largest connected piece (n, 3) of the triangles inside a region, a disc with holes whose rims are simple.

    A closed surface (a tongue) is opened at its back.
    """
    inside = np.zeros(len(vertices), bool)
    inside[region] = True
    piece = _largest(triangles[inside[triangles].all(axis=1)])
    if not len(_rim_edges(piece)):
        depth = vertices[piece, 1].mean(axis=1)
        piece = _largest(piece[depth < np.quantile(depth, 0.9)])
    while len(pinched := _pinched(piece)):
        piece = _largest(piece[~np.isin(piece, pinched).any(axis=1)])
    return piece


def _largest(triangles: Ints32) -> Ints32:
    size = int(triangles.max()) + 1
    a, b = np.concatenate([triangles, np.roll(triangles, -1, axis=1)]).reshape(2, -1)
    graph = scipy.sparse.coo_matrix((np.ones(len(a)), (a, b)), (size, size))
    label = scipy.sparse.csgraph.connected_components(graph, directed=False)[1][triangles[:, 0]]
    return triangles[label == np.bincount(label).argmax()]


def _rim_edges(triangles: Ints32) -> Ints32:
    """Directed edges (n, 2) that belong to one triangle alone."""
    edges = np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    _, inverse, count = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True, return_counts=True)
    return edges[count[inverse.ravel()] == 1]


def _pinched(triangles: Ints32) -> Ints32:
    """Vertices at which two rims touch."""
    vertex, count = np.unique(_rim_edges(triangles)[:, 0], return_counts=True)
    return vertex[count > 1]


def _rims(triangles: Ints32) -> list[Ints32]:
    """The closed loops of vertices around the patch and its holes."""
    following = dict(_rim_edges(triangles).tolist())
    loops = []
    while following:
        start, vertex = following.popitem()
        loop = [start]
        while vertex != start:
            loop.append(vertex)
            vertex = following.pop(vertex)
        loops.append(np.array(loop, np.int32))
    return loops


def flatten(triangles: Ints32, vertices: NDArray[np.float32]) -> dict[int, Doubles]:
    """Place (u, v) in the unit square of every vertex of a patch: u from the character's right to left, v down."""

    def circumference(loop: Ints32) -> float:
        return float(np.linalg.norm(np.diff(vertices[loop], axis=0, append=vertices[loop[:1]]), axis=1).sum())

    rims = sorted(_rims(triangles), key=circumference)
    outer, holes = rims[-1], rims[:-1]
    used = np.unique(triangles)
    row = {int(v): i for i, v in enumerate(used)}
    ends = [np.concatenate([triangles, np.roll(triangles, -1, axis=1)]).reshape(2, -1)]
    renamed = np.vectorize(row.__getitem__)(ends[0])
    pairs = [renamed]
    for i, hole in enumerate(holes):
        pairs.append(np.stack([[row[int(v)] for v in hole], np.full(len(hole), len(used) + i)]))
    a, b = np.concatenate(pairs, axis=1)
    size = len(used) + len(holes)
    fixed = np.array([row[int(v)] for v in outer])
    rim = _square_rim(vertices[outer])
    edges = np.unique(np.sort(np.stack([a, b], axis=1), axis=1), axis=0)
    stiffness = np.ones(len(edges))
    for _ in range(EQUALISING_STEPS):
        place = _embed(edges, stiffness, size, fixed, rim)
        length = np.linalg.norm(place[edges[:, 0]] - place[edges[:, 1]], axis=1)
        stiffness *= np.sqrt(np.maximum(length, 1e-4) / length.mean())
    place = _embed(edges, stiffness, size, fixed, rim)
    return {int(v): place[i] for i, v in enumerate(used)}


def _embed(edges: Ints32, stiffness: Doubles, size: int, fixed: Ints32, rim: Doubles) -> Doubles:
    """Places (size, 2): the rim's given, every other vertex at the weighted mean of its neighbours (Tutte)."""
    a, b = edges.T
    near = scipy.sparse.coo_matrix((np.r_[stiffness, stiffness], (np.r_[a, b], np.r_[b, a])), (size, size)).tocsr()
    laplacian = scipy.sparse.diags(np.asarray(near.sum(axis=1)).ravel()) - near
    free = np.setdiff1d(np.arange(size), fixed)
    solve = scipy.sparse.linalg.factorized(laplacian[free][:, free].tocsc())
    right = -laplacian[free][:, fixed] @ rim
    place = np.zeros((size, 2))
    place[fixed] = rim
    place[free] = np.stack([solve(right[:, axis]) for axis in (0, 1)], axis=1)
    return place


def _square_rim(points: NDArray[np.float32]) -> Doubles:
    """The rim's points (n, 3) spread over the sides of the unit square, its corners at the rim's own corners.

    The rim's corners are where it reaches furthest along the diagonals of its front view (for a tongue, whose rim
    is upright, of the same view), so that the face stands upright in the image.
    """
    x, z = (points[:, axis] - points[:, axis].mean() for axis in (0, 2))
    x, z = x / max(np.ptp(x), 1e-9), z / max(np.ptp(z), 1e-9)
    wanted = [(-1, 1), (1, 1), (1, -1), (-1, -1)]  # right top, left top, left bottom, right bottom
    corners = [int(np.argmax(sx * x + sz * z)) for sx, sz in wanted]
    targets = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    if (np.diff(np.roll(corners, -int(np.argmin(corners)))) < 0).any():  # the rim runs the other way round
        corners, targets = corners[::-1], targets[::-1]
    first = int(np.argmin(corners))
    corners, targets = corners[first:] + corners[:first], np.roll(targets, -first, axis=0)
    steps = np.linalg.norm(np.diff(points, axis=0, append=points[:1]), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    total = along[-1]
    knots = np.array([along[c] for c in corners])
    positions = (along[:-1] - knots[0]) % total
    knots = np.append(knots - knots[0], total)
    return np.stack([np.interp(positions, knots, np.append(targets[:, k], targets[0, k])) for k in (0, 1)], axis=1)


def rasterise(
    triangles: Ints32, place: dict[int, Doubles], rows: int, columns: int
) -> tuple[Ints32, NDArray[np.float32]]:
    """Vertices and barycentric weights (rows, columns, 3) at each pixel's centre; weight 0 where no triangle is."""
    index = np.zeros((rows, columns, 3), np.int32)
    weight = np.zeros((rows, columns, 3), np.float32)
    for triangle in triangles:
        corners = np.array([place[int(v)] for v in triangle]) * (columns, rows) - 0.5
        low = np.maximum(np.ceil(corners.min(axis=0) - 1e-9), 0).astype(int)
        high = np.minimum(np.floor(corners.max(axis=0) + 1e-9), (columns - 1, rows - 1)).astype(int)
        if (high < low).any():
            continue
        u, v = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
        share = _barycentric(corners, np.stack([u, v], axis=-1))
        hit = (share > -1e-9).all(axis=-1)
        index[v[hit], u[hit]], weight[v[hit], u[hit]] = triangle, share[hit]
    return index, weight


def _barycentric(corners: Doubles, points: NDArray[np.int_]) -> Doubles:
    matrix = np.column_stack([corners[0] - corners[2], corners[1] - corners[2]])
    if abs(np.linalg.det(matrix)) < 1e-12:
        return np.full((*points.shape[:-1], 3), -1.0)
    first = (points - corners[2]) @ np.linalg.inv(matrix).T
    return np.concatenate([first, 1 - first.sum(axis=-1, keepdims=True)], axis=-1)
