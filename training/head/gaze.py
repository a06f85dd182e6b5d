"""Eyes that look about: rigid turns about the eyeball's centre."""

from __future__ import annotations

import numpy as np

from ...inference.arrays import Doubles

DEGREES = {"Up": 24.0, "Down": 28.0, "In": 30.0, "Out": 30.0}  # at 1; ARKit's faces look about so far


def gaze_delta(points: Doubles, centre: Doubles, direction: str, side: str) -> Doubles:
    """(n, 3) displacement of an eye's points that look "Up", "Down", "In" or "Out"; side is "left" or "right"."""
    angle = np.radians(DEGREES[direction])
    if direction in ("Up", "Down"):
        axis, signed = np.array([1.0, 0.0, 0.0]), -angle if direction == "Up" else angle
    else:
        axis = np.array([0.0, 0.0, 1.0])
        signed = angle if (direction == "Out") == (side == "left") else -angle
    away = points - centre
    cosine, sine = np.cos(signed), np.sin(signed)
    turned = away * cosine + np.cross(axis, away) * sine + axis * (away @ axis)[:, None] * (1 - cosine)
    return turned - away
