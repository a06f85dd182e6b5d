"""Features of a face that closest points slide along: the line of the mouth and the rims of the eyes' openings.

Found in the front view of the mesh, near where the fitted canonical head expects them.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Doubles, Ints
from ..head.canonical import Head
from .frontview import FrontView, around_middle, front_view
from .mesh import Mesh
from .mouth import open_pins, rest_opening
from .nonrigid import Pins, whole_skin

_PIXEL = 0.0005  # metres
_STEP = 4  # pixels above and below the mouth's line whose slopes are compared
_SEARCH = 0.012  # metres up and down in which the mouth's line is looked for
_BEND = 0.3  # how much of the crease one pixel off the expected course costs
_DEEP = 0.0025  # metres behind the lids at which the skin's view shows the eye's opening


def no_pins() -> Pins:
    """No features found."""
    return Pins(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 3)))


def joined(pins: list[Pins]) -> Pins:
    """All of them as one."""
    return Pins(
        *(np.concatenate([getattr(each, name) for each in pins]) for name in ("vertices", "positions", "weights"))
    )


def lid_margins(head: Head) -> tuple[Ints, Ints]:
    """The lids' free edges, left and right: vertices of the lids that touch the sockets."""
    lids, sockets = np.zeros((2, len(head.vertices)), bool)
    lids[head.regions["eyelids"]], sockets[head.regions["eye_sockets"]] = True, True
    a, b = head.edges.T
    margin = np.unique(np.concatenate([a[lids[a] & sockets[b]], b[lids[b] & sockets[a]]])).astype(np.int64)
    left = head.vertices[margin, 0] > 0
    return margin[left], margin[~left]


def find_features(head: Head, shape: Doubles, target: Mesh) -> tuple[Pins, float]:
    """Where the mouth's line and the lids' edges are, and by how many metres the mouth stands open at rest.

    `shape` (V, 3) and target are in the canonical head's space.
    """
    view = _face_view(head, shape, target.vertices, target.triangles)
    part = _part_in(view, target)
    on_skin = target.triangles[target.parts[target.triangles[:, 0]] == part]
    theirs = _face_view(head, shape, target.vertices, on_skin)
    triangles = head.triangles.astype(np.int64)
    own = _face_view(head, shape, shape, triangles[np.isin(triangles[:, 0], whole_skin(head))])
    opening = rest_opening(head, shape, theirs)
    pins = [mouth_pins(head, shape, target, view) if opening is None else open_pins(head, shape, *opening[1:])]
    pins += [eye_pins(shape, margin, own, theirs) for margin in lid_margins(head)]
    return joined(pins), opening[0] if opening else 0.0


def _face_view(head: Head, shape: Doubles, vertices: Doubles, triangles: Ints) -> FrontView:
    around = shape[head.landmarks][:, [0, 2]]
    return front_view(vertices, triangles, around.min(axis=0) - 0.01, around.max(axis=0) + 0.01, _PIXEL)


def facing_part(target: Mesh, head: Head, shape: Doubles) -> int:
    """The connected part of the mesh that fills most of the face's front: the skin."""
    return _part_in(_face_view(head, shape, target.vertices, target.triangles), target)


def _part_in(view: FrontView, target: Mesh) -> int:
    seen = view.triangle[view.triangle >= 0]
    return int(np.bincount(target.parts[target.triangles[seen, 0]]).argmax()) if len(seen) else 0


def mouth_pins(head: Head, shape: Doubles, target: Mesh, view: FrontView) -> Pins:
    """The inner lips' pairs on the mouth's line: both of a pair on the point of the line beside them."""
    upper, lower = (head.regions[name].astype(np.int64) for name in ("inner_lip_upper", "inner_lip_lower"))
    corners = head.regions["mouth_corners"].astype(np.int64)
    expected = np.concatenate([shape[corners[:1]], (shape[upper] + shape[lower]) / 2, shape[corners[1:]]])
    order = np.argsort(expected[:, 0])
    rows, columns = view.nearest_pixel(expected[order, 0], expected[order, 2])
    span = np.arange(columns[0], columns[-1] + 1)
    course = np.interp(span, columns, rows)
    crease = crease_of(target, view)
    path, strength = follow_crease(crease, span, course, int(_SEARCH / view.pixel))
    if strength < 0.25:
        return no_pins()
    at = np.interp(expected[:, 0], view.low[0] + span * view.pixel, path)
    height = view.low[1] + at * view.pixel
    vertices = np.concatenate([corners[:1], upper, corners[1:], lower])
    rises = np.concatenate([height, height[1:-1]])
    # Only the height is known: the course along the line, and the depth, stay with the closest points.
    positions = np.column_stack([shape[vertices, 0], shape[vertices, 1], rises])
    return Pins(vertices, positions, np.tile([0.0, 0.0, 0.5], (len(vertices), 1)))


