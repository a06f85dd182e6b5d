"""How far and which way brows and lips go at full value: published excursions in place of the sources' own amounts.

docs/head.md names the studies. Lengths are metres in the head's space (x to the character's left, y back, z up).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .sources import Doubles, Indices
from .topology import LEFT_CORNER, RIGHT_CORNER

if TYPE_CHECKING:
    from .shapes import Context

BROW_RISE = 9.0e-3  # at the brow; Cruz & Cruz 2004: 7.6 to 9.0 over the pupil; the Vicon study: 10.6, s.d. 2.5
STILL_LINE = 59.4e-3  # above the pupil, where the frontalis' upward pull on the forehead's skin has faded to nothing
BROW_FALL = 7.56e-3  # frown, the length of the whole movement (the Vicon study: mean 7.56, s.d. 3.29)
BROW_BUNCH = 1.0e-3  # forwards at the brow's head: skin heaps up before the ridge
_NASION = (0.006, 0.008)  # beside the midline and above the pupil: where the brow's depressors leave the bone
_INSERTION = 0.6  # place along the brow where the corrugator ends in the skin: its lateral half or third
_TAIL_SHARE = 0.6  # of a frown at the brow's tail, whose vertical movement is the smallest (Park 2017)
_BROW_HALF = 2.0e-3  # of the brow's height, within which the skin moves as one
_TEMPLE = 0.025  # beyond the brow's tail, where movement has ended
_FRONT = (-0.085, -0.10)  # y between which the face's front begins
_SHEET_STEPS = 4  # sweeps that round the edges of the brows' field off

JAW_DROP = 37.5e-3  # of the lower incisors: the least that healthy adults open, 36 (women) and 39 (men)
FROWN_DROP = 5.0e-3  # of each corner
PUCKER_INWARD = 5.5e-3  # each corner: the mouth a fifth narrower
FUNNEL_PUCKER = 0.5  # share of the pucker in the funnel: lips come forward and flare, not only flare
_CLOSE_STEPS = 60  # sweeps in which skin around lips that stay shut over an open jaw settles like a stretched sheet
_CLOSE_REACH = 0.04  # around the mouth


def brow_shapes(context: Context) -> dict[str, Doubles]:
    """The five brow shapes of ARKit as (V, 3) deltas."""
    normals, level, along = _skull_normals(context), _level(context), _along(context)
    tangent = _sliding(np.array([0.0, 0.0, 1.0]), normals, flat=True)
    x = context.neutral[:, 0]
    rise = BROW_RISE * level * _fade(along, 1.0, _tail_end(context))
    inner = 1.0 - _fade_in(along, 0.0, 1.0)
    shapes = {"browInnerUp": (rise * inner)[:, None] * tangent}
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        shapes[f"browOuterUp{side}"] = (rise * (1 - inner) * (sign * x > 0))[:, None] * tangent
        shapes[f"browDown{side}"] = _frown(context, sign, normals, level, along)
    settled = {name: _settle(context, delta) for name, delta in shapes.items()}
    brows = np.r_[context.assembly.parts["left_brow"], context.assembly.parts["right_brow"]]
    full = {name: BROW_FALL if "Down" in name else BROW_RISE for name in shapes}
    return {name: delta * full[name] / np.linalg.norm(delta[brows], axis=1).max() for name, delta in settled.items()}


def _frown(context: Context, sign: float, normals: Doubles, level: Doubles, along: Doubles) -> Doubles:
    """(V, 3) one brow's frown: half drawn to where its depressors leave the bone, half straight down."""
    x = sign * context.neutral[:, 0]
    bone = np.array([sign * _NASION[0], 0.0, context.balls[0].centre[2] + _NASION[1]])
    pull = _sliding((bone - context.neutral) * [1.0, 0.0, 1.0], normals)
    pull += _sliding(np.array([0.0, 0.0, -1.0]), normals)
    moved = BROW_FALL * pull / np.maximum(np.linalg.norm(pull, axis=1, keepdims=True), 1e-12)
    moved[:, 1] -= BROW_BUNCH * _fade_in(x, 0.0, 0.012) * (1.0 - _fade_in(along, 0.0, 1.0))
    share = level * _fade_in(level, 0.0, 0.3)  # the lid's crease stays smooth
    share *= _fade_in(x, -0.008, 0.008) * _fade(along, 1.0, _tail_end(context))
    share *= 1.0 - (1.0 - _TAIL_SHARE) * _fade_in(along, _INSERTION, 1.0)
    return share[:, None] * moved


