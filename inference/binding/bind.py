"""Bind any head: find it in a mesh, lay the Duet head on it, and carry every shape over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..arrays import Doubles, Floats, Ints
from ..bound import Binding, BindRequest
from ..errors import HeadError
from ..head.blendshapes import Blendshapes
from ..head.canonical import Head
from ..numeric import Similarity, fit_similarity
from .checks import check_facing, check_mesh
from .contacts import find_contacts
from .correspond import follow_skin, nearest_skin
from .features import facing_part, find_features, joined
from .lids import find_lid_skin
from .mesh import Mesh, triangulated
from .mouth import mouth_notes, open_note
from .nearest import Surface
from .nonrigid import Pins, register
from .parts import INNER, Parts, ball, find_parts
from .rigid import find_head, fit_identity, outer_skin
from .solve import Graph, edges_within, numbering, small_graph_of
from .transfer import carrier, with_parts

Progress = Callable[[float, str], None]

# A face lies so near to the mesh on average, in metres, and looks so much the same way (cosine). Measured: heads 0.001
# to 0.002 and over 0.92, an upside-down head, spheres and cylinders over 0.0036 and under 0.82.
_NEAR, _CUT, _ALIKE = 0.0035, 0.01, 0.87
_BY_HAND = 6  # landmarks that place the head without a search
_SEARCH, _FIT, _LAY = "looking for the head", "fitting", "laying the head on"
_CARRY, _CHECK = "carrying shapes over", "checking the mesh"
_MOVES = 1e-5  # metres of the canonical head below which a vertex does not move


@dataclass(frozen=True, eq=False)
class Fit:
    """The canonical head on a mesh: `target` is the mesh in the canonical head's space."""

    name: str  # of the mesh, for messages
    placement: Similarity
    registered: Doubles  # (C, 3) in the canonical head's space
    target: Mesh  # all of the mesh
    visible: Mesh  # without what is masked
    residual: float  # metres
    notes: tuple[str, ...]


def bind(head: Head, blendshapes: Blendshapes, request: BindRequest, progress: Progress) -> Binding:
    """The shapes of the Duet head on the request's mesh; `progress` may raise, and so cancel.

    Raises HeadError where the mesh cannot be bound, with the reason.
    """
    fit = fit_head(head, request, progress)
    names = (*blendshapes.names, *head.arkit_names)
    shapes = np.concatenate([blendshapes.basis, head.arkit])
    moving, deltas, more = carry_shapes(head, fit, shapes, request.masked, lambda x: progress(0.5 + 0.5 * x, _CARRY))
    fitted, notes = fit.placement.apply(fit.registered).astype(np.float32), (*fit.notes, *more)
    return Binding(
        names, moving, deltas, fitted[head.landmarks], fitted, fit.residual * 1000, fit.placement.scale, notes
    )


def fit_head(head: Head, request: BindRequest, progress: Progress) -> Fit:
    """Find the head and lay the canonical one on it; raises HeadError."""
    progress(0.0, _CHECK)
    triangles = triangulated(request.face_vertices.astype(np.int64), request.face_sizes.astype(np.int64))
    mesh = Mesh(request.vertices.astype(np.float64), triangles)
    notes = check_mesh(request, mesh)
    visible = Mesh(mesh.vertices, triangles[~request.masked[triangles].any(axis=1)])
    canonical = Mesh(head.vertices.astype(np.float64), head.triangles.astype(np.int64))
    placement, shape = _place(head, canonical, visible, request, progress)
    target = Mesh(placement.invert(mesh.vertices), triangles)
    seen = Mesh(target.vertices, visible.triangles)
    found, opening = find_features(head, shape, seen)
    pins = joined([found, _user_pins(head, placement, request.landmarks)])
    if opening:
        notes = (*notes, open_note(request.name, opening))
    progress(0.3, _LAY)
    trust = np.zeros(len(shape))
    trust[outer_skin(head)] = 0.3
    trust[head.regions["face"]] = 1.0
    registered = register(head, shape, seen, trust, pins, lambda x: progress(0.3 + 0.2 * x, _LAY))
    residual = float(np.median(face_distances(head, registered, seen)[0]))
    return Fit(request.name, placement, with_parts(head, registered), target, seen, residual, notes)


