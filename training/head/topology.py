"""Named loops of hm08's quads on the cut head: lips, lids, mouth bag, eye sockets and the face's outline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .cut import Quads, faces_above, quads
from .sources import Base, Doubles, Indices

# Base vertices where the loops start: on the upper lip's middle from the contact line inwards and outwards, and on the
# left upper lid's middle from the ball outwards.
LIP_CONTACT = 474
LIP_OUTWARD = (468, 509, 467, 466, 455)  # 455: the vermilion border
LIP_INWARD = (520, 537, 554, 571)
LIP_AROUND = (362, 5342)
LEFT_CORNER, RIGHT_CORNER = 12, 26  # places in each lip loop of 38
BAG_START = 537
LID_EDGE = 13352
LID_OUTWARD = (6785, 11465, 6787, 6789, 11515, 6874, 6930)
OUTLINE_START = 732  # under the chin; runs before the ears to the forehead


@dataclass(frozen=True)
class Loops:
    """Closed loops as indices into the head's skin."""

    lip_contact: Indices  # 38, starts at the upper lip's middle, first towards the character's left
    lip_outward: list[Indices]  # the next loops outwards, ordered alike; the fifth is the edge of the lips' red
    lip_inward: list[Indices]  # the next loops inwards, ordered alike
    bag: Indices  # skin inside of the contact line
    bag_faces: Indices  # faces of the mouth's inside beyond the lips' inner red
    lip_faces: Indices
    lid_edges: tuple[Indices, Indices]  # 28 each: left, right; they start at the inner corner, upper lid first
    lid_rings: tuple[list[Indices], list[Indices]]  # loops from the lash line outwards, ordered alike
    sockets: tuple[Indices, Indices]  # skin behind the lids' edges
    outline: Indices  # the face's outline, starts under the chin, first towards the character's left


def find_loops(base: Base, body: Indices, mirror: Indices) -> Loops:
    """All loops, as indices into `body`, the base vertices of the head's skin; `mirror` swaps the sides."""
    mesh = quads(base.groups["body"][0])
    places = base.vertices

    def here(vertices: Iterable[int]) -> Indices:
        return np.searchsorted(body, list(vertices))

    contact = mesh.loop(LIP_CONTACT, places)
    kept = quads(mesh.faces[np.isin(mesh.faces, body).all(axis=1)])  # faces in the head's own order
    inside_bag = _faces_inside(kept, mesh.loop(BAG_START, places))
    inside_lips = _faces_inside(kept, mesh.loop(LIP_OUTWARD[-1], places))
    inside_contact = np.unique(kept.faces[_faces_inside(kept, contact)])
    lids = _lids(kept, places)
    socket = np.setdiff1d(kept.faces[_faces_inside(kept, lids[0])], lids[0])
    return Loops(
        lip_contact=here(contact),
        lip_outward=[here(mesh.loop(start, places)) for start in (*LIP_OUTWARD, *LIP_AROUND)],
        lip_inward=[here(mesh.loop(start, places)) for start in LIP_INWARD],
        bag=here(sorted(set(inside_contact.tolist()) - set(contact))),
        bag_faces=inside_bag,
        lip_faces=np.setdiff1d(inside_lips, inside_bag),
        lid_edges=(here(lids[0]), here(mirror[lids[0]])),
        lid_rings=([here(ring) for ring in lids[1:]], [here(mirror[ring]) for ring in lids[1:]]),
        sockets=(here(socket), here(sorted(mirror[socket].tolist()))),
        outline=here(mesh.loop(OUTLINE_START, places)),
    )


def _faces_inside(mesh: Quads, loop: list[int]) -> Indices:
    """Faces of the cut head on the loop's smaller side."""
    first = faces_above(mesh, loop, int(np.setdiff1d(mesh.faces, loop)[0]))
    other = np.setdiff1d(np.arange(len(mesh.faces)), first)
    return min(first, other, key=len)


def _lids(mesh: Quads, places: Doubles) -> list[list[int]]:
    """The left lid's edge and the loops outside of it, each from the inner corner over the upper lid."""
    loops = []
    for start in (LID_EDGE, *LID_OUTWARD):
        path = _ring(mesh, start)
        corner = int(np.argmin(places[path, 0]))
        path = path[corner:] + path[:corner]
        if places[path[len(path) // 4], 2] < places[path[-len(path) // 4], 2]:
            path = path[:1] + path[:0:-1]
        loops.append(path)
    return loops


def _ring(mesh: Quads, start: int) -> list[int]:
    """The closed edge loop of 28 through `start`."""
    for second in sorted(mesh.neighbours[start]):
        path = [start, second]
        while len(path) <= 28:
            following = mesh.straight_on(path[-2], path[-1])
            if following is None:
                break
            if following == start:
                return path
            path.append(following)
    raise ValueError(f"no loop of 28 vertices passes vertex {start}")


def lip_halves(loop: Indices) -> tuple[Indices, Indices]:
    """(upper 25, lower 15) vertices of a lip loop from the right corner to the left, both with the corners."""
    turned = np.concatenate([loop[RIGHT_CORNER:], loop[:RIGHT_CORNER]])
    split = len(loop) - RIGHT_CORNER + LEFT_CORNER
    return turned[: split + 1], np.concatenate([turned[:1], turned[: split - 1 : -1]])


def read_mirror(text: str) -> Indices:
    """(19158,) the mirror vertex of each base vertex, from MPFB's hm08.mirror ("from to side" lines)."""
    mirror = np.arange(19158)
    for line in text.splitlines():
        parts = line.split()
        if len(parts) == 3:
            mirror[int(parts[0])] = int(parts[1])
    return mirror
