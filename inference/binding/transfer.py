"""Deformation transfer: the canonical head's deltas on the registered shape, turned and scaled as it is there.

In the manner of Sumner and Popovic 2004, with one similarity a vertex (Procrustes of its surroundings) in place of a
gradient a triangle: on heads this is as exact, and it needs no solve for each shape. Everything is linear in the
deltas, so that sums of shapes stay sums; contacts are kept by construction, see `Carrier`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Doubles, Ints
from ..head.canonical import Head
from ..numeric import Similarity, fit_similarity
from .features import lid_margins
from .nearest import PointGrid
from .nonrigid import whole_skin
from .solve import Graph, edge_weights, edges_within, graph_of, numbering

_SWEEPS = 12  # rings whose turn and size a vertex shares
_PARTS = {
    "left_eye": ("eyelids", "left"),
    "right_eye": ("eyelids", "right"),
    "upper_teeth": ("outer_lips", ""),
    "lower_teeth": ("outer_lips", ""),
    "tongue": ("outer_lips", ""),
}


@dataclass(frozen=True, eq=False)
class Lids:
    """One eye: for each vertex of the upper edge the point of the lower edge that it closes on."""

    upper: Ints  # (n,)
    lower: Ints  # (n, 2)
    share: Doubles  # (n,) of the second of `lower`
    stretch: Doubles  # (n, 3, 3) takes the canonical opening to the registered one
    follow: Doubles  # (V', n) how much each vertex of `around` does what the edge does
    around: Ints  # (V',)


@dataclass(frozen=True, eq=False)
class Carrier:
    """Takes deltas (V, 3) of the canonical head to the registered one.

    Lips that meet stay together, for both get the same turn and size. Lids close by as much of their opening as the
    canonical ones do of theirs: a blink that shuts those shuts these.
    """

    frames: Doubles  # (V, 3, 3) turn times size
    lids: tuple[Lids, ...]

    def carry(self, delta: Doubles) -> Doubles:
        """(V, 3) -> (V, 3), linear."""
        moved = np.einsum("nij,nj->ni", self.frames, delta)
        for each in self.lids:
            share = each.share[:, None]
            below = (1 - share) * delta[each.lower[:, 0]] + share * delta[each.lower[:, 1]]
            base = (1 - share) * moved[each.lower[:, 0]] + share * moved[each.lower[:, 1]]
            due = base + np.einsum("nij,nj->ni", each.stretch, delta[each.upper] - below)
            moved[each.around] += each.follow @ (due - moved[each.upper])
        return moved


def carrier(head: Head, registered: Doubles) -> Carrier:
    """How deltas go from the canonical head to the registered one (V, 3), both in the canonical head's space."""
    skin = whole_skin(head)
    before = head.vertices.astype(np.float64)
    frames = np.zeros((len(before), 3, 3))
    place = numbering(skin, len(before))
    edges = edges_within(head.edges, place)
    local = _frames(before[skin], registered[skin], edges)
    frames[skin] = _same_on_both_lips(head, place, local, edges, before)
    for part, moved in part_placements(head, registered).items():
        frames[head.regions[part]] = moved.scale * moved.rotation
    rest = np.flatnonzero(np.abs(frames).sum(axis=(1, 2)) == 0)  # lashes and brows: as the skin beside them
    frames[rest] = frames[skin[_nearest(before[rest], before[skin])]]
    lids = tuple(_lids(head, margin, before, registered, frames) for margin in lid_margins(head))
    return Carrier(frames, lids)


def part_placements(head: Head, registered: Doubles) -> dict[str, Similarity]:
    """Where eyes, teeth and tongue go, as what surrounds them goes: region name -> similarity."""
    before = head.vertices.astype(np.float64)
    result = {}
    for part, (around, side) in _PARTS.items():
        index = head.regions[around]
        if side:
            index = index[(before[index, 0] > 0) == (side == "left")]
        result[part] = fit_similarity(before[index], registered[index])
    return result


def with_parts(head: Head, registered: Doubles) -> Doubles:
    """(V, 3) the registered skin with all other parts brought along."""
    moved, before = registered.copy(), head.vertices.astype(np.float64)
    for part, place in part_placements(head, registered).items():
        moved[head.regions[part]] = place.apply(before[head.regions[part]])
    skin = whole_skin(head)
    for part in ("lashes", "brows"):
        index = head.regions[part]
        near = skin[_nearest(before[index], before[skin])]
        moved[index] = before[index] + registered[near] - before[near]
    return moved


def _nearest(points: Doubles, among: Doubles) -> Ints:
    return PointGrid(among).nearest(points)[0]


