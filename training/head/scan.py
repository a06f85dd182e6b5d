"""The source: ICT-FaceKit's scanned head, in Duet's axes and units.

Li et al. 2020, "Learning Formation of Physically-Based Face Attributes"; MIT, copyright USC Institute for Creative
Technologies. Files as data_folder()/ict_facekit holds them: head.npz, expressions.npz, identities.npz,
vertex_indices.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from ...inference.arrays import Doubles, Ints
from ..data.ict_facekit import to_duet_axes

# Vertex ranges of the model's parts that the head keeps.
SKIN = slice(0, 14062)  # one surface: face, head, neck, mouth's inside, eye sockets
MOUTH_SOCKET = slice(11248, 13294)
EYE_SOCKETS = slice(13294, 14062)
GUMS = slice(14062, 17039)  # and palate, throat, tongue
UPPER_TEETH = slice(17039, 19247)
LOWER_TEETH = slice(19247, 21451)
EYES = {"left": slice(21451, 23021), "right": slice(23021, 24591)}
SHELLS = {"left": slice(21451, 22221), "right": slice(23021, 23791)}  # white and cornea
# The first of three sheets a lid that the scan hangs its painted lashes on: 19 columns, 6 rows.
LASHES = {
    ("left", "upper"): slice(25351, 25465),
    ("left", "lower"): slice(25693, 25807),
    ("right", "upper"): slice(26035, 26149),
    ("right", "lower"): slice(26377, 26491),
}


@dataclass(frozen=True, eq=False)
class Scan:
    """The model. Metres; x to the character's left, y to the back, z up; N vertices, F polygons."""

    vertices: Doubles  # (N, 3)
    polygons: tuple[Ints, ...]  # F arrays of 3 or 4 vertices
    uv: tuple[Doubles, ...]  # F arrays (3 or 4, 2)
    islands: Ints  # (F,) which island of the texture a polygon lies on
    shapes: Mapping[str, Doubles]  # (N, 3) deltas, by the model's names
    identity: Doubles  # (K, N, 3) one standard deviation each
    landmarks: Ints  # (68,) iBUG order


def read_scan(folder: Path) -> Scan:
    """Read ict_facekit's files; raises FileNotFoundError naming the one that is missing."""
    with np.load(folder / "head.npz") as file:
        vertices, sizes, uv, *flat = (file[k] for k in ("vertices", "face_sizes", "uv", "face_vertices", "face_uv"))
    splits = np.cumsum(sizes.astype(int))[:-1]
    corners, places = (np.split(each.astype(int), splits) for each in flat)
    with np.load(folder / "expressions.npz") as file:
        shapes = {name: to_duet_axes(file[name]) for name in file.files}
    with np.load(folder / "identities.npz") as file:
        identity = np.stack([to_duet_axes(file[name]) for name in sorted(file.files)])
    indices = json.loads((folder / "vertex_indices.json").read_text())
    return Scan(
        to_duet_axes(vertices),
        tuple(corners),
        tuple(uv[place].astype(float) for place in places),
        _islands(places, len(uv)),
        shapes,
        identity,
        np.array(indices["idx_to_landmark_verts"]),
    )


def iris_of(scan: Scan, side: str) -> list[int]:
    """The polygons of one eye's iris: of what lies behind the shell, the texture island with the most of them."""
    span, shell = EYES[side], SHELLS[side]
    inner = [n for n, polygon in enumerate(scan.polygons) if shell.stop <= polygon[0] < span.stop]
    islands, counts = np.unique(scan.islands[inner], return_counts=True)
    return [n for n in inner if scan.islands[n] == islands[counts.argmax()]]


def _islands(places: list[Ints], count: int) -> Ints:
    """(F,) the texture island of each polygon, numbered by the order of their first texture vertex."""
    ends = np.concatenate([np.stack([place, np.roll(place, -1)], axis=1) for place in places])
    near = scipy.sparse.coo_matrix((np.ones(len(ends)), ends.T), (count, count))
    label = scipy.sparse.csgraph.connected_components(near, directed=False)[1]
    return np.array([label[place[0]] for place in places])
