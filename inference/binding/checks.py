"""What a mesh must be so that a head can be bound to it; each fault has its own message."""

from __future__ import annotations

import numpy as np

from ..bound import BindRequest
from ..errors import HeadError
from .frontview import front_view
from .mesh import Mesh

LEAST, MOST = 500, 1_000_000  # vertices
_SMALLEST, _LARGEST = 1e-4, 1e6  # units
_FAR_OFF = 2e3  # sizes of the mesh from the origin at which single precision blurs it
_TORN, _CROWDED = 0.12, 0.01  # shares of edges with one face, and with more than two


def check_mesh(request: BindRequest, mesh: Mesh) -> tuple[str, ...]:
    """Notes on what is odd but can be worked with; raises HeadError where the mesh cannot carry a face."""
    name, count = request.name, len(mesh.vertices)
    if not np.isfinite(mesh.vertices).all():
        raise HeadError(f"'{name}' has vertices that are nowhere (not a number).", "Delete them, or import it again.")
    if count < LEAST:
        raise HeadError(
            f"'{name}' has only {count} vertices; a face needs {LEAST} at least.",
            "Subdivide it, or choose the object that holds the head.",
        )
    if count > MOST:
        raise HeadError(
            f"'{name}' has {count:,} vertices, more than {MOST:,}.",
            "Bind a lower level: a Multires or Subdivision modifier above it is kept.",
        )
    if len(mesh.triangles) and request.masked.all():
        raise HeadError(f"The mask covers all of '{name}'.", "Paint only hair and clothes into it.")
    _check_size(name, mesh)
    return _check_edges(name, mesh)


def _check_size(name: str, mesh: Mesh) -> None:
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    size = float((high - low).max())
    if size < _SMALLEST:
        raise HeadError(f"'{name}' is tiny: {size:.2g} units across.", "Scale it up, then bind it again.")
    if size > _LARGEST:
        raise HeadError(f"'{name}' is huge: {size:.2g} units across.", "Scale it down, then bind it again.")
    if (high - low).min() < 0.05 * size:
        raise HeadError(f"'{name}' is flat: no head.", "Choose the object that holds the head.")
    if float(np.abs(low + high).max()) / 2 > _FAR_OFF * size:
        raise HeadError(f"'{name}' is too far from the scene's origin.", "Move it nearer, then bind it again.")


def _check_edges(name: str, mesh: Mesh) -> tuple[str, ...]:
    sides = np.concatenate([mesh.triangles[:, [0, 1]], mesh.triangles[:, [1, 2]], mesh.triangles[:, [2, 0]]])
    sides.sort(axis=1)
    faces = np.unique(sides[:, 0] * len(mesh.vertices) + sides[:, 1], return_counts=True)[1]
    torn, crowded = int((faces == 1).sum()), int((faces > 2).sum())
    if crowded > _CROWDED * len(faces):
        raise HeadError(
            f"'{name}' is not manifold: {crowded:,} edges have more than two faces.",
            "In Edit Mode, use Select > All by Trait > Non Manifold, and remove the inner or doubled faces.",
        )
    if torn > _TORN * len(faces):
        raise HeadError(
            f"'{name}' is open: {torn:,} of its {len(faces):,} edges have one face only.",
            "In Edit Mode, use Mesh > Merge > By Distance; close large holes.",
        )
    return (f"{crowded} edges have more than two faces.",) if crowded else ()


def check_facing(name: str, target: Mesh) -> None:
    """Raise HeadError where most of what is seen from the front is the faces' backs; the head's space, metres."""
    view = front_view(target.vertices, target.triangles, np.array([-0.06, 0.08]), np.array([0.06, 0.24]), 0.002)
    seen = view.triangle[view.triangle >= 0]
    away = target.triangle_normals[seen, 1] > 0
    if len(seen) and away.mean() > 0.5:
        raise HeadError(
            f"'{name}' is inside out or mirrored: its faces look inwards.",
            "Apply its scale with Object > Apply > Scale, then use Mesh > Normals > Recalculate Outside.",
        )
