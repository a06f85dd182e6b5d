"""The neutral head and its shapes: 52 of ARKit, three of the tongue, and the identity modes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...inference.head import ARKIT_NAMES
from . import contact, cut, excursions, eyes, people, sources
from .assembly import Assembly
from .sources import Base, Doubles, Indices
from .topology import LEFT_CORNER, RIGHT_CORNER, Loops

# Degrees at full value. ARKit's faces look about so far; the lids' targets fit these.
_GAZE = {"Up": 22.0, "Down": 26.0, "In": 28.0, "Out": 28.0}
_TAPER = (0.005, 0.06)  # metres above the rim between which deltas grow from nothing to whole
PEOPLE, MODES, SEED = 400, 20, 7

_CREASED = ("mouthSmile", "mouthDimple")  # these targets crumple the cheek
_CREASE_STEPS = 25
_UNFOLD_STEPS, _FOLDED = 60, 0.05  # sweeps at most; cosine between a triangle's normals under which it counts as folded

_WALL_KEPT, _WALL_DEPTH = 0.9, 0.007  # share of the neutral's depth behind the skin that shapes keep, and metres

# Shapes in which the lips stay on each other, and one in which they part in the middle alone.
_LIPS_CLOSED = (
    *("mouthLeft", "mouthRight", "mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch", "mouthPress"),
    *("jawForward", "jawLeft", "jawRight", "cheekPuff", "mouthRoll", "mouthShrugLower", "mouthPucker"),
)
_LIPS_PARTED = ("mouthFunnel",)
_UPPER = ("eye", "brow", "cheekSquint", "noseSneer")  # some of these targets move the mouth's inside
_BAG_SHARE = (0.9, 0.6, 0.3, 0.1)  # of the contact line's travel in the loops behind it, in the shapes above


@dataclass(frozen=True)
class Context:
    """What all shapes are built on."""

    folder: Path
    base: Base
    assembly: Assembly
    loops: Loops
    adult: Doubles  # (19158, 3) the average adult on the base mesh, with a level rim
    origin: Doubles  # (3,) what is taken off to put the neck's lowest point at z = 0
    neutral: Doubles  # (V, 3)
    balls: tuple[eyes.Ball, eyes.Ball]  # in the head's space

    def delta(self, target: Doubles) -> Doubles:
        """(V, 3) of base-mesh deltas (19158, 3), tapered to nothing at the neck's rim."""
        moved = self.assembly.place(self.adult + target) - self.assembly.place(self.adult)
        return moved * taper(self.neutral)


def level_neck(base: Base, positions: Doubles) -> Doubles:
    """Positions of the base mesh with the cut's rim in one plane."""
    mesh = cut.quads(base.groups["body"][0])
    rim, firm = (mesh.loop(start, base.vertices) for start in (cut.RIM_START, cut.FIRM_START))
    return cut.level_rim(positions, mesh, rim, firm)


def taper(neutral: Doubles) -> Doubles:
    """(V, 1) factors: 0 at the rim, 1 from six centimetres above it."""
    share = np.clip((neutral[:, 2:] - _TAPER[0]) / (_TAPER[1] - _TAPER[0]), 0, 1)
    return share * share * (3 - 2 * share)


def arkit_shapes(context: Context) -> dict[str, Doubles]:
    """ARKit name -> (V, 3) delta in metres."""
    raw = {name: context.delta(sources.read_arkit(context.folder, name)) for name in ARKIT_NAMES}
    raw |= {name: _smooth_cheeks(context, delta) for name, delta in raw.items() if name.startswith(_CREASED)}
    raw |= {name: _out_of_mouth(context, delta) for name, delta in raw.items() if name.startswith(_UPPER)}
    raw |= excursions.brow_shapes(context) | excursions.lip_shapes(context, raw)
    shapes = {name: _with_lips(context, name, delta) for name, delta in raw.items()}
    together = context.neutral + shapes["jawOpen"] + excursions.settle_around_lips(context, shapes["mouthClose"])
    shapes["mouthClose"] = contact.close_lips(together, context.loops) - context.neutral - shapes["jawOpen"]
    for side, (ball, name) in enumerate(zip(context.balls, ("Left", "Right"), strict=True)):
        blink = f"eyeBlink{name}"
        shapes[blink] = _blink(context, shapes[blink], side)
        part = context.assembly.parts[f"{name.lower()}_eye"]
        for direction, angle in _GAZE.items():
            shape = shapes[f"eyeLook{direction}{name}"]
            shape[part] = eyes.gaze_deltas(context.neutral[part], ball.centre, *_turn(direction, angle, name))
    return {name: _with_bag(context, delta) for name, delta in shapes.items()}


def _with_bag(context: Context, delta: Doubles) -> Doubles:
    """The delta with the mouth's inside kept behind the lips and the chin, where the lips move over it."""
    skin = np.setdiff1d(np.r_[context.assembly.parts["skin"]], context.loops.bag)
    wall = np.setdiff1d(context.loops.bag, np.concatenate(context.loops.lip_inward[:2]))
    depth = np.clip(_WALL_KEPT * contact.bag_depth(context.neutral, wall, skin), 0.0, _WALL_DEPTH)
    return contact.push_bag_back(context.neutral + delta, wall, skin, depth) - context.neutral


