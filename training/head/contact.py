"""Where soft tissue meets: lips that close on each other, lids that close on the eyeball."""

from __future__ import annotations

import numpy as np

from .eyes import Ball
from .sources import Doubles, Indices
from .topology import Loops, lip_halves

LIP_GAP = 0.15e-3  # metres between closed lips
LID_GAP = 0.2e-3
LID_THICKNESS = 0.35e-3  # the lid's edge stays this far outside the ball
# How much of the shift of the lips' contact line its neighbouring loops take, outwards and inwards.
_OUTWARD = (0.85, 0.6, 0.35, 0.18, 0.06)
_INWARD = (0.9, 0.6, 0.3, 0.1)
_SLIDE = (0.35, 0.7)  # of the mouth's half width: lips slide over each other before, and nowhere beyond
_WALL = 0.012  # metres: the mouth's front wall is pushed back by no more
# The shares of the loops around the lids' edge, outwards.
_LID_FADE = (1.0, 1.0, 0.95, 0.85, 0.7, 0.5, 0.25)


def lip_gaps(vertices: Doubles, loop: Indices) -> tuple[Doubles, Doubles]:
    """(upper, lower) vertical gaps in metres at the vertices of both halves of a lip loop, corners included."""
    upper, lower = lip_halves(loop)
    a, b = vertices[upper], vertices[lower]
    return a[:, 2] - _height_at(b, a[:, 0]), _height_at(a, b[:, 0]) - b[:, 2]


def close_lips(vertices: Doubles, loops: Loops, only_overlaps: bool = False) -> Doubles:
    """A copy in which the lips' contact line is closed to LIP_GAP and the loops inside of it do not overlap.

    With `only_overlaps`, gaps are left as they are: lips that part in the middle and not beside it.
    """
    result = vertices.copy()
    for side, gap in zip((0, 1), lip_gaps(vertices, loops.lip_contact), strict=True):
        if only_overlaps:
            gap = np.minimum(gap, LIP_GAP)
        shift = 0.5 * (gap - LIP_GAP) * (1 if side else -1)
        _shift_lip(result, loops, side, 2, shift)
    for ring in loops.lip_inward[:2]:
        gaps = [np.minimum(gap - LIP_GAP, 0.0) for gap in lip_gaps(result, ring)]
        for side, half in enumerate(lip_halves(ring)):
            push = 0.5 * gaps[side] * (1 if side else -1)
            push[[0, -1]] = 0.0
            result[half, 2] += push
    return result


def slide_as_one(neutral: Doubles, vertices: Doubles, loops: Loops) -> Doubles:
    """A copy in which closed lips go back and forth together near the corners, where one lies curled in the other."""
    result, halves = vertices.copy(), lip_halves(loops.lip_contact)
    moved = [(vertices - neutral)[half, 1] for half in halves]
    for side, (own, other) in enumerate((halves, halves[::-1])):
        x = neutral[own, 0]
        beside = _read_along(neutral[other, 0], moved[1 - side], x)
        across = np.clip((np.abs(x) / np.abs(x).max() - _SLIDE[0]) / (_SLIDE[1] - _SLIDE[0]), 0.0, 1.0)
        _shift_lip(result, loops, side, 1, 0.5 * across * (beside - moved[side]))
    return result


def _shift_lip(vertices: Doubles, loops: Loops, side: int, axis: int, shift: Doubles) -> None:
    """Move the contact line of the upper (0) or lower (1) lip but for its corners, and the loops beside it by less."""
    shift[[0, -1]] = 0.0
    rings = (loops.lip_contact, *loops.lip_outward, *loops.lip_inward)
    shares = (1.0, *_OUTWARD, *(0.0,) * (len(loops.lip_outward) - len(_OUTWARD)), *_INWARD)
    for ring, share in zip(rings, shares, strict=True):
        vertices[lip_halves(ring)[side], axis] += share * shift


def _height_at(line: Doubles, x: Doubles) -> Doubles:
    """z of a polyline from right to left at the places x."""
    return _read_along(line[:, 0], line[:, 2], x)