def _place(
    head: Head, canonical: Mesh, visible: Mesh, request: BindRequest, progress: Progress
) -> tuple[Similarity, Doubles]:
    """Where the head is, and the canonical vertices (C, 3) with its identity."""
    given = np.flatnonzero(np.isfinite(request.landmarks).all(axis=1))
    if len(given) >= _BY_HAND:
        start = fit_similarity(canonical.vertices[head.landmarks[given]], request.landmarks[given].astype(np.float64))
    else:
        found = find_head(head, canonical, visible, lambda x: progress(0.02 + 0.18 * x, _SEARCH))
        start = found.similarity
    placement, shape, likely = _fitted(head, visible, start, lambda x: progress(0.2 + 0.1 * x, _FIT))
    check_facing(request.name, Mesh(placement.invert(visible.vertices), visible.triangles))
    if not likely and len(given) < _BY_HAND:
        _explain(head, canonical, visible, request.name, progress)
    return placement, shape


def _fitted(
    head: Head, visible: Mesh, start: Similarity, report: Callable[[float], None]
) -> tuple[Similarity, Doubles, bool]:
    """The placement and the vertices with the identity modes, and whether that looks like a face at all."""
    placement, shape = fit_identity(head, visible, start, report=report)
    off, alike = face_distances(head, shape, Mesh(placement.invert(visible.vertices), visible.triangles))
    return placement, shape, bool(np.minimum(off, _CUT).mean() < _NEAR and alike.mean() > _ALIKE)


def _explain(head: Head, canonical: Mesh, visible: Mesh, name: str, progress: Progress) -> None:
    """Raise HeadError: the head is upside down, lies, or there is none."""
    for turn, reason in ((_HALF, "is upside down"), (_FORWARD, "lies on its face"), (_BACK, "lies on its back")):
        turned = Mesh(visible.vertices @ turn.T, visible.triangles)
        found = find_head(head, canonical, turned, lambda _: progress(0.2, _SEARCH))
        if _fitted(head, turned, found.similarity, lambda _: progress(0.25, _FIT))[2]:
            raise HeadError(f"'{name}' {reason}.", "Rotate it so that its crown points up along Z.")
    raise HeadError(
        f"No face was found in '{name}'.",
        "Choose a mesh with a head, mask its hair and clothes, or set the landmarks by hand.",
    )


_HALF = np.diag([1.0, -1.0, -1.0])
_BACK = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
_FORWARD = _BACK.T


def face_distances(head: Head, vertices: Doubles, target: Mesh) -> tuple[Doubles, Doubles]:
    """(n,) metres of each vertex of the face's skin from the mesh, 1 where nothing is near, and cosines of normals."""
    face = np.intersect1d(head.regions["face"], outer_skin(head))
    own = Mesh(vertices, head.triangles.astype(np.int64))
    hit = Surface(target, 0.005).closest(vertices[face], own.normals[face], 0.05)
    alike = np.einsum("nd,nd->n", hit.values(target.triangles, target.normals), own.normals[face])
    return np.where(np.isfinite(hit.distance), hit.distance, 1.0), alike


def _user_pins(head: Head, placement: Similarity, landmarks: Floats) -> Pins:
    given = np.flatnonzero(np.isfinite(landmarks).all(axis=1))
    places = placement.invert(landmarks[given].astype(np.float64))
    return Pins(head.landmarks[given].astype(np.int64), places, np.full((len(given), 3), 5.0))