def crease_of(target: Mesh, view: FrontView) -> Doubles:
    """(H, W) how much the surface looks down above a pixel and up below it: about 1 or 2 on the mouth's line."""
    normals = target.triangle_normals / np.maximum(
        np.linalg.norm(target.triangle_normals, axis=1, keepdims=True), 1e-30
    )
    up = np.where(view.triangle >= 0, normals[view.triangle, 2], 0.0)
    total = np.cumsum(np.pad(up, ((_STEP + 1, _STEP), (0, 0))), axis=0)
    height = len(up)
    below = total[_STEP : _STEP + height] - total[:height]
    above = total[2 * _STEP : 2 * _STEP + height] - total[_STEP : _STEP + height]
    crease: Doubles = (below - above) / _STEP
    return crease


def follow_crease(crease: Doubles, span: Ints, course: Doubles, reach: int) -> tuple[Doubles, float]:
    """The path of the strongest crease near a course, one row a column, and its mean strength.

    Dynamic programming over offsets from the course: the offset changes by at most one pixel a column.
    """
    offsets = np.arange(-reach, reach + 1)
    base = np.rint(course).astype(np.int64)
    rows = np.clip(base[:, None] + offsets, 0, len(crease) - 1)
    gain = crease[rows, span[:, None]] - 0.3 * (offsets / reach) ** 2
    total, came = gain[0], np.zeros((len(span), len(offsets)), np.int64)
    for column in range(1, len(span)):
        padded = np.pad(total, 1, constant_values=-np.inf)
        options = np.stack([padded[:-2] - _BEND, padded[1:-1], padded[2:] - _BEND])
        choice = options.argmax(axis=0)
        came[column] = np.clip(np.arange(len(offsets)) + choice - 1, 0, len(offsets) - 1)
        total = options.max(axis=0) + gain[column]
    place = int(total.argmax())
    path = np.zeros(len(span))
    strength = 0.0
    for column in range(len(span) - 1, -1, -1):
        path[column] = rows[column, place]
        strength += float(crease[rows[column, place], span[column]])
        place = int(came[column, place])
    return np.convolve(np.pad(path, 3, mode="edge"), np.full(7, 1 / 7), "valid"), strength / len(span)


def eye_pins(shape: Doubles, margin: Ints, own: FrontView, theirs: FrontView) -> Pins:
    """The edge of one eye's lids, moved as the rim of the opening differs; none where either has no opening.

    `own` and `theirs` are views of the skins alone, of the canonical head and of the target.
    """
    lids = shape[margin]
    before, after = _rim(lids, own), _rim(lids, theirs)
    if before is None or after is None:
        return no_pins()
    share = (lids[:, 0] - lids[:, 0].min()) / np.ptp(lids[:, 0])
    ends = lids[[lids[:, 0].argmin(), lids[:, 0].argmax()]]
    upper = lids[:, 2] > np.interp(lids[:, 0], ends[:, 0], ends[:, 2])
    steps = np.linspace(0.0, 1.0, before.shape[1])
    change = [np.interp(share, steps, after[k] - before[k]) for k in range(3)]
    goal = lids + np.column_stack([change[0], np.zeros(len(lids)), np.where(upper, change[2], change[1])])
    return Pins(margin, goal, np.tile([0.5, 0.0, 0.5], (len(margin), 1)))


def _rim(lids: Doubles, skin: FrontView) -> Doubles | None:
    """(3, 33) x, lower z and upper z of an eye's opening from its right end to its left one."""
    middle = (lids.min(axis=0) + lids.max(axis=0)) / 2
    half = 0.65 * np.ptp(lids[:, 0])
    rows, columns = skin.nearest_pixel(middle[[0, 0]] + [-half, half], middle[[2, 2]] + [-half, half])
    depth = skin.depth[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1]
    x = skin.low[0] + np.arange(columns[0], columns[1] + 1) * skin.pixel
    z = skin.low[1] + np.arange(rows[0], rows[1] + 1) * skin.pixel
    deep = depth - _bowl(lids, middle, x, z) > _DEEP
    opening = around_middle(deep, int(np.abs(z - middle[2]).argmin()), int(np.abs(x - middle[0]).argmin()))
    wide = np.flatnonzero(opening.any(axis=0))
    if not 0.4 < len(wide) * skin.pixel / np.ptp(lids[:, 0]) < 2.0:
        return None
    low, high = z[opening[:, wide].argmax(axis=0)], z[len(z) - 1 - opening[::-1][:, wide].argmax(axis=0)]
    at = np.linspace(x[wide[0]], x[wide[-1]], 33)
    return np.stack([at, np.interp(at, x[wide], low), np.interp(at, x[wide], high)])


def _bowl(lids: Doubles, middle: Doubles, x: Doubles, z: Doubles) -> Doubles:
    """(rows, columns) depth of the lids' edge, carried over the eye: curved from side to side, as the lids are."""
    across, up = lids[:, 0] - middle[0], lids[:, 2] - middle[2]
    terms = np.column_stack([np.ones(len(lids)), across, across**2, up])
    bent = np.linalg.lstsq(terms, lids[:, 1], rcond=None)[0]
    x = x - middle[0]
    bowl: Doubles = bent[0] + bent[1] * x + bent[2] * x**2 + bent[3] * (z - middle[2])[:, None]
    return bowl