def _frames(before: Doubles, after: Doubles, edges: Ints) -> Doubles:
    """(n, 3, 3) turn times size of each vertex's surroundings, by Procrustes on the edges around it."""
    a, b = edges.T
    first, second = before[b] - before[a], after[b] - after[a]
    length = np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-12)
    first, second = first / length, second / length
    stack = np.column_stack([np.einsum("ni,nj->nij", second, first).reshape(-1, 9), (first**2).sum(axis=1)])
    total = np.column_stack([np.bincount(a, c, len(before)) + np.bincount(b, c, len(before)) for c in stack.T])
    graph = graph_of(edges, len(before))
    for _ in range(_SWEEPS):
        total = total + graph.mean(total)
    left, size, right = np.linalg.svd(total[:, :9].reshape(-1, 3, 3))
    sign = np.sign(np.linalg.det(left) * np.linalg.det(right))
    size[:, 2] *= sign
    left[:, :, 2] *= sign[:, None]
    scale = size.sum(axis=1) / np.maximum(total[:, 9], 1e-300)
    result: Doubles = (left @ right) * scale[:, None, None]
    return result


def _same_on_both_lips(head: Head, place: Ints, frames: Doubles, edges: Ints, before: Doubles) -> Doubles:
    """One frame for what is above and below each point of the mouth's line, fading into the skin's own frames."""
    pairs = [place[head.regions[name]] for name in ("inner_lip_upper", "inner_lip_lower")]
    shared = (frames[pairs[0]] + frames[pairs[1]]) / 2
    at = before[head.regions["inner_lip_upper"]]
    skin = np.flatnonzero(place >= 0)
    off = np.linalg.norm(before[skin][:, None] - at, axis=2)
    share = np.clip((0.02 - off.min(axis=1)) / 0.012, 0.0, 1.0)[:, None, None]  # whole within 8 mm, none from 20
    along = np.argsort(at[:, 0])
    across = np.clip(before[skin, 0], at[:, 0].min(), at[:, 0].max())
    flat = shared.reshape(len(at), 9)[along]
    wanted = np.column_stack([np.interp(across, at[along, 0], column) for column in flat.T]).reshape(-1, 3, 3)
    return (1 - share) * frames + share * wanted


def _lids(head: Head, margin: Ints, before: Doubles, after: Doubles, frames: Doubles) -> Lids:
    ends = margin[[before[margin, 0].argmin(), before[margin, 0].argmax()]]
    chord = np.interp(before[margin, 0], before[ends, 0], before[ends, 2])
    inner = ~np.isin(margin, ends)
    upper = margin[inner & (before[margin, 2] > chord)]
    lower = np.concatenate([ends[:1], margin[inner & (before[margin, 2] <= chord)], ends[1:]])
    lower = lower[np.argsort(before[lower, 0])]
    shut = _shut(head, before[margin].mean(axis=0)[0] > 0)
    x = (before + shut)[:, 0]
    place = np.clip(np.searchsorted(x[lower], x[upper]), 1, len(lower) - 1)
    pair = np.stack([lower[place - 1], lower[place]], axis=1)
    share = np.clip((x[upper] - x[pair[:, 0]]) / np.maximum(x[pair[:, 1]] - x[pair[:, 0]], 1e-9), 0.0, 1.0)

    def opening(vertices: Doubles) -> Doubles:
        return (1 - share)[:, None] * vertices[pair[:, 0]] + share[:, None] * vertices[pair[:, 1]] - vertices[upper]

    stretch = np.stack(
        [
            _stretch(frame, old, new)
            for frame, old, new in zip(frames[upper], opening(before), opening(after), strict=True)
        ]
    )
    around, follow = _follow(head, upper, np.concatenate([lower, ends]), before)
    return Lids(upper, pair, share, stretch, follow, around)


def _shut(head: Head, left: bool) -> Doubles:
    name = "eyeBlinkLeft" if left else "eyeBlinkRight"
    return head.arkit[head.arkit_names.index(name)].astype(np.float64)


def _stretch(frame: Doubles, old: Doubles, new: Doubles) -> Doubles:
    """(3, 3) the frame, but taking the vector `old` to `new` where both are long enough to say anything."""
    length = float(old @ old)
    if length < 1e-6:  # under a millimetre: the corner of the eye
        return frame
    stretched: Doubles = frame + np.outer(new - frame @ old, old) / length
    return stretched


def _follow(head: Head, edge: Ints, still: Ints, before: Doubles) -> tuple[Ints, Doubles]:
    """Vertices around an upper lid's edge, and (V', n) weights: 1 on the edge, none a few rings away."""
    skin = whole_skin(head)
    near = skin[np.linalg.norm(before[skin][:, None] - before[edge], axis=2).min(axis=1) < 0.012]
    place = numbering(near, len(before))
    edges = edges_within(head.edges, place)
    graph: Graph = graph_of(edges, len(near), edge_weights(before[near], edges))
    system = np.diag(graph.degree + 0.15 * np.median(graph.degree))
    for k in range(graph.neighbours.shape[1]):
        np.add.at(system, (np.arange(len(near)), graph.neighbours[:, k]), -graph.weights[:, k])
    rows, fixed = place[edge], place[still[place[still] >= 0]]
    right = np.zeros((len(near), len(edge)))
    for row in np.concatenate([rows, fixed]):
        system[row] = 0.0
        system[row, row] = 1.0
    right[rows, np.arange(len(edge))] = 1.0
    return near, np.linalg.solve(system, right)
