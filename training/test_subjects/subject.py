"""A head with ARKit shapes that Duet has not made: what binding is to give it is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Doubles, Ints
from ...inference.binding.frontview import front_view
from ...inference.binding.mesh import Mesh, triangulated
from ...inference.bound import BindRequest

_PIXEL = 0.0004  # metres


@dataclass(frozen=True, eq=False)
class Subject:
    """Metres, z up, the face along -y; V vertices. `shapes` are deltas (V, 3) at 1 by ARKit's names."""

    name: str
    vertices: Doubles  # (V, 3)
    face_vertices: NDArray[np.int32]
    face_sizes: NDArray[np.int32]
    shapes: dict[str, Doubles]
    landmarks: Ints  # (68,)
    skin: Ints  # with the linings of mouth and eyes
    eyes: Ints  # the eyeballs

    @cached_property
    def mesh(self) -> Mesh:
        """Its triangles."""
        return Mesh(self.vertices, triangulated(self.face_vertices.astype(np.int64), self.face_sizes.astype(np.int64)))

    @cached_property
    def face(self) -> Ints:
        """The skin's vertices that are seen from the front: what shapes do behind them is nobody's truth."""
        triangles = self.mesh.triangles[np.isin(self.mesh.triangles, self.skin).all(axis=1)]
        across = self.vertices[np.unique(triangles)][:, [0, 2]]
        view = front_view(self.vertices, triangles, across.min(axis=0), across.max(axis=0), _PIXEL)
        return np.unique(triangles[view.triangle[view.triangle >= 0]])

    @property
    def request(self) -> BindRequest:
        """What binding is told: nothing but the mesh."""
        nothing = np.zeros(len(self.vertices), bool)
        free = np.full((68, 3), np.nan, np.float32)
        return BindRequest(
            self.name, self.vertices.astype(np.float32), self.face_vertices, self.face_sizes, nothing, free
        )
