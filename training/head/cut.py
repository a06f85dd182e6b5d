"""Walks MakeHuman's quads: edge loops, the cut at the neck, and the level rim that closes it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from .sources import Doubles, Indices

# Mid-front vertices of hm08: the rim of the cut, and the lowest neck loop that keeps its shape.
RIM_START = 1522
FIRM_START = 815


@dataclass(frozen=True)
class Quads:
    """Neighbourhoods of a quad mesh."""

    faces: Indices  # (F, 4)
    neighbours: dict[int, set[int]]
    edge_faces: dict[tuple[int, int], list[int]]

    def straight_on(self, a: int, b: int) -> int | None:
        """The vertex after edge a-b along its loop: None where b is no regular vertex of four edges."""
        if len(self.neighbours[b]) != 4:
            return None
        beside = set(self.edge_faces[edge(a, b)])
        ahead = [c for c in self.neighbours[b] if c != a and not beside & set(self.edge_faces[edge(b, c)])]
        return ahead[0] if ahead else None

    def loop(self, start: int, vertices: Doubles) -> list[int]:
        """The closed edge loop from `start` (on x = 0) towards positive x; raises ValueError where it stays open."""
        path = [start, next(v for v in self.neighbours[start] if vertices[v, 0] > 1e-5)]
        while True:
            following = self.straight_on(path[-2], path[-1])
            if following == start:
                return path
            if following is None or len(path) > 400:
                raise ValueError(f"the edge loop from vertex {start} does not close")
            path.append(following)


def edge(a: int, b: int) -> tuple[int, int]:
    """An undirected edge as a key."""
    return (int(a), int(b)) if a < b else (int(b), int(a))


def quads(faces: Indices) -> Quads:
    """The neighbourhoods of (F, 4) faces."""
    neighbours: dict[int, set[int]] = defaultdict(set)
    edge_faces: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, face in enumerate(faces):
        for a, b in zip(face.tolist(), np.roll(face, -1).tolist(), strict=True):
            neighbours[a].add(b)
            neighbours[b].add(a)
            edge_faces[edge(a, b)].append(number)
    return Quads(faces, dict(neighbours), dict(edge_faces))


def faces_above(mesh: Quads, rim: list[int], top: int) -> Indices:
    """Numbers of the faces on the same side of the closed loop `rim` as the vertex `top`."""
    walls = {edge(a, b) for a, b in zip(rim, rim[1:] + rim[:1], strict=True)}
    seed = next(number for number, face in enumerate(mesh.faces) if top in face)
    found, open_faces = {seed}, [seed]
    while open_faces:
        face = mesh.faces[open_faces.pop()]
        for a, b in zip(face.tolist(), np.roll(face, -1).tolist(), strict=True):
            if edge(a, b) not in walls:
                fresh = [number for number in mesh.edge_faces[edge(a, b)] if number not in found]
                found.update(fresh)
                open_faces.extend(fresh)
    return np.array(sorted(found))


def level_rim(vertices: Doubles, mesh: Quads, rim: list[int], firm: list[int]) -> Doubles:
    """A copy of `vertices` whose `rim` lies in one horizontal plane, the loops up to `firm` moved in proportion.

    Both loops start at the mid front; the loops between them are reached along the columns of quads.
    """
    result = vertices.copy()
    floor = vertices[rim, 2].min()
    for top in firm:
        column = _column_down(mesh, top, set(firm), set(rim))
        heights = vertices[column, 2]
        share = (heights[0] - heights) / (heights[0] - heights[-1])
        result[column, 2] = heights[0] + share * (floor - heights[0])
    return result


def _column_down(mesh: Quads, top: int, firm: set[int], rim: set[int]) -> list[int]:
    """Vertices from `top`, a vertex of the firm loop, straight down to the rim."""
    for first in mesh.neighbours[top] - firm:
        path = [top, first]
        while path[-1] not in rim and len(path) < 8:
            following = mesh.straight_on(path[-2], path[-1])
            if following is None:
                break
            path.append(following)
        if path[-1] in rim:
            return path
    raise ValueError(f"no column of quads leads from vertex {top} to the rim")
