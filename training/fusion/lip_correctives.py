"""Correctives of the lips: speech keys that bring one lip through the other on their way, or when two are on together.

Each is a product of two speech keys, or of one key and what it is short of 1, and parts the lips, half each, by an
amount along the mouth. Which pay most is found greedily among those that close lips; how far each parts them where, by
least squares on closed mouths: what is through is to come out, and what is only shut is to stay shut.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import scipy.sparse.linalg

from ...inference.arrays import Doubles, Floats, Numbers
from ...inference.engine.lip_contact import lip_contact
from ...inference.head.canonical import Head
from ...inference.head.correctives import Corrective
from ..mesh_laplacian import laplacian
from ..speech_rig import CHANNEL_NAMES, SPEECH_KEYS, key_deltas, rig_amounts, rig_deltas
from .lip_overlap import LipOverlap
from .lip_seal import lip_distances

CLOSING = (
    *("lips round", "lips press", "lips together", "lower lip in", "upper lip in"),
    *("corners up", "lips wide", "chin up"),
)  # speech keys that a closed mouth is made of
_MOVING = (
    *("roll_lower", "roll_upper", "press", "pucker", "lips_oo", "chin_raise", "corner_pull", "stretch"),
)  # channels that closed mouths are drawn from
_PAIRS = 6
_FACES, _SEED = 500, 0
_MOST = 1.2  # of a key in a drawn mouth, before lips are held
_PLACES = 31  # along the mouth
_NEAR = 0.0015  # metres to the left and right of a place
_SHUT = 0.0003  # metres: lips that are nearer are shut, and are to stay so
_PRESSED = 0.00003  # metres that may be left of what is through
_APART, _STEPS = 0.25, 200  # weight of opening what is shut against leaving what is through; of descent
_HELD = 0.006  # metres over the surface from the inner lips that go along whole
_CORNER = 0.002  # metres before a corner of the mouth over which the parting fades
_REACH = 0.02  # metres over which that fades


@dataclass(frozen=True, eq=False)
class Pair:
    """Two speech keys, or the same twice, and what their corrective adds: (V, 3) metres."""

    first: str
    second: str
    delta: Floats


def lip_correctives(head: Head) -> list[Pair]:
    """Of one head, those that pay most first."""
    weights = _closed_mouths(head)
    overlap = LipOverlap(head)
    through, half = _profiles(head, overlap, weights), overlap.half
    kept = _kept(_places(half), half)
    candidates = [tuple(SPEECH_KEYS).index(name) for name in CLOSING]
    products = {(a, b): _product(weights, a, b) for a, b in combinations_with_replacement(candidates, 2)}
    chosen: list[tuple[int, int]] = []
    for _ in range(_PAIRS):
        costs = {
            pair: _solved(np.stack([products[each] for each in (*chosen, pair)], axis=1), through, kept)[1]
            for pair in products
            if pair not in chosen
        }
        chosen.append(min(costs, key=lambda pair: costs[pair]))
    amounts, _ = _solved(np.stack([products[pair] for pair in chosen], axis=1), through, kept)
    parts, names = _Parting(head, half), tuple(SPEECH_KEYS)
    return [Pair(names[a], names[b], parts(row)) for (a, b), row in zip(chosen, amounts, strict=True)]


def _product(weights: Doubles, first: int, second: int) -> Doubles:
    """The values (n,) of a corrective of two of the keys that have weights (n, Ks)."""
    one, other = weights[:, (first, second)].astype(np.float32).T
    return np.asarray(Corrective("", str(first), str(second)).value(one, other), np.float64)


def _closed_mouths(head: Head) -> Doubles:
    """Weights (n, Ks) of speech keys: mouths at random whose lips are shut, as the pipeline lets them be."""
    rng = np.random.default_rng(_SEED)
    channels = np.zeros((_FACES, len(CHANNEL_NAMES)), np.float32)
    at = [CHANNEL_NAMES.index(name) for name in _MOVING]
    few = rng.random((_FACES, len(at))) < 0.45
    channels[:, at] = few * rng.uniform(0.0, 1.0, (_FACES, len(at))) * rng.uniform(0.1, 0.6, (_FACES, 1))
    yielding, uneven = (CHANNEL_NAMES.index(name) for name in ("lower_down", "roll_lower"))
    contact = lip_contact(head, rig_deltas(head), yielding, uneven)
    return np.asarray(contact.hold(channels) @ rig_amounts(), np.float64)


def _places(half: float) -> Doubles:
    return np.linspace(-half, half, _PLACES)


def _kept(x: Numbers, half: float) -> Doubles:
    """Share of a parting that is left at places x (n,) along a mouth: none at the corners."""
    return np.asarray(np.clip((half - np.abs(x)) / _CORNER, 0.0, 1.0), np.float64)


def _profiles(head: Head, overlap: LipOverlap, weights: Doubles) -> Doubles:
    """(n, _PLACES) metres by which lips are through each other along the mouth, more than at rest; negative apart."""
    keys = key_deltas(head).astype(np.float64)
    x = head.vertices[overlap.vertices, 0]
    beside = np.abs(_places(overlap.half)[:, None] - x) < _NEAR

    def profile(face: Doubles) -> Doubles:
        found = np.where(beside, overlap.depths(face), -np.inf).max(axis=1)
        return np.asarray(np.maximum(found, -10 * _SHUT))

    rest = profile(head.vertices.astype(np.float64))
    return np.stack([profile(head.vertices + np.tensordot(row, keys, axes=1)) - rest for row in weights])


def _solved(products: Doubles, through: Doubles, kept: Doubles) -> tuple[Doubles, float]:
    """Amounts (C, _PLACES) >= 0 in metres that products (n, C) part the lips by, and what is left: least squares.

    Of an amount a share (_PLACES,) is kept.
    """
    shut = through > -_SHUT
    due = np.maximum(through - _PRESSED, 0.0)
    amounts = np.zeros((products.shape[1], through.shape[1]))
    step = 1.0 / max(float(np.linalg.norm(products, 2)) ** 2, 1e-12)
    ahead, grown = amounts, 1.0

    def missing(parted: Doubles) -> Doubles:
        off = parted * kept - due
        return np.asarray(np.where(off < 0, off, _APART * off * shut))

    for _ in range(_STEPS):  # FISTA (Beck and Teboulle 2009)
        new = np.maximum(ahead - step * (products.T @ (missing(products @ ahead) * kept)), 0.0)
        more = (1 + np.sqrt(1 + 4 * grown**2)) / 2
        ahead, amounts, grown = new + (grown - 1) / more * (new - amounts), new, more
    even = (amounts + amounts[:, ::-1]) / 2  # the head's halves are alike, but for the mesh
    even = np.stack([np.convolve(np.pad(row, 1, "edge"), [0.25, 0.5, 0.25], "valid") for row in even])
    return even, float((missing(products @ even) ** 2).sum())


class _Parting:
    """Parts the lips of a head by given amounts along the mouth, smoothly down to nothing around it.

    `half` is half of the mouth's width in metres.
    """

    def __init__(self, head: Head, half: float) -> None:
        above, below = lip_distances(head)
        off = np.minimum(above, below)
        self.handles = np.flatnonzero((off < _HELD) & (above != below))
        self.sign = np.where(above < below, 0.5, -0.5)[self.handles]
        self.x, self.half = head.vertices[self.handles, 0], half
        self.kept = _kept(self.x, self.half)
        self.free = np.flatnonzero((off < _REACH) & ~np.isin(np.arange(len(off)), self.handles))
        smooth = laplacian(head)
        whole = (smooth.T @ smooth).tocsr()[self.free]
        self.known, self.count = whole[:, self.handles], len(head.vertices)
        self.solve = scipy.sparse.linalg.factorized(whole[:, self.free].tocsc())

    def __call__(self, amounts: Doubles) -> Floats:
        """(V, 3) metres."""
        lift = self.sign * self.kept * np.interp(self.x, _places(self.half), amounts)
        delta = np.zeros((self.count, 3), np.float32)
        delta[self.handles, 2] = lift
        delta[self.free, 2] = self.solve(-(self.known @ lift))
        return delta
