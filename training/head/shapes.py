"""The neutral head and its shapes: the scan's own, cleaned where contact, noise or the neck's rim ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.sparse.csgraph

from ...inference.arrays import Doubles
from ...inference.head.canonical import ARKIT_NAMES
from ...inference.numeric import smoothstep
from ..data.ict_facekit import scan_names
from . import gaze
from .corners import EVEN, CornerEase
from .lids import SIDES, Eyeball, Lids, LidSettler, find_eyeball, find_lids
from .lips import LipSettler, Mouth, find_mouth
from .mesh import QuadMesh
from .scan import EYES, SKIN, Scan, iris_of

IRIS_SIZE, IRIS_DEPTH, IRIS_FORWARD = 0.86, 0.3, 1.5e-3  # the scan's iris is wide, domed and far behind the cornea
EYE_SIZE = 0.985  # of the scan's eyeballs: half-shut lids cut across a ball that whole lids go around
_TAPER = (0.005, 0.06)  # metres over the rim between which deltas grow from nothing to whole
_NOISE = (0.06e-3, 0.2e-3)  # metres: motion below is cut, above is whole
_ISLAND = 0.12  # of the largest motion: patches apart from it that nowhere move so far are cut
_SPREAD = 3  # rings over which noise is judged

# Shapes in which lips that lie on each other stay so; in all others they only keep out of each other.
_LIPS_CLOSED = (
    *("mouthLeft", "mouthRight", "mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch", "mouthPress"),
    *("jawLeft", "jawRight", "cheekPuff", "cheekSquint", "mouthRoll", "mouthPucker", "mouthShrugLower"),
)
_ROLLED = "mouthRollUpper"  # behind the lower lip: sections of the two do not stand over each other
_LID_SHAPES = ("eye", "cheekSquint", "noseSneer", "brow")
_SHUT, _SHUT_ROUNDS = 0.002, 3  # metres: how far a vertex at an eye's corner goes along with others in a blink


@dataclass(frozen=True, eq=False)
class Context:
    """What all shapes are made with; vertices are the scan's."""

    scan: Scan
    mesh: QuadMesh  # of the skin
    mouth: Mouth
    lids: tuple[Lids, ...]
    balls: Mapping[str, Eyeball]
    vertices: Doubles  # (N, 3) neutral, the lowest point at z = 0

    @property
    def eye_height(self) -> float:
        """Metres over the rim."""
        return float(np.mean([ball.centre[2] for ball in self.balls.values()]))


def prepare(scan: Scan) -> Context:
    """Find mouth and lids, and settle the neutral: lips that meet, eyes behind lids, the lowest point at z = 0."""
    mesh = QuadMesh([polygon for polygon in scan.polygons if polygon[0] < SKIN.stop], SKIN.stop)
    mouth = find_mouth(mesh, scan.vertices, scan.landmarks)
    vertices = scan.vertices - [0.0, 0.0, scan.vertices[SKIN, 2].min()]
    for side in SIDES:
        centre = find_eyeball(vertices, side).centre
        vertices[EYES[side]] = centre + EYE_SIZE * (vertices[EYES[side]] - centre)
        _settle_iris(scan, vertices, centre, side)
    vertices[SKIN] = LipSettler(mouth, mesh, vertices[SKIN]).closed(vertices[SKIN])
    balls = {side: find_eyeball(vertices, side) for side in SIDES}
    lids = tuple(find_lids(scan, mesh, side) for side in SIDES)
    for each in lids:
        vertices[SKIN] = LidSettler(each, balls[each.side], mesh, vertices[SKIN]).clear(vertices[SKIN])
    return Context(scan, mesh, mouth, lids, balls, vertices)


def _settle_iris(scan: Scan, vertices: Doubles, centre: Doubles, side: str) -> None:
    """In place: a narrower and flatter iris, its rim close behind the cornea's."""
    disc = np.unique(np.concatenate([scan.polygons[number] for number in iris_of(scan, side)]))
    away = vertices[disc] - centre
    sight = away.mean(axis=0) / np.linalg.norm(away.mean(axis=0))
    ahead = away @ sight
    beside = away - ahead[:, None] * sight
    ahead = ahead.min() + IRIS_DEPTH * (ahead - ahead.min()) + IRIS_FORWARD
    vertices[disc] = centre + ahead[:, None] * sight + IRIS_SIZE * beside


def arkit_shapes(context: Context) -> dict[str, Doubles]:
    """ARKit name -> (N, 3) delta in metres on the scan's vertices; tongueOut, which the scan lacks, is left out."""
    names = [name for name in ARKIT_NAMES if scan_names(name, context.scan.shapes)]
    shapes = {name: _scanned(context, name) for name in names}
    shapes = _with_lips(context, _with_lids(context, shapes))
    for name, delta in shapes.items():
        if name.startswith("eyeLook"):
            _turn_eye(context, name, delta)
    return shapes


