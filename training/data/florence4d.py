"""Florence4D (Principi et al. 2023, "The Florence 4D Facial Expression Dataset"), for those who have it.

Meshes with FLAME's 5,023 vertices, 61 to a sequence (neutral, apex in the middle, neutral), as its authors' own code
reads them:

    COMA_FLAME_Aligned/ACTOR/EXPRESSION/EXPRESSION_00.ply ... EXPRESSION_60.ply
    COMA_Florence_Actors_Aligned/ACTOR.ply      the actor's neutral; where it is missing, the first mesh is taken

The folders may lie anywhere under the one that is given. Vertices are in FLAME's axes (x to the character's left, y
up, z out of the face). Meshes are brought on to the canonical head by place and by how much they go along with the
jaw, as VOCASET's are (vocaset_rig.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from ...inference.arrays import Floats
from ...inference.errors import DuetError
from ...inference.head.canonical import Head
from ..speech_rig import CHANNEL_NAMES, rig_deltas
from .vocaset_rig import JAW_DISTANCE, align, jaw_share, to_flame

STRIDE = 4  # every which mesh of a sequence is used
_PROBES = 12  # sequences from which the jaw's motion is learned
_NEIGHBOURS = 4
_RIDGE = 0.01  # of the shapes' mean energy
_REMEDY = "Unpack Florence4D as its authors publish it: ACTOR/EXPRESSION/EXPRESSION_00.ply and so on."
_TYPES = {"float": "f4", "float32": "f4", "double": "f8", "float64": "f8", "uchar": "u1", "uint8": "u1", "char": "i1"}
_TYPES |= {"int8": "i1", "short": "i2", "int16": "i2", "ushort": "u2", "int": "i4", "int32": "i4", "uint": "u4"}


class FlorenceError(DuetError):
    """The folder is not Florence4D, or a mesh of it is damaged."""

    kind = "florence4d"


@dataclass(frozen=True, eq=False)
class ExpressionSequence:
    """One expression of one actor: meshes (T, V, 3) and the actor's neutral (V, 3), in metres and FLAME's axes."""

    actor: str
    expression: str
    vertices: Floats
    neutral: Floats


def sequences(folder: Path, stride: int = STRIDE) -> Iterator[ExpressionSequence]:
    """Every expression of every actor under a folder; raises FlorenceError."""
    firsts = [path for path in sorted(folder.rglob("*_00.ply")) if path.stem == f"{path.parent.name}_00"]
    if not firsts:
        raise FlorenceError(f"{folder} holds no EXPRESSION/EXPRESSION_00.ply.", _REMEDY)
    neutrals: dict[str, Floats] = {}
    for first in firsts:
        expression, actor = first.parent.name, first.parent.parent.name
        paths = sorted(first.parent.glob(f"{expression}_*.ply"), key=lambda path: int(path.stem.rpartition("_")[2]))
        meshes = [read_vertices(path) for path in paths[::stride]]
        if actor not in neutrals:
            own = next(iter(sorted(folder.rglob(f"{actor}.ply"))), None)
            neutrals[actor] = read_vertices(own) if own else meshes[0]
        counts = {len(mesh) for mesh in (*meshes, neutrals[actor])}
        if len(counts) > 1:
            raise FlorenceError(f"Meshes of {first.parent} have {sorted(counts)} vertices.", _REMEDY)
        yield ExpressionSequence(actor, expression, np.stack(meshes), neutrals[actor])


def read_vertices(path: Path) -> Floats:
    """Vertices (V, 3) of a PLY file, ASCII or binary (Turk 1994); raises FlorenceError naming the file."""
    data = path.read_bytes()
    end = data.find(b"end_header")
    body = data.find(b"\n", end) + 1
    header = [line.split() for line in data[: max(end, 0)].decode("ascii", "replace").splitlines()]
    elements = [i for i, words in enumerate(header) if words[:1] == ["element"]]
    if end < 0 or not elements or header[elements[0]][1:2] != ["vertex"]:
        raise FlorenceError(f"{path} is no PLY file that begins with its vertices.", _REMEDY)
    stop = elements[1] if len(elements) > 1 else len(header)
    fields = [(words[2], words[1]) for words in header[elements[0] + 1 : stop] if words[:1] == ["property"]]
    count, kind = int(header[elements[0]][2]), next(words[1] for words in header if words[:1] == ["format"])
    try:
        if kind == "ascii":
            rows = data[body:].split(b"\n", count)[:count]
            table = np.array([row.split()[: len(fields)] for row in rows], np.float64)
            columns = {name: table[:, i] for i, (name, _) in enumerate(fields)}
            return np.stack([columns[axis] for axis in "xyz"], axis=1).astype(np.float32)
        order = "<" if kind == "binary_little_endian" else ">"
        layout = np.dtype([(name, order + _TYPES[type_]) for name, type_ in fields])
        found = np.frombuffer(data, layout, count, body)
        return np.stack([found[axis] for axis in "xyz"], axis=1).astype(np.float32)
    except (KeyError, ValueError, IndexError) as error:
        raise FlorenceError(f"{path} is damaged: {error}.", _REMEDY) from error


def florence_faces(folder: Path, head: Head) -> Floats:
    """The sequences' displacements on the canonical head: (n, V, 3) metres in its axes; raises FlorenceError."""
    probes = list(islice(sequences(folder, 12), _PROBES))
    moves = np.concatenate([probe.vertices - probe.neutral for probe in probes])
    carry = FlameCarrier(head, probes[0].neutral, moves)
    return np.concatenate([carry(sequence.vertices - sequence.neutral) for sequence in sequences(folder)])