def carry_shapes(
    head: Head, fit: Fit, shapes: Floats, masked: np.ndarray, report: Callable[[float], None]
) -> tuple[np.ndarray, Floats, tuple[str, ...]]:
    """Vertices that move (n,), the shapes' deltas (N, n, 3) on them in the mesh's own space, and notes on its mouth."""
    target = fit.target
    parts = find_parts(head, fit.registered, target, facing_part(fit.visible, head, fit.registered))
    report(0.05)
    following = follow_skin(head, fit.registered, target, parts.labels)
    report(0.2)
    carry = carrier(head, fit.registered)
    trim, beside, amount = nearest_skin(target, parts.labels)
    inner = [np.flatnonzero(parts.labels == 2 + k) for k in range(len(INNER))]
    involved = np.unique(np.concatenate([following.vertices, trim, *inner]))
    place = numbering(involved, len(target.vertices))
    links = edges_within(target.edges, numbering(following.vertices, len(target.vertices)))
    skin_graph = small_graph_of(links, len(following.vertices))
    sweeps = smoothing_sweeps(head, fit.registered, target.vertices[following.vertices][links])
    contacts = find_contacts(head, fit.registered, target, following)
    lids = find_lid_skin(head, fit.registered, target, following)
    back = (fit.placement.scale * fit.placement.rotation.T).astype(np.float32)
    deltas = np.zeros((len(shapes), len(involved), 3), np.float32)
    for number, shape in enumerate(shapes.astype(np.float64)):
        carried = carry.carry(shape)
        moved = np.zeros((len(involved), 3))
        skin = smoothed(following.apply(carried).astype(np.float32), skin_graph, sweeps)
        if contacts is not None:
            contacts.settle(skin, carried)
        if lids is not None:
            lids.settle(skin)
        moved[place[following.vertices]] = skin
        for name, vertices in zip(INNER, inner, strict=True):
            moved[place[vertices]] = part_delta(head, fit, carried, name, vertices, parts)
        trimmed = place[beside] >= 0
        moved[place[trim[trimmed]]] = amount[trimmed, None] * moved[place[beside[trimmed]]]
        moved[masked[involved]] = 0.0
        deltas[number] = moved.astype(np.float32) @ back
        report(0.2 + 0.8 * (number + 1) / len(shapes))
    keep = np.abs(deltas).max(axis=(0, 2)) > _MOVES * fit.placement.scale
    notes = mouth_notes(fit.name, head, fit.registered, target, following)
    return involved[keep].astype(np.int32), np.ascontiguousarray(deltas[:, keep]), notes


def smoothed(motion: Floats, graph: Graph, sweeps: int) -> Floats:
    """(n, 3) motion, each sweep half its own and half its neighbours' mean."""
    for _ in range(sweeps):
        motion = 0.5 * (motion + graph.mean(motion))
    return motion


def part_delta(head: Head, fit: Fit, carried: Doubles, name: str, vertices: Ints, parts: Parts) -> Doubles:
    """(n, 3) motion of a part: the affine one that the canonical part makes, eyes about their own middle."""
    own = head.regions[name]
    source, moved = fit.registered[own], carried[own]
    if not np.any(moved):
        return np.zeros((len(vertices), 3))
    middle = ball(source)[0] if name in parts.eyes else (source.min(axis=0) + source.max(axis=0)) / 2
    terms = np.column_stack([source - middle, np.ones(len(own))])
    affine = np.linalg.lstsq(terms, moved, rcond=None)[0]
    here = parts.eyes.get(name, middle)
    result: Doubles = np.column_stack([fit.target.vertices[vertices] - here, np.ones(len(vertices))]) @ affine
    return result


def smoothing_sweeps(head: Head, registered: Doubles, links: Doubles) -> int:
    """How often to average deltas on a mesh finer than the canonical head, whose triangles would show; 0 to 6.

    `links` (e, 2, 3) are the ends of the mesh's edges that follow.
    """
    if not len(links):
        return 0
    own, theirs = (
        np.median(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)) for ends in (registered[head.edges], links)
    )
    return int(np.clip((own / max(float(theirs), 1e-9)) ** 2 / 4 - 0.25, 0, 6))
