"""The head's topology: which of the scan's vertices it keeps, what is laid on them, how positions carry over."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...inference.arrays import Doubles, Ints
from . import strands
from .lids import SIDES, Eyeball
from .scan import GUMS, LOWER_TEETH, SHELLS, SKIN, UPPER_TEETH, Scan, iris_of

PUPIL, CORNEA = 2.0e-3, 6.6e-3  # metres from the line of sight: what is pupil, and what of the shell is clear
_RIM = 20  # vertices around the pupil's hole


@dataclass(frozen=True, eq=False)
class Piece:
    """New vertices bound to the scan's: weighted means of four of them, moved by an offset; and polygons of them."""

    index: Ints  # (n, 4)
    weight: Doubles  # (n, 4) rows sum to 1
    offset: Doubles  # (n, 3) metres
    polygons: list[Ints]  # into the piece's own vertices
    uv: list[Doubles]
    materials: list[str]


@dataclass
class Parts:
    """The head's vertices, part after part."""

    index: Ints = field(default_factory=lambda: np.zeros((0, 4), int))
    weight: Doubles = field(default_factory=lambda: np.zeros((0, 4)))
    offset: Doubles = field(default_factory=lambda: np.zeros((0, 3)))
    slices: dict[str, slice] = field(default_factory=dict)
    polygons: list[Ints] = field(default_factory=list)
    uv: list[Doubles] = field(default_factory=list)
    materials: list[str] = field(default_factory=list)

    def add(self, name: str, piece: Piece) -> None:
        """Append a piece's vertices and polygons."""
        start = len(self.index)
        self.slices[name] = slice(start, start + len(piece.index))
        self.index = np.concatenate([self.index, piece.index])
        self.weight = np.concatenate([self.weight, piece.weight])
        self.offset = np.concatenate([self.offset, piece.offset])
        self.polygons += [polygon + start for polygon in piece.polygons]
        self.uv += piece.uv
        self.materials += piece.materials

    def carry(self, values: Doubles) -> Doubles:
        """(V, d) the head's displacements, or other values, from the scan's (N, d)."""
        return np.einsum("vk,vkd->vd", self.weight, values[self.index])

    def place(self, vertices: Doubles) -> Doubles:
        """(V, 3) the head's positions from the scan's (N, 3)."""
        return self.carry(vertices) + self.offset


def assemble(scan: Scan, vertices: Doubles, balls: dict[str, Eyeball]) -> Parts:
    """All parts; `vertices` (N, 3) are the scan's as they lie in the neutral head."""
    parts = Parts()
    for name, span in (("skin", SKIN), ("gums", GUMS), ("upper_teeth", UPPER_TEETH), ("lower_teeth", LOWER_TEETH)):
        parts.add(name, _copied(scan, np.arange(span.start, span.stop), "teeth" if "teeth" in name else name))
    for side in SIDES:
        parts.add(f"{side}_eye", _eye(scan, vertices, balls[side], side))
    parts.add("lashes", Piece(*strands.lashes(scan, vertices)))
    parts.add("brows", Piece(*strands.brows(scan, vertices)))
    return parts


def _copied(scan: Scan, kept: Ints, material: str, chosen: Ints | None = None) -> Piece:
    """The scan's vertices and the polygons that lie on them alone (or the chosen ones)."""
    if chosen is None:
        inside = np.zeros(len(scan.vertices), bool)
        inside[kept] = True
        chosen = np.array([number for number, polygon in enumerate(scan.polygons) if inside[polygon].all()])
    index, weight = np.zeros((len(kept), 4), int), np.zeros((len(kept), 4))
    index[:, 0], weight[:, 0] = kept, 1.0
    polygons = [np.searchsorted(kept, scan.polygons[number]) for number in chosen]
    uv = [scan.uv[number] for number in chosen]
    return Piece(index, weight, np.zeros((len(kept), 3)), polygons, uv, [material] * len(polygons))


def _eye(scan: Scan, vertices: Doubles, ball: Eyeball, side: str) -> Piece:
    """White with a clear cornea, and behind it the iris, its hole closed as the pupil."""
    shell = SHELLS[side]
    white = [n for n, polygon in enumerate(scan.polygons) if shell.start <= polygon[0] < shell.stop]
    iris = iris_of(scan, side)
    chosen = np.array(white + iris)
    kept = np.unique(np.concatenate([scan.polygons[n] for n in chosen]))
    piece = _copied(scan, kept, "sclera", chosen)
    disc = np.unique(np.concatenate([scan.polygons[n] for n in iris]))
    sight = vertices[disc].mean(axis=0) - ball.centre
    sight /= np.linalg.norm(sight)
    for number, polygon in enumerate(piece.polygons):
        middle = vertices[kept[polygon]].mean(axis=0) - ball.centre
        ahead = middle @ sight
        beside = np.linalg.norm(middle - ahead * sight)
        if number >= len(white):
            piece.materials[number] = "pupil" if beside < PUPIL else "iris"
        elif ahead > 0 and beside < CORNEA:
            piece.materials[number] = "cornea"
    return _with_pupil(
        piece, kept, vertices, ball.centre + sight * ((vertices[disc] - ball.centre) @ sight).mean(), len(white)
    )


def _with_pupil(piece: Piece, kept: Ints, vertices: Doubles, middle: Doubles, first: int) -> Piece:
    """The piece with a fan of triangles over the iris' hole; its middle is the mean of four vertices of the rim."""
    sides = np.concatenate([np.stack([p, np.roll(p, -1)], axis=1) for p in piece.polygons[first:]])
    keys, counts = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
    open_sides = {tuple(key) for key in keys[counts == 1].tolist()}
    rim = [(b, a) for a, b in sides.tolist() if (min(a, b), max(a, b)) in open_sides]  # as the fan runs
    reach = np.linalg.norm(vertices[kept] - middle, axis=1)
    rim = sorted(rim, key=lambda pair: float(reach[pair[0]]))[:_RIM]
    following = dict(rim)
    around = [rim[0][0]]
    while len(around) < _RIM:
        around.append(following[around[-1]])
    quarter = _RIM // 4
    index = np.r_[piece.index, [[kept[around[k * quarter]] for k in range(4)]]]
    weight = np.r_[piece.weight, np.full((1, 4), 0.25)]
    fan = [np.array([a, b, len(kept)]) for a, b in rim]
    uv = [np.full((3, 2), 0.5)] * len(fan)
    return Piece(
        index,
        weight,
        np.zeros((len(index), 3)),
        piece.polygons + fan,
        piece.uv + uv,
        piece.materials + ["pupil"] * len(fan),
    )