class FlameCarrier:
    """Takes displacements of scanned vertices to the canonical head.

    Its skin follows the scanned vertices around it. Teeth, tongue, eyes and the inside of the mouth, which are not
    scanned, move as the head's own shapes do that come nearest to the skin's motion.
    """

    def __init__(self, head: Head, neutral: Floats, moves: Floats) -> None:
        """`moves` (T, V', 3) are displacements from which it is learned how much each vertex follows the jaw."""
        self.skin = head.regions["skin"]
        scale, shift = align(to_flame(head.vertices[self.skin]), neutral)
        jaw = to_flame(rig_deltas(head)[CHANNEL_NAMES.index("jaw_open"), self.skin])
        share = jaw_share(jaw[None] * np.linspace(0, 1, 8)[:, None, None])
        there = np.column_stack([(neutral - shift) / scale, JAW_DISTANCE * jaw_share(moves)])
        here = np.column_stack([to_flame(head.vertices[self.skin]), JAW_DISTANCE * share])
        distance, self.nearest = cKDTree(there).query(here, k=_NEIGHBOURS)
        near = 1.0 / (distance + 1e-4)
        self.weight = (near / near.sum(axis=1, keepdims=True) / scale).astype(np.float32)
        shapes = np.concatenate([head.arkit, head.extra])
        self.hidden = np.setdiff1d(np.arange(len(head.vertices)), self.skin)
        outside = shapes[:, self.skin].reshape(len(shapes), -1).astype(np.float64)
        gram = outside @ outside.T
        gram += _RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
        self.fit = np.linalg.solve(gram, outside).T.astype(np.float32)  # (3 n, shapes)
        self.inside = shapes[:, self.hidden].reshape(len(shapes), -1)

    def __call__(self, displacements: Floats) -> Floats:
        """(T, V', 3) in FLAME's axes -> (T, V, 3) in the head's."""
        moved = np.einsum("tvka,vk->tva", displacements[:, self.nearest], self.weight)
        moved = np.stack([moved[..., 0], -moved[..., 2], moved[..., 1]], axis=-1)
        faces = np.zeros((len(moved), len(self.skin) + len(self.hidden), 3), np.float32)
        faces[:, self.skin] = moved
        amounts = moved.reshape(len(moved), -1) @ self.fit
        faces[:, self.hidden] = (amounts @ self.inside).reshape(len(moved), -1, 3)
        return faces