def _out_of_mouth(context: Context, delta: Doubles) -> Doubles:
    """The delta with the mouth's inside at rest but for the loops that hang on the lips."""
    loops, result = context.loops, delta.copy()
    result[loops.bag] = 0.0
    for loop, share in zip(loops.lip_inward, _BAG_SHARE, strict=True):
        result[loop] = share * delta[loops.lip_contact]
    return result


def _turn(direction: str, angle: float, side: str) -> tuple[float, float]:
    """(yaw to the character's left, pitch up) in degrees."""
    if direction in ("Up", "Down"):
        return 0.0, angle if direction == "Up" else -angle
    return (angle if (direction == "Out") == (side == "Left") else -angle), 0.0


def _with_lips(context: Context, name: str, delta: Doubles) -> Doubles:
    if not name.startswith((*_LIPS_CLOSED, *_LIPS_PARTED)):
        return delta
    parted = name.startswith(_LIPS_PARTED)
    closed = contact.close_lips(context.neutral + delta, context.loops, only_overlaps=parted)
    if not parted:
        closed = contact.slide_as_one(context.neutral, closed, context.loops)
    return closed - context.neutral


def _smooth_cheeks(context: Context, delta: Doubles) -> Doubles:
    """The delta averaged over neighbours, whole from 2 cm off the mouth's corners, none on the lips."""
    skin = context.assembly.parts["skin"]
    corners = context.neutral[context.loops.lip_contact[[LEFT_CORNER, RIGHT_CORNER]]]
    away = np.linalg.norm(context.neutral[skin][:, None] - corners, axis=2).min(axis=1)
    amount = smoothstep(away, 0.004, 0.02)
    amount[np.concatenate([context.loops.lip_contact, *context.loops.lip_outward[:5], context.loops.bag])] = 0.0
    amount[np.concatenate([*context.loops.sockets, *context.loops.lid_edges])] = 0.0
    return excursions.relax(context, delta, amount, _CREASE_STEPS)


def _blink(context: Context, delta: Doubles, side: int) -> Doubles:
    loops, ball = context.loops, context.balls[side]
    lashes = np.r_[context.assembly.parts["lashes"]]
    lashes = lashes[(context.neutral[lashes, 0] > 0) == (side == 0)]
    closed = contact.close_lid(
        context.neutral,
        context.neutral + delta,
        ball,
        loops.lid_edges[side],
        loops.lid_rings[side],
        loops.sockets[side],
        lashes,
    )
    return _unfold(context, closed - context.neutral, side)


def _unfold(context: Context, delta: Doubles, side: int) -> Doubles:
    """The blink averaged over neighbours where the lids' skin would fold over itself, the lids' edges kept but
    for one vertex at each corner."""
    skin, loops = context.assembly.parts["skin"], context.loops
    rings = np.unique(np.concatenate([*loops.lid_rings[side][:6], loops.lid_edges[side][[1, 14]]]))
    faces = np.array([face for face in context.assembly.faces.corners if len(face) == 4 and max(face) < skin.stop])
    faces = faces[np.isin(faces, rings).any(axis=1) & ~np.isin(faces, loops.sockets[side]).any(axis=1)]
    triangles = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]], faces[:, [0, 1, 3]], faces[:, [1, 2, 3]]])
    before, result = _normals(context.neutral, triangles), delta
    for _ in range(_UNFOLD_STEPS):
        after = _normals(context.neutral + result, triangles)
        folded = np.intersect1d(triangles[(before * after).sum(axis=1) < _FOLDED], rings)
        if not len(folded):
            break
        amount = np.zeros(skin.stop)
        amount[folded] = 1.0
        result = excursions.relax(context, result, amount, 1)
        posed = contact.keep_outside(context.neutral, context.neutral + result, context.balls[side], folded)
        result = posed - context.neutral
    return result


def _normals(vertices: Doubles, triangles: Indices) -> Doubles:
    """(n, 3) unit normals."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-15)


def identity_modes(context: Context) -> Doubles:
    """(MODES, V, 3): principal components of random adults, one standard deviation each, the largest first.

    Each person is moved so that the upper half of the head lies on the neutral's; eyes, teeth and tongue go along.
    """
    random = np.random.default_rng(SEED)
    crown = context.neutral[:, 2] > context.balls[0].centre[2]
    deltas = []
    for _ in range(PEOPLE):
        positions = level_neck(context.base, people.random_person(context.base, context.folder, random))
        delta = contact.close_lips(context.assembly.place(positions), context.loops) - context.neutral
        delta -= delta[crown].mean(axis=0)
        deltas.append((_with_bag(context, delta) * taper(context.neutral)).ravel())
    stack = np.array(deltas)
    _, scale, right = np.linalg.svd(stack - stack.mean(axis=0), full_matrices=False)
    modes = (scale[:MODES, None] / np.sqrt(PEOPLE - 1) * right[:MODES]).reshape(MODES, -1, 3)
    sign = np.sign(np.take_along_axis(modes.reshape(MODES, -1), np.abs(modes.reshape(MODES, -1)).argmax(1)[:, None], 1))
    return modes * sign[:, :, None]


def smoothstep(values: Doubles | Indices, low: float, high: float) -> Doubles:
    """0 below `low`, 1 above `high`, smooth between; `low` may be the larger one."""
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return share * share * (3 - 2 * share)
