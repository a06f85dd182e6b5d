"""What keeps the lids of expressions off the eye on their way.

A shape moves each vertex along a straight line, and halfway along a straight line a lid is in the eyeball. So an upper
lid goes out from the eye by a share of what it comes down, and a lower lid by a share of what it rises: half shut they
clear the eye, shut they stand off it a little. At the outer corner, which hardly moves, it would take a lid that widens
into the eye. Linear in the displacement.
"""

from __future__ import annotations

import numpy as np

from ...inference.arrays import Floats
from ...inference.head.canonical import Head

_OUT = {"upper": 0.14, "lower": -0.1}  # metres out for each metre down
_EDGE = 0.001  # metres below the middle of the lids, from which on a lid is the upper one
_LIDS = slice(36, 48)  # of the 68 landmarks
_OUTER, _FADES = (36, 45), 0.003  # landmarks of the outer corners; metres from one within which lids go out less


class LidEase:
    """Eases displacements of one head."""

    def __init__(self, head: Head) -> None:
        height = head.vertices[head.landmarks[_LIDS], 2].mean() - _EDGE
        names = ("eyelids", "eye_sockets", "lashes")
        self.lids = np.unique(np.concatenate([head.regions[name] for name in names]))
        eyes = head.joints[[head.bones.index("left_eye"), head.bones.index("right_eye")]]
        own = eyes[(head.vertices[self.lids, 0] < 0).astype(int)]  # x goes to the character's left
        out = head.vertices[self.lids] - own
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        share = np.where(head.vertices[self.lids, 2] > height, _OUT["upper"], _OUT["lower"])
        corners = head.vertices[head.landmarks[list(_OUTER)]]
        off = np.linalg.norm(head.vertices[self.lids, None] - corners, axis=2).min(axis=1)
        share *= np.minimum(off / _FADES, 1.0)
        self.out = (share[:, None] * out).astype(np.float32)  # (n, 3)

    def eased(self, fields: Floats) -> Floats:
        """Displacements (n, V, 3) whose lids clear the eyes."""
        result = fields.copy()
        result[:, self.lids] -= fields[:, self.lids, 2:3] * self.out
        return result
