"""The 68 iBUG landmarks: from loops where there is one, else the vertex nearest to a measured place.

Order (https://ibug.doc.ic.ac.uk/resources/facial-point-annotations/): 0-16 jaw line from the character's right to the
left, 17-26 brows, 27-30 bridge of the nose, 31-35 its base, 36-47 eyes, 48-59 outer lips, 60-67 inner lips.
"""

from __future__ import annotations

import numpy as np

from .eyes import Ball
from .sources import Doubles, Indices
from .topology import Loops, lip_halves

# (x, z) from the eye's centre in millimetres, from the brow's head to its tail.
_BROW = ((-17.0, 14.5), (-8.0, 17.0), (1.0, 19.0), (10.0, 19.0), (20.0, 14.0))


def find_landmarks(neutral: Doubles, skin: Indices, loops: Loops, balls: tuple[Ball, Ball]) -> Indices:
    """(68,) vertex indices; `skin` are the visible vertices, `balls` the left and the right eye."""
    points = [*_jaw_line(neutral, loops, float(np.mean([ball.centre[2] for ball in balls])))]
    points += [_nearest(neutral, skin, balls[1].centre, -x, z) for x, z in reversed(_BROW)]
    points += [_nearest(neutral, skin, balls[0].centre, x, z) for x, z in _BROW]
    points += _nose(neutral, skin, balls)
    right, left = (_eye(neutral, loops.lid_rings[side][0]) for side in (1, 0))
    points += [right[k] for k in (3, 2, 1, 0, 5, 4)] + [left[k] for k in (0, 1, 2, 3, 4, 5)]
    points += _mouth(neutral, loops)
    return np.array(points)


def _jaw_line(neutral: Doubles, loops: Loops, eye_height: float) -> list[int]:
    """Seventeen points at even steps along the face's outline, from eye height over the chin."""
    count = len(loops.outline)
    halves = [loops.outline[: count // 2], np.concatenate([loops.outline[:1], loops.outline[: count // 2 : -1]])]
    sides = []
    for half in halves:
        half = half[neutral[half, 2] < eye_height + 0.004]
        arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(neutral[half], axis=0), axis=1))])
        sides.append([int(half[np.abs(arc - share * arc[-1]).argmin()]) for share in np.arange(9) / 8])
    return sides[1][:0:-1] + sides[0]


def _nose(neutral: Doubles, skin: Indices, balls: tuple[Ball, Ball]) -> list[int]:
    """Four points down the bridge to the tip, and five along the base from the right wing to the left."""
    middle = skin[np.abs(neutral[skin, 0]) < 1e-5]
    eye = float(np.mean([ball.centre[2] for ball in balls]))
    front = middle[(neutral[middle, 2] < eye + 0.004) & (neutral[middle, 2] > eye - 0.055)]
    front = front[neutral[front, 1] < neutral[front, 1].min() + 0.04]
    tip = int(front[neutral[front, 1].argmin()])
    bridge = []
    for share in (0.0, 1 / 3, 2 / 3):
        height = eye + share * (neutral[tip, 2] - eye)
        bridge.append(int(front[np.abs(neutral[front, 2] - height).argmin()]))
    below = front[(neutral[front, 2] < neutral[tip, 2]) & (neutral[front, 1] < neutral[tip, 1] + 0.025)]
    root = int(below[neutral[below, 1].argmax()])
    reach = np.abs(neutral[skin] - neutral[root] - [0.0, 0.0, 0.006])
    wing = skin[(reach[:, 2] < 0.007) & (reach[:, 0] < 0.026) & (neutral[skin, 1] < neutral[root, 1] + 0.01)]
    base = []
    for sign in (-1.0, 1.0):
        place = np.array([sign * 0.0135, neutral[root, 1] + 0.0045, neutral[root, 2] + 0.001])
        outer = int(wing[np.linalg.norm(neutral[wing] - place, axis=1).argmin()])
        place = np.array([sign * 0.0065, neutral[root, 1] - 0.001, neutral[root, 2] + 0.0005])
        base.append((outer, int(wing[np.linalg.norm(neutral[wing] - place, axis=1).argmin()])))
    return [*bridge, tip, base[0][0], base[0][1], root, base[1][1], base[1][0]]


def _eye(neutral: Doubles, ring: Indices) -> list[int]:
    """Inner corner, two on the upper lid outwards, outer corner, two on the lower lid inwards."""
    outer = int(np.abs(neutral[ring, 0]).argmax())
    upper, lower = ring[: outer + 1], np.concatenate([ring[outer:], ring[:1]])
    return [int(ring[0]), *_thirds(neutral, upper), int(ring[outer]), *_thirds(neutral, lower)]


def _thirds(neutral: Doubles, path: Indices) -> list[int]:
    """The inner vertices of a path nearest to one and to two thirds of the way in x."""
    x = neutral[path, 0]
    return [int(path[np.abs(x - (x[0] + share * (x[-1] - x[0]))).argmin()]) for share in (1 / 3, 2 / 3)]


def _mouth(neutral: Doubles, loops: Loops) -> list[int]:
    """Outer lips clockwise as seen from the front, then inner lips likewise, each from the right corner."""
    outer_upper, outer_lower = (half for half in lip_halves(loops.lip_outward[4]))
    inner_upper, inner_lower = lip_halves(loops.lip_contact)
    outer = [int(outer_upper[0]), *_at(neutral, outer_upper, (-0.55, -0.2, 0.0, 0.2, 0.55)), int(outer_upper[-1])]
    outer += _at(neutral, outer_lower, (0.6, 0.28, 0.0, -0.28, -0.6))
    inner = [int(inner_upper[0]), *_at(neutral, inner_upper, (-0.4, 0.0, 0.4)), int(inner_upper[-1])]
    return outer + inner + _at(neutral, inner_lower, (0.4, 0.0, -0.4))


def _at(neutral: Doubles, path: Indices, shares: tuple[float, ...]) -> list[int]:
    """Vertices of a path nearest to shares of its half width."""
    x = neutral[path, 0]
    return [int(path[np.abs(x - share * x.max()).argmin()]) for share in shares]


def _nearest(neutral: Doubles, skin: Indices, centre: Doubles, x: float, z: float) -> int:
    """The foremost skin vertex near (x, z) millimetres from an eye's centre, as seen from the front."""
    before = skin[neutral[skin, 1] < centre[1] + 0.012]
    offset = neutral[before][:, [0, 2]] - (centre[[0, 2]] + np.array([x, z]) * 1e-3)
    return int(before[np.linalg.norm(offset, axis=1).argmin()])
