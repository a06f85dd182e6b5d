"""Eyeballs: a ball with a cornea whose pole looks along -y, placed by a sphere fitted to MakeHuman's coarse one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .sources import Doubles, Indices

SEGMENTS = 16
# Angles from the gaze axis in degrees, with the material of the ring of faces that ends there. The iris is 12 mm wide
# on a ball 24 mm wide in life: its edge lies at 30 degrees; MakeHuman's ball is larger, so 26 keeps the width.
_RINGS = (
    (5.5, "pupil"),
    (10.0, "pupil"),
    (11.5, "iris"),
    (18.0, "iris"),
    (24.5, "iris"),
    (27.0, "sclera"),
    (38.0, "sclera"),
    (58.0, "sclera"),
    (90.0, "sclera"),
    (130.0, "sclera"),
)
_BULGE = 0.035  # of the radius, at the cornea's pole
_BULGE_END = 27.0  # degrees


class Ball(NamedTuple):
    """Where an eyeball is: centre (3,) and radius in metres."""

    centre: Doubles
    radius: float


@dataclass(frozen=True)
class EyeMesh:
    """A ball of radius 1 at the origin."""

    vertices: Doubles  # (n, 3)
    faces: list[list[int]]
    uv: list[list[tuple[float, float]]]  # per face corner: seen from the front, the ball as a disc
    materials: list[str]  # per face


def eye_mesh() -> EyeMesh:
    """The unit eyeball: front pole first, then rings from front to back, then the back pole."""
    angles = np.radians([angle for angle, _ in _RINGS])
    turn = 2 * np.pi * np.arange(SEGMENTS) / SEGMENTS
    radius = 1 + _BULGE * np.clip(1 - (angles / np.radians(_BULGE_END)) ** 2, 0, None)
    rings = np.stack(
        [
            np.sin(angles)[:, None] * np.cos(turn) * radius[:, None],
            -np.cos(angles)[:, None] * np.ones(SEGMENTS) * radius[:, None],
            np.sin(angles)[:, None] * np.sin(turn) * radius[:, None],
        ],
        axis=-1,
    )
    vertices = np.concatenate([[[0, -1 - _BULGE, 0]], rings.reshape(-1, 3), [[0, 1, 0]]])
    faces, materials = [], []
    for k in range(SEGMENTS):
        after = (k + 1) % SEGMENTS
        faces.append([0, 1 + k, 1 + after])
        materials.append(_RINGS[0][1])
        for ring in range(1, len(_RINGS)):
            inner, outer = 1 + (ring - 1) * SEGMENTS, 1 + ring * SEGMENTS
            faces.append([inner + k, outer + k, outer + after, inner + after])
            materials.append(_RINGS[ring][1])
        last = 1 + (len(_RINGS) - 1) * SEGMENTS
        faces.append([last + k, len(vertices) - 1, last + after])
        materials.append("sclera")
    return EyeMesh(vertices, faces, [[_disc(vertices[v]) for v in face] for face in faces], materials)


def _disc(point: Doubles) -> tuple[float, float]:
    angle = np.arccos(np.clip(-point[1] / np.linalg.norm(point), -1, 1)) / np.pi
    turn = np.arctan2(point[2], point[0])
    return 0.5 + 0.5 * angle * np.cos(turn), 0.5 + 0.5 * angle * np.sin(turn)


def fit_ball(points: Doubles) -> Ball:
    """The sphere nearest to (n, 3) points, in the least-squares sense."""
    system = np.column_stack([2 * points, np.ones(len(points))])
    solution = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0]
    return Ball(solution[:3], float(np.sqrt(solution[3] + solution[:3] @ solution[:3])))


def gaze_deltas(vertices: Doubles, centre: Doubles, yaw: float, pitch: float) -> Doubles:
    """(n, 3): the ball turned by yaw (to +x) and then pitch (up), both in degrees, minus the ball as it is."""
    a, b = np.radians(yaw), np.radians(pitch)
    up = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    side = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    local = vertices - centre
    return local @ (side @ up).T - local


def slots(materials: list[str], names: tuple[str, ...]) -> Indices:
    """Material names as indices into `names`."""
    return np.array([names.index(material) for material in materials])
