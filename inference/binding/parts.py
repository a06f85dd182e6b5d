"""Which part of a face each vertex of the mesh belongs to: skin, an eye, upper or lower teeth, tongue, or trimmings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Doubles, Ints
from ..head.canonical import Head
from .mesh import Mesh
from .nearest import PointGrid

SKIN, TRIM = 0, 1  # trimmings, such as lashes and brows, go with the skin nearest to them
INNER = ("left_eye", "right_eye", "upper_teeth", "lower_teeth", "tongue")  # numbered from 2 on

_BALL = (0.006, 0.03)  # metres, radii of eyes
_ROUND = 0.08  # of the radius by which the surface of an eye may miss a ball
_LEAST = 20  # vertices of an eye
_CORNEA = 1.3  # of an eye's radius: how far its cornea stands out
_MAJORITY = 0.7
_INSIDE_REACH = 0.03  # metres from teeth and tongue at which something still is of the mouth


@dataclass(frozen=True, eq=False)
class Parts:
    """Labels of a mesh's vertices; `eyes` holds the middle of each eye that is a part of its own."""

    labels: Ints  # (V,) SKIN, TRIM or 2 + the index in INNER
    eyes: dict[str, Doubles]


def find_parts(head: Head, registered: Doubles, target: Mesh, skin_part: int) -> Parts:
    """Label the mesh by its connected parts; those that hold several things are labelled vertex by vertex."""
    labels = np.where(target.parts == skin_part, SKIN, TRIM)
    eyes = _eyes(head, registered, target, skin_part)
    inner = [registered[head.regions[name]] for name in INNER[2:]]
    number = np.repeat(np.arange(len(inner)) + 4, [len(points) for points in inner])
    mouth = PointGrid(np.concatenate(inner))
    front = float(registered[head.regions["outer_lips"], 1].mean())
    order = np.argsort(target.parts, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(target.parts[order]) > 0])
    for vertices in np.split(order, starts[1:]):
        if target.parts[vertices[0]] == skin_part:
            continue
        points = target.vertices[vertices]
        eye = next((name for name, (middle, radius) in eyes.items() if _within(points, middle, radius)), None)
        if eye is not None:
            labels[vertices] = 2 + INNER.index(eye)
            continue
        near, off = mouth.nearest(points, reach=_INSIDE_REACH)
        if (off < _INSIDE_REACH).mean() > 0.5 and points[:, 1].mean() > front:
            labels[vertices] = _vote(np.where(near >= 0, number[near], 4))
    return Parts(labels, {name: middle for name, (middle, _) in eyes.items()})


def _eyes(head: Head, registered: Doubles, target: Mesh, skin_part: int) -> dict[str, tuple[Doubles, float]]:
    """Middle and radius of each eye: of its largest part that is a ball, for an iris or a cornea may be others."""
    sizes = np.bincount(target.parts)
    eyes: dict[str, tuple[Doubles, float]] = {}
    for part in np.argsort(-sizes, kind="stable"):
        if part == skin_part or sizes[part] < _LEAST:
            continue
        found = _eye(head, registered, target.vertices[target.parts == part])
        if found is not None:
            eyes.setdefault(found[0], found[1:])
        if len(eyes) == 2:
            break
    return eyes


def _within(points: Doubles, middle: Doubles, radius: float) -> bool:
    """Whether a part lies on or in an eyeball, its cornea included."""
    return bool(np.linalg.norm(points - middle, axis=1).max() < _CORNEA * radius)


def _vote(found: Ints) -> Ints:
    """One label for all where most agree."""
    counts = np.bincount(found)
    winner = int(counts.argmax())
    return np.full(len(found), winner) if counts[winner] >= _MAJORITY * len(found) else found


def _eye(head: Head, registered: Doubles, points: Doubles) -> tuple[str, Doubles, float] | None:
    """Name, middle and radius, where the points lie on a ball at an eye's place."""
    for name in INNER[:2]:
        due = registered[head.regions[name]]
        middle = (due.min(axis=0) + due.max(axis=0)) / 2
        if np.linalg.norm(points.mean(axis=0) - middle) > 0.02:
            continue
        found, radius, miss = ball(points)
        if _BALL[0] < radius < _BALL[1] and miss < _ROUND * radius and np.linalg.norm(found - middle) < 0.015:
            return name, found, radius
    return None


def ball(points: Doubles) -> tuple[Doubles, float, float]:
    """Middle, radius and mean miss of the ball through points (n, 3), by least squares."""
    matrix = np.column_stack([2 * points, np.ones(len(points))])
    solution = np.linalg.lstsq(matrix, (points**2).sum(axis=1), rcond=None)[0]
    middle = solution[:3]
    radius = float(np.sqrt(max(solution[3] + middle @ middle, 0.0)))
    return middle, radius, float(np.abs(np.linalg.norm(points - middle, axis=1) - radius).mean())