def lip_shapes(context: Context, raw: dict[str, Doubles]) -> dict[str, Doubles]:
    """Jaw, frown, pucker and funnel of the sources brought to their excursions."""
    left, right = context.loops.lip_contact[[LEFT_CORNER, RIGHT_CORNER]]
    inward = np.abs(raw["mouthPucker"][[left, right], 0]).mean()
    pucker = raw["mouthPucker"] * (PUCKER_INWARD / inward)
    frowns = {
        name: raw[name] * (FROWN_DROP / -raw[name][corner, 2])
        for name, corner in (("mouthFrownLeft", left), ("mouthFrownRight", right))
    }
    drop = JAW_DROP / np.linalg.norm(raw["jawOpen"][_incisors(context)], axis=1).mean()
    jaw = {name: raw[name] * drop for name in ("jawOpen", "mouthClose")}
    return frowns | jaw | {"mouthPucker": pucker, "mouthFunnel": raw["mouthFunnel"] + FUNNEL_PUCKER * pucker}


def _incisors(context: Context) -> Indices:
    """The foremost vertices of the lower teeth."""
    teeth = np.r_[context.assembly.parts["lower_teeth"]]
    return teeth[np.argsort(context.neutral[teeth, 1])[:20]]


def settle_around_lips(context: Context, delta: Doubles) -> Doubles:
    """The delta with the skin around the lips stretched evenly between them and the face around."""
    loops, skin = context.loops, context.assembly.parts["skin"]
    contact = context.neutral[loops.lip_contact]
    away = np.linalg.norm(context.neutral[skin][:, None] - contact, axis=2).min(axis=1)
    amount = 1.0 - _fade_in(away, 0.5 * _CLOSE_REACH, _CLOSE_REACH)
    amount[np.concatenate([loops.lip_contact, *loops.lip_outward[:5], loops.bag])] = 0.0
    return relax(context, delta, amount, _CLOSE_STEPS)


def relax(context: Context, delta: Doubles, amount: Doubles, steps: int) -> Doubles:
    """The delta averaged over neighbours on the skin, by `amount` (skin,) of each vertex, `steps` times."""
    skin, result = context.assembly.parts["skin"], delta.copy()
    for _ in range(steps):
        result[skin] += 0.5 * amount[:, None] * (neighbour_mean(context, result[skin]) - result[skin])
    return result


def neighbour_mean(context: Context, values: Doubles) -> Doubles:
    """(n, 3) mean over the neighbours of each skin vertex."""
    edges = context.assembly.skin_edges
    total, count = np.zeros_like(values), np.zeros(len(values))
    for a, b in (edges.T, edges.T[::-1]):
        np.add.at(total, a, values[b])
        np.add.at(count, a, 1.0)
    return total / count[:, None]


def _settle(context: Context, delta: Doubles) -> Doubles:
    """Edges rounded off, lids and all that is not skin or brow at rest; brows go as the skin under them."""
    still = _still(context)
    amount = np.ones(len(context.neutral[context.assembly.parts["skin"]]))
    amount[still[still < len(amount)]] = 0.0
    result = relax(context, delta, amount, _SHEET_STEPS)
    skin = context.neutral[context.assembly.parts["skin"]]
    for name in ("left_brow", "right_brow"):
        part = context.assembly.parts[name]
        off = np.linalg.norm(context.neutral[part][:, None] - skin, axis=2)
        near = np.argsort(off, axis=1)[:, :3]
        weight = 1.0 / (np.take_along_axis(off, near, axis=1) + 1e-4)
        result[part] = np.einsum("nk,nkd->nd", weight / weight.sum(axis=1, keepdims=True), result[near])
    return result


