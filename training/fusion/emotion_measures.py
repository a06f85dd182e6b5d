"""How emotions look: unlike each other, and like their recipes, where faces are read: brows, lids, nose and mouth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ...inference.arrays import Floats
from ...inference.head.blendshapes import Blendshapes
from ...inference.head.canonical import Head
from .named_expressions import library_arkit

_READ = slice(17, 68)  # of the 68 landmarks: brows, nose, lids and mouth
_AROUND = 0.012  # metres from a landmark


def read_vertices(head: Head) -> NDArray[np.int64]:
    """Vertices of the face near brows, nose, lids and mouth."""
    places = cKDTree(head.vertices[head.landmarks[_READ]])
    near, _ = places.query(head.vertices[head.regions["face"]], distance_upper_bound=_AROUND)
    return head.regions["face"][np.isfinite(near)].astype(np.int64)


def felt(shapes: Blendshapes, vertices: NDArray[np.int64], silent: bool = True) -> Floats:
    """Displacements (N, n, 3) of the library at intensity 1; `silent`: with its own parted lips and dropped jaw."""
    result: Floats = np.tensordot(shapes.emotion_weights, shapes.expression_basis[:, vertices], axes=1)
    if silent:
        result = result + np.tensordot(shapes.emotion_opening, shapes.speech_basis[:, vertices], axes=1)
    return result


def wanted(head: Head, vertices: NDArray[np.int64]) -> Floats:
    """Displacements (N, n, 3) of the library's recipes."""
    return np.tensordot(library_arkit(), head.arkit[:, vertices], axes=1).astype(np.float32)


def likeness(first: Floats, second: Floats) -> NDArray[np.float64]:
    """Cosines (n, m) between displacements (n, ...) and (m, ...); zero where one does not move."""
    a, b = (each.reshape(len(each), -1).astype(np.float64) for each in (first, second))
    lengths = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)
    return np.divide(a @ b.T, lengths, out=np.zeros_like(lengths), where=lengths > 0)
