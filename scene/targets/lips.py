"""The lips of a mesh: pairs of its vertices that lie on each other and that the jaw parts."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Vector
from mathutils.kdtree import KDTree

from ...inference.arrays import Floats
from ...inference.head.canonical import load_head
from ...inference.head.lips import Lips, lips_of
from ...inference.numeric import fit_similarity

_STAYS, _GOES = 0.2, 0.4  # of the farthest that the jaw takes a vertex: an upper lip is under the one, a lower over
_NEAR = 0.015  # of the size of what the jaw moves, between lips that meet
_FEWEST = 3  # pairs


def lips_on(obj: bpy.types.Object, rest: Floats, jaw: Floats) -> Lips | None:
    """Of a mesh at rest (V, 3) and what its open jaw adds (V, 3), in its own axes; None where nothing opens, or meets.

    The Duet head's own on a mesh of its vertices; on others, crown up as for binding, lips are what the jaw parts.
    """
    head = load_head()
    if len(rest) == len(head.vertices):
        own = lips_of(head)
        turn = fit_similarity(head.vertices, rest).rotation
        return Lips(own.upper, own.lower, (turn @ own.up).astype(np.float32))
    reach = np.linalg.norm(jaw, axis=1)
    most = float(reach.max(initial=0.0))
    low, high = np.flatnonzero(reach > _GOES * most), np.flatnonzero(reach < _STAYS * most)
    if not len(low) or not len(high):
        return None
    near = _NEAR * float(np.ptp(rest[low], axis=0).max())
    tree = KDTree(len(high))
    for index in high:
        tree.insert(rest[index], int(index))
    tree.balance()
    pairs = [(found[1], int(index)) for index in low if (found := tree.find(rest[index]))[2] <= near]
    if len(pairs) < _FEWEST:
        return None
    up = np.array(obj.matrix_world.inverted_safe().to_3x3() @ Vector((0, 0, 1)))
    upper, lower = np.array(pairs).T
    return Lips(upper, lower, (up / np.linalg.norm(up)).astype(np.float32))