def _still(context: Context) -> Indices:
    """Vertices that brows never move: lids up to their sixth loop, sockets, the mouth's inside."""
    loops = context.loops
    lids = [loop for side in (0, 1) for loop in (loops.lid_edges[side], *loops.lid_rings[side][:6])]
    return np.unique(np.concatenate([*lids, *loops.sockets, loops.bag]))


def _sliding(way: Doubles, normals: Doubles, flat: bool = False) -> Doubles:
    """(V, 3) unit vectors along the skin, as near to `way` (V, 3) or (3,) as it allows: skin slides on the skull.

    `flat` ones have no sideways part.
    """
    result = way - (way * normals).sum(axis=1, keepdims=True) * normals
    if flat:
        result[:, 0] = 0.0
    return result / np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-12)


def _skull_normals(context: Context) -> Doubles:
    """(V, 3) unit normals of the skull's slope, not of a fold; 0 where there is no skin."""
    skin = context.assembly.parts["skin"]
    faces = np.array([face for face in context.assembly.faces.corners if len(face) == 4 and max(face) < skin.stop])
    a, b, c, d = (context.neutral[faces[:, k]] for k in range(4))
    normals = np.zeros((skin.stop, 3))
    np.add.at(normals, faces.ravel(), np.repeat(np.cross(c - a, d - b), 4, axis=0))
    for _ in range(12):
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        normals = neighbour_mean(context, normals)
    result = np.zeros_like(context.neutral)
    result[skin] = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return result


def _brow_line(context: Context) -> Doubles:
    """(n, 3) the left brow's middle line, from its head to its tail."""
    brow = context.neutral[context.assembly.parts["left_brow"]]
    places = np.linspace(brow[:, 0].min(), brow[:, 0].max(), 9)
    nearest = [np.argsort(np.abs(brow[:, 0] - x))[:4] for x in places]
    return np.array([brow[near].mean(axis=0) for near in nearest])


def _along(context: Context) -> Doubles:
    """(V,) place across the face: 0 at the brows' heads and between them, 1 at their tails."""
    line = _brow_line(context)
    return (np.abs(context.neutral[:, 0]) - line[0, 0]) / (line[-1, 0] - line[0, 0])


def _tail_end(context: Context) -> float:
    """The place, as `_along` counts, where movement ends at the temple."""
    line = _brow_line(context)
    return 1.0 + _TEMPLE / float(line[-1, 0] - line[0, 0])


def _level(context: Context) -> Doubles:
    """(V,) share of the brow's travel by height: 1 at the brow, evenly less to none at the lid and the still line."""
    line, points = _brow_line(context), context.neutral
    lid = points[context.loops.lid_rings[0][5][:14]]
    x = np.abs(points[:, 0])
    brow = np.interp(x, line[:, 0], line[:, 2])
    low = np.interp(x, lid[:, 0], lid[:, 2])
    high = context.balls[0].centre[2] + STILL_LINE
    top, bottom = brow + _BROW_HALF, brow - _BROW_HALF
    above, below = (high - points[:, 2]) / (high - top), (points[:, 2] - low) / np.maximum(bottom - low, 1e-3)
    share = np.clip(np.minimum(above, below), 0.0, 1.0) * _fade_in(points[:, 1], *_FRONT)
    moves = np.zeros(len(points), bool)
    moves[context.assembly.parts["skin"]] = True
    moves[_still(context)] = False
    return share * moves


def _fade_in(values: Doubles, low: float, high: float) -> Doubles:
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return share * share * (3 - 2 * share)


def _fade(values: Doubles, low: float, high: float) -> Doubles:
    return 1.0 - _fade_in(values, low, high)
