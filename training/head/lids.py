"""Lids: their edges, lids that close on each other, and lids that stay outside the eyeball."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
from scipy.spatial import cKDTree

from ...inference.arrays import Doubles, Ints
from .gaze import gaze_delta
from .mesh import QuadMesh, Spread
from .scan import EYE_SOCKETS, SHELLS, Scan

SIDES = ("left", "right")
_INNER, _OUTER = {"left": 42, "right": 39}, {"left": 45, "right": 36}  # landmarks of the corners
_ABOVE = {"left": (43, 44), "right": (38, 37)}  # landmarks of the upper lid, outwards
RINGS = 6  # loops around the edge that count as the lid
LID_GAP = 0.1e-3  # metres that the upper lid's edge stops above the lower one's
CLEARANCE = 0.25e-3  # metres from the eyeball to the lid's edge and skin
_REACH = 0.009  # metres over which a lid's move fades
_ROUNDS = 6
_NEAR = 4  # vertices of the eyeball that its radius in a direction is read from


@dataclass(frozen=True, eq=False)
class Eyeball:
    """The white and cornea of one eye: which way out is, and how far its surface is from the centre."""

    centre: Doubles
    directions: cKDTree
    radii: Doubles

    def height(self, points: Doubles) -> Doubles:
        """(n,) metres from the eyeball's surface to points, negative inside."""
        away = points - self.centre
        distance = np.linalg.norm(away, axis=1)
        apart, near = self.directions.query(away / distance[:, None], k=_NEAR)
        share = 1 / np.maximum(apart, 1e-6)
        return distance - (self.radii[near] * share).sum(axis=1) / share.sum(axis=1)

    def outside(self, points: Doubles, clearance: Doubles | float) -> Doubles:
        """Points pushed away from the centre to at least `clearance` over the surface."""
        away = points - self.centre
        short = np.maximum(clearance - self.height(points), 0.0)
        return points + away / np.linalg.norm(away, axis=1, keepdims=True) * short[:, None]

    def looking(self, direction: str, side: str) -> Eyeball:
        """The same eye turned: its cornea stands out elsewhere."""
        away = np.asarray(self.directions.data)
        turned = away + gaze_delta(self.centre + away, self.centre, direction, side)
        return Eyeball(self.centre, cKDTree(turned), self.radii)


def find_eyeball(vertices: Doubles, side: str) -> Eyeball:
    """From the scan's shell; its back half is a sphere, whose centre the eye turns about."""
    shell = vertices[SHELLS[side]]
    back = shell[shell[:, 1] > np.median(shell[:, 1])]
    system = np.c_[2 * back, np.ones(len(back))]
    centre = np.linalg.lstsq(system, (back**2).sum(axis=1), rcond=None)[0][:3]
    away = shell - centre
    radii = np.linalg.norm(away, axis=1)
    return Eyeball(centre, cKDTree(away / radii[:, None]), radii)


@dataclass(frozen=True, eq=False)
class Lids:
    """One eye's lids. `edge` is a closed loop that starts at the inner corner and runs over the upper lid."""

    side: str
    edge: Ints
    outer_corner: int  # index into `edge`
    rings: tuple[Ints, ...]  # of skin around the edge, outwards
    inside: Ints  # skin behind the edge, in the socket

    @property
    def upper(self) -> Ints:
        """The upper lid's edge from the inner to the outer corner, both included."""
        return self.edge[: self.outer_corner + 1]

    @property
    def lower(self) -> Ints:
        """The lower lid's edge from the inner to the outer corner, both included."""
        return np.r_[self.edge[0], self.edge[: self.outer_corner - 1 : -1]]

    @property
    def skin(self) -> Ints:
        """The edge and the rings around it."""
        return np.concatenate([self.edge, *self.rings])


def find_lids(scan: Scan, mesh: QuadMesh, side: str) -> Lids:
    """The lids of one side; the mesh is the scan's skin."""
    first, second = (int(scan.landmarks[k]) for k in _ABOVE[side])
    beside = mesh.neighbours(second)
    towards = scan.vertices[first] - scan.vertices[second]
    ahead = max(beside, key=lambda v: float((scan.vertices[v] - scan.vertices[second]) @ towards))
    loop = np.array(mesh.straightest(second, ahead, scan.vertices))
    inner = int(scan.landmarks[_INNER[side]])
    start = int(np.linalg.norm(scan.vertices[loop] - scan.vertices[inner], axis=1).argmin())
    edge = np.roll(loop, -start)
    if np.flatnonzero(edge == second)[0] > len(edge) / 2:  # it runs over the lower lid first
        edge = np.roll(edge[::-1], 1)
    outer = int(np.flatnonzero(edge == scan.landmarks[_OUTER[side]])[0])
    sockets = np.arange(EYE_SOCKETS.start, EYE_SOCKETS.stop)
    inside = beyond(mesh, edge, sockets[scan.vertices[sockets, 0] * scan.vertices[inner, 0] > 0])
    rings = [np.setdiff1d(ring, inside) for ring in mesh.rings(edge, RINGS)[1:]]
    return Lids(side, edge, outer, tuple(rings), inside)


def beyond(mesh: QuadMesh, loop: Ints, seeds: Ints) -> Ints:
    """The vertices that a closed loop parts from the rest, on the side where the seeds are."""
    kept = np.ones(mesh.count, bool)
    kept[loop] = False
    cut = mesh.near.multiply(kept[:, None]).multiply(kept[None]).tocsr()
    cut.eliminate_zeros()  # SciPy takes a stored zero for an edge
    label = scipy.sparse.csgraph.connected_components(cut, directed=False)[1]
    return np.flatnonzero(np.isin(label, np.unique(label[np.setdiff1d(seeds, loop)])) & kept)


class LidSettler:
    """Closes lids on each other and keeps them outside the eyeball."""

    def __init__(self, lids: Lids, ball: Eyeball, mesh: QuadMesh, neutral: Doubles) -> None:
        self.lids, self.ball = lids, ball
        self._clearance = np.minimum(np.maximum(ball.height(neutral[lids.skin]), CLEARANCE), 2 * CLEARANCE)
        self._spread = Spread(mesh, neutral, np.unique(lids.edge), _REACH)

    def closed(self, vertices: Doubles) -> Doubles:
        """(n, 3) a copy in which the upper lid's edge ends LID_GAP above the lower one's, outside the eyeball."""
        result = self.clear(vertices)
        for _ in range(_ROUNDS):
            lower = result[self.lids.lower]
            upper = result[self.lids.upper]
            order = np.argsort(lower[:, 0])
            due = np.interp(upper[:, 0], lower[order, 0], lower[order, 2]) + LID_GAP
            move = due - upper[:, 2]
            move[[0, -1]] = 0.0
            if np.abs(move).max() < 0.02e-3:
                break
            known = np.zeros(len(result))
            known[self.lids.upper] = move
            result[:, 2] += self._spread(known[self._spread.handles][:, None])[:, 0]
            result = self.clear(result)
        return result

    def clear(self, vertices: Doubles, ball: Eyeball | None = None) -> Doubles:
        """(n, 3) a copy whose lids lie about as far outside the eyeball (at rest, or as given) as in the neutral."""
        result = vertices.copy()
        result[self.lids.skin] = (ball or self.ball).outside(result[self.lids.skin], self._clearance)
        return result