def _scanned(context: Context, name: str) -> Doubles:
    """The scan's own motion, without far-off noise, tapered to nothing at the neck's rim."""
    delta = np.sum([context.scan.shapes[part] for part in scan_names(name, context.scan.shapes)], axis=0)
    delta[SKIN] = without_noise(context.mesh, delta[SKIN])
    delta[np.linalg.norm(delta, axis=1) < _NOISE[0]] = 0.0
    return delta * smoothstep(context.vertices[:, 2:], *_TAPER)


def without_noise(mesh: QuadMesh, delta: Doubles) -> Doubles:
    """(n, 3) without what is too small to see, and without patches far from the shape that hardly move."""
    size = np.linalg.norm(delta, axis=1)
    around = size
    for _ in range(_SPREAD):
        around = np.maximum(around, mesh.near.multiply(around[None]).max(axis=1).toarray().ravel())
    moving = around > _NOISE[1]
    cut = mesh.near.multiply(moving[:, None]).multiply(moving[None]).tocsr()
    cut.eliminate_zeros()
    count, label = scipy.sparse.csgraph.connected_components(cut, directed=False)
    peak = np.zeros(count)
    np.maximum.at(peak, label, size)
    kept = moving & (peak[label] > _ISLAND * size.max())
    share = smoothstep(around, *_NOISE) * kept
    degree = np.maximum(np.asarray(mesh.near.sum(axis=1)).ravel(), 1)
    for _ in range(2):
        share = 0.5 * share + 0.5 * (mesh.near @ share) / degree
    return delta * share[:, None]


def _with_lips(context: Context, shapes: dict[str, Doubles]) -> dict[str, Doubles]:
    """Shapes whose lips stay on each other, or out of each other; mouthClose shuts what jawOpen opens."""
    settler, neutral = LipSettler(context.mouth, context.mesh, context.vertices[SKIN]), context.vertices[SKIN]
    ease = CornerEase(context.mouth.corners, context.mesh, neutral)
    for name, delta in shapes.items():
        if name.startswith(("eye", "brow")):
            continue
        delta[SKIN] = ease(delta[SKIN])
        if name in ("jawOpen", "mouthClose"):
            continue
        closed = name.startswith(_LIPS_CLOSED)
        delta[SKIN] = settler.closed(neutral + delta[SKIN], not closed, name == _ROLLED) - neutral
    opened = neutral + shapes["jawOpen"][SKIN]
    shapes["mouthClose"][SKIN] = settler.closed(opened + shapes["mouthClose"][SKIN]) - opened
    return shapes


def _with_lids(context: Context, shapes: dict[str, Doubles]) -> dict[str, Doubles]:
    """Shapes in which lids keep outside the eyeball; blinks close."""
    for lids in context.lids:
        ball = context.balls[lids.side]
        settler = LidSettler(lids, ball, context.mesh, context.vertices[SKIN])
        corners = lids.edge[[0, lids.outer_corner]]
        ease, shut = (CornerEase(corners, context.mesh, context.vertices[SKIN], even) for even in (EVEN, _SHUT))
        for name, delta in shapes.items():
            if not name.startswith(_LID_SHAPES):
                continue
            posed = context.vertices[SKIN] + ease(delta[SKIN])
            if name == f"eyeBlink{lids.side.title()}":
                settled = settler.closed(posed)
                for _ in range(_SHUT_ROUNDS):
                    settled = settler.closed(context.vertices[SKIN] + shut(settled - context.vertices[SKIN]))
            else:
                direction, side = _gaze_of(name)
                settled = settler.clear(posed, ball.looking(direction, side) if side == lids.side else None)
            delta[SKIN] = settled - context.vertices[SKIN]
    return shapes


def _gaze_of(name: str) -> tuple[str, str]:
    """Where a shape's eye looks, and whose eye it is: "Up", "left"; nothing twice where no eye turns."""
    side = "left" if name.endswith("Left") else "right"
    turns = name.startswith("eyeLook")
    return (name.removeprefix("eyeLook").removesuffix(side.title()), side) if turns else ("", "")


def _turn_eye(context: Context, name: str, delta: Doubles) -> None:
    direction, side = _gaze_of(name)
    span = EYES[side]
    delta[span] = gaze.gaze_delta(context.vertices[span], context.balls[side].centre, direction, side)


def identity_modes(context: Context, count: int) -> Doubles:
    """(count, N, 3) the scan's largest identity modes, one standard deviation each, still at the neck's rim."""
    order = np.argsort(-np.linalg.norm(context.scan.identity, axis=(1, 2)))[:count]
    return context.scan.identity[order] * smoothstep(context.vertices[:, 2:], *_TAPER)