def _read_along(across: Doubles, values: Doubles, x: Doubles) -> Doubles:
    """Values known `across` a line from right to left, at the places x; the corners' folds are sorted away."""
    order = np.argsort(across)
    return np.interp(x, across[order], values[order])


def bag_depth(vertices: Doubles, bag: Indices, skin: Indices) -> Doubles:
    """(n,) metres from each vertex of the mouth's inside forward to the skin vertex before it; negative: outside."""
    front = skin[vertices[skin, 1] < vertices[bag, 1].min() + 0.03]
    offset = vertices[bag][:, None, [0, 2]] - vertices[front][None][..., [0, 2]]
    return vertices[bag, 1] - vertices[front[(offset**2).sum(axis=-1).argmin(axis=1)], 1]


def push_bag_back(vertices: Doubles, bag: Indices, skin: Indices, depth: Doubles) -> Doubles:
    """A copy in which the mouth's inside lies at least `depth` (n,) behind the skin, as far as that is near."""
    missing = depth - bag_depth(vertices, bag, skin)
    result = vertices.copy()
    result[bag, 1] += np.clip(missing, 0.0, _WALL)
    return result


def close_lid(
    neutral: Doubles, blink: Doubles, ball: Ball, edge: Indices, rings: list[Indices], hidden: Indices, lashes: Indices
) -> Doubles:
    """A copy of `blink` (V, 3) whose upper lid stops where it meets the lower one, outside of the ball.

    `edge` and `rings` are loops of 28 from the inner corner over the upper lid; `hidden` is the skin behind the lids.
    Each column of the upper lid keeps its direction of travel; its length is scaled. What hangs on it does likewise.
    """
    result = blink.copy()
    columns = np.arange(1, 14)
    for ring in (edge, *rings[:3]):
        result = keep_outside(neutral, result, ball, ring)
    lower = result[edge[:14:-1]]
    start, end = neutral[edge[columns]], blink[edge[columns]]
    scale = np.ones(len(columns))
    for _ in range(4):  # the meeting height depends on where the upper lid ends
        reached = start + scale[:, None] * (end - start)
        meeting = _height_at(lower, reached[:, 0]) + LID_GAP
        scale = np.clip((start[:, 2] - meeting) / np.maximum(start[:, 2] - end[:, 2], 1e-5), 0.0, 1.6)
    whole = np.ones(len(edge))
    whole[columns] = scale
    for ring, fade in zip((edge, *rings), (1.0, *_LID_FADE), strict=True):
        travel = blink[ring[columns]] - neutral[ring[columns]]
        scaled = neutral[ring[columns]] + (1 + fade * (scale[:, None] - 1)) * travel
        clearance = LID_THICKNESS + 0.8 * np.maximum(_height(neutral[ring[columns]], ball), 0.0)
        result[ring[columns]] = _outside(scaled, ball, clearance)
    for part in (hidden, lashes):
        nearest = np.linalg.norm(neutral[part][:, None] - neutral[edge][None], axis=2).argmin(axis=1)
        result[part] = neutral[part] + whole[nearest][:, None] * (blink[part] - neutral[part])
    return result


def keep_outside(neutral: Doubles, posed: Doubles, ball: Ball, vertices: Indices) -> Doubles:
    """A copy of `posed` whose lid `vertices` lie nearly as far outside of the ball as in the neutral."""
    result = posed.copy()
    clearance = LID_THICKNESS + 0.8 * np.maximum(_height(neutral[vertices], ball), 0.0)
    result[vertices] = _outside(posed[vertices], ball, clearance)
    return result


def _height(points: Doubles, ball: Ball) -> Doubles:
    """(n,) metres outside of the ball, negative inside."""
    return np.linalg.norm(points - ball.centre, axis=1) - ball.radius


def _outside(points: Doubles, ball: Ball, clearance: Doubles) -> Doubles:
    """Points pushed radially to at least `clearance` outside of the ball."""
    away = points - ball.centre
    distance = np.linalg.norm(away, axis=1, keepdims=True)
    return ball.centre + away * np.maximum(1.0, (ball.radius + clearance[:, None]) / distance)
