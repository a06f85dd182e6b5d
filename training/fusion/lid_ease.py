"""What keeps the lids of expressions whole: off the eye on their way down, and not turned at their edge.

A shape moves each vertex along a straight line, and halfway down a straight line a lid is in the eyeball. So an upper
lid goes out from the eye by a share of what it comes down: half shut it clears the eye, shut it stands off it a
little. And scans raise a cheek and tighten a lid each with its own fold at the lower lid's edge, where a mesh has its
smallest triangles; in the sum of both the folds pass each other. So displacements of the lower lid and of what is
hidden under it are evened out over a few neighbours. Both are linear in the displacement.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ...inference.head.canonical import Head
from ..mesh_laplacian import laplacian

_OUT = 0.14  # metres out for each metre down
_EDGE = 0.001  # metres below the middle of the lids, from which on a lid is the upper one
_STEPS, _SHARE = 4, 0.5  # times that a vertex takes that share of its neighbours' mean
_LIDS = slice(36, 48)  # of the 68 landmarks

Floats = NDArray[np.float32]


class LidEase:
    """Eases displacements of one head."""

    def __init__(self, head: Head) -> None:
        height = head.vertices[head.landmarks[_LIDS], 2].mean()
        around = np.union1d(head.regions["eyelids"], head.regions["eye_sockets"])
        self.lower = around[head.vertices[around, 2] < height]
        step = scipy.sparse.eye(len(head.vertices), format="csr") - _SHARE * laplacian(head)
        self.step = step.tocsr()[self.lower]
        around = np.union1d(around, head.regions["lashes"])
        self.upper = around[head.vertices[around, 2] > height - _EDGE]
        eyes = head.joints[[head.bones.index("left_eye"), head.bones.index("right_eye")]]
        own = eyes[(head.vertices[self.upper, 0] < 0).astype(int)]  # x goes to the character's left
        out = head.vertices[self.upper] - own
        self.out = out / np.linalg.norm(out, axis=1, keepdims=True)

    def eased(self, fields: Floats) -> Floats:
        """Displacements (n, V, 3) whose lids stay whole."""
        result = fields.copy()
        result[:, self.upper] -= np.float32(_OUT) * fields[:, self.upper, 2:3] * self.out
        for _ in range(_STEPS):
            for field in result:
                field[self.lower] = self.step @ field
        return result
