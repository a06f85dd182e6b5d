"""The state of the mesh's mouth at rest: open, sealed, or with too few vertices; and what to tell the user of it."""

from __future__ import annotations

import numpy as np

from ..arrays import Doubles, Ints
from ..head.canonical import Head
from .correspond import Following, line_of_mouth
from .frontview import FrontView, around_middle
from .mesh import Mesh
from .nonrigid import Pins

_DEEP = 0.0045  # metres behind the lips' line at which the view shows the mouth's inside
_RECEDES = 0.4  # of how far it is below the upper one that a lower lip may lie behind it
_SEARCH = (0.045, 0.015)  # metres down and up from the line
_NEAR = 0.008  # metres from the line's middle at which the opening must begin
_OPEN = 0.0015  # metres between the lips from which the mouth is open
_MIDDLE = 0.6  # of the mouth's width in which it is judged
_FRONT = 0.003  # metres behind the lips' line within which edges across it seal the mouth
_BINS, _SEALED = 6, 4  # parts of that width, and in how many of them an edge crosses
_FEW, _ALONG = 5, 0.006  # vertices along one lip, and metres from its edge within which they count


def rest_opening(head: Head, shape: Doubles, view: FrontView) -> tuple[float, Doubles, Doubles, Doubles] | None:
    """How far the mouth of what is seen stands open, in metres, and (x, low, high) of its rim; None where it does not.

    `shape` (V, 3) is the fitted canonical head, in the view's space.
    """
    line = line_of_mouth(head, shape)
    middle = line[len(line) // 2]
    half = 0.5 * np.ptp(line[:, 0])
    rows, columns = view.nearest_pixel(middle[[0, 0]] + [-half, half], middle[[2, 2]] + [-_SEARCH[0], _SEARCH[1]])
    x = view.low[0] + np.arange(columns[0], columns[1] + 1) * view.pixel
    z = view.low[1] + np.arange(rows[0], rows[1] + 1) * view.pixel
    depth = view.depth[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1]
    swung = _RECEDES * np.maximum(middle[2] - z, 0.0)[:, None]  # an open jaw lies further back
    inside = depth - np.interp(x, line[:, 0], line[:, 1]) - swung > _DEEP
    row = int(np.abs(z - middle[2]).argmin())
    beside = int(_NEAR / view.pixel)
    if not inside[max(row - beside, 0) : row + beside, len(x) // 2 - beside : len(x) // 2 + beside].any():
        return None
    opening = around_middle(inside, row, len(x) // 2)
    wide = np.flatnonzero(opening.any(axis=0))
    if len(wide) < 3 or opening[[0, -1]].any():  # none, or no mouth's: it runs out of the view
        return None
    low, high = z[opening[:, wide].argmax(axis=0)], z[len(z) - 1 - opening[::-1][:, wide].argmax(axis=0)]
    central = np.abs(x[wide] - middle[0]) < 0.5 * _MIDDLE * half
    height = float(np.median((high - low)[central])) if central.any() else 0.0
    return (height, x[wide], low, high) if height > _OPEN else None


def open_pins(head: Head, shape: Doubles, x: Doubles, low: Doubles, high: Doubles) -> Pins:
    """The inner lips on the rim of an open mouth: the upper one on its upper edge, the lower one on the lower."""
    vertices, heights = [], []
    for name, edge in (("upper", high), ("lower", low)):
        own = np.unique(head.regions[f"inner_lip_{name}"]).astype(np.int64)
        own = own[(shape[own, 0] >= x[0]) & (shape[own, 0] <= x[-1])]
        vertices.append(own)
        heights.append(np.interp(shape[own, 0], x, edge))
    chosen = np.concatenate(vertices)
    places = np.column_stack([shape[chosen, 0], shape[chosen, 1], np.concatenate(heights)])
    return Pins(chosen, places, np.tile([0.0, 0.0, 0.5], (len(chosen), 1)))


def mouth_notes(name: str, head: Head, registered: Doubles, target: Mesh, following: Following) -> tuple[str, ...]:
    """What the user should know of the mouth of the mesh, each with what to do; all in the canonical head's space."""
    line = line_of_mouth(head, registered)
    points = target.vertices[following.vertices]
    lips = np.abs(points[:, 0] - line[:, 0].mean()) < 0.5 * _MIDDLE * np.ptp(line[:, 0])
    lips &= points[:, 1] - np.interp(points[:, 0], line[:, 0], line[:, 1]) < _FRONT
    sides = np.zeros(len(target.vertices), np.int64)
    sides[following.vertices[lips]] = following.sides[lips]
    if _sealed(target, sides, line):
        return (
            f"The lips of '{name}' are one surface, so its mouth cannot open: in Edit Mode, select the edges between "
            "the lips, use Edge > Edge Split, and bind again.",
        )
    least = min(_beside(head, registered, following, points, sign) for sign in (1, -1))
    if least < _FEW:
        return (
            f"'{name}' has only {least} vertices along one lip: it speaks, but its lips will look folded. Subdivide it "
            "for better ones.",
        )
    return ()


def _beside(head: Head, registered: Doubles, following: Following, points: Doubles, sign: int) -> int:
    """How many vertices of one lip lie along its inner edge."""
    edge = registered[head.regions["inner_lip_upper" if sign > 0 else "inner_lip_lower"]]
    own = points[following.sides == sign]
    own = own[(np.abs(own - edge.mean(axis=0)) < np.ptp(edge[:, 0])).all(axis=1)]
    return int((np.linalg.norm(own[:, None] - edge, axis=2).min(axis=1) < _ALONG).sum()) if len(own) else 0


def open_note(name: str, height: float) -> str:
    """What to say of a mouth that is open at rest by `height` metres."""
    return (
        f"The mouth of '{name}' stands open by {height * 1000:.0f} mm at rest, so it will not close on p, b and m: "
        "close it in the rest pose, and bind again."
    )


def _sealed(target: Mesh, sides: Ints, line: Doubles) -> bool:
    """Whether edges join the lips' fronts along most of the mouth."""
    a, b = target.edges.T
    across = target.edges[sides[a] * sides[b] < 0]
    x = target.vertices[across, 0].mean(axis=1) - line[:, 0].mean()
    half = 0.5 * _MIDDLE * np.ptp(line[:, 0])
    parts = np.unique(np.floor((x + half) / (2 * half) * _BINS))
    return len(parts) >= _SEALED
