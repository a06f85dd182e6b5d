"""The tongue, which the scan does not move: out of the mouth, tip to the ridge, back to the velum, tip to the teeth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ...inference.arrays import Doubles, Ints
from ...inference.numeric import smoothstep
from .scan import GUMS, LOWER_TEETH, UPPER_TEETH, Scan

_LOOSE = (0.5e-3, 7e-3)  # metres from the gums over which the tongue's underside comes free
_TIP = (0.72, 0.9)  # of the way to the tip, over which the tongue is free although the gums are near
_OUT = np.array([0.0, -0.037, 0.019])  # metres that the tip goes out
_ROUND = 0.008  # metres that the corners of a tongue that is out lie behind its tip


@dataclass(frozen=True, eq=False)
class Tongue:
    """Its vertices, and how each moves with it: 0 at the root and where it grows on the gums, 1 at the free tip."""

    vertices: Ints  # of the scan
    along: Doubles  # (n,) 0 at the root, 1 at the tip
    loose: Doubles  # (n,)


def find_tongue(scan: Scan) -> Tongue:
    """The two islands of the gums' texture that are the tongue's top and underside."""
    numbers = [n for n, polygon in enumerate(scan.polygons) if GUMS.start <= polygon[0] < GUMS.stop]
    islands: dict[int, Ints] = {}
    for island in np.unique(scan.islands[numbers]):
        of_it = [scan.polygons[n] for n in numbers if scan.islands[n] == island]
        islands[int(island)] = np.unique(np.concatenate(of_it))
    teeth = scan.vertices[LOWER_TEETH]
    inside = {
        island: found
        for island, found in islands.items()
        if np.abs(scan.vertices[found, 0]).max() < 0.75 * np.abs(teeth[:, 0]).max()
        and scan.vertices[found, 1].min() < teeth[:, 1].min() + 0.016
        and len(found) > 250
    }
    tongue = np.unique(np.concatenate(list(inside.values())))
    rest = np.setdiff1d(np.arange(GUMS.start, GUMS.stop), tongue)
    places = scan.vertices[tongue]
    along = (places[:, 1].max() - places[:, 1]) / np.ptp(places[:, 1])
    apart = smoothstep(cKDTree(scan.vertices[rest]).query(places)[0], *_LOOSE)
    return Tongue(tongue, along, np.maximum(apart, smoothstep(along, *_TIP)))


def tongue_shapes(scan: Scan, tongue: Tongue) -> dict[str, Doubles]:
    """Name -> (N, 3) delta in metres on the scan, only of the tongue: tongueOut and the extra names."""
    places, along = scan.vertices[tongue.vertices], tongue.along
    upper = scan.vertices[UPPER_TEETH]
    front = upper[upper[:, 1] < upper[:, 1].min() + 0.012]
    tip = places[along > 0.93].mean(axis=0)
    ridge = np.array([0.0, front[:, 1].max() + 0.003, front[:, 2].min() + 0.006])
    edge = np.array([0.0, front[:, 1].min() + 0.002, front[:, 2].min() - 0.002])
    blade = smoothstep(along, 0.35, 1.0)
    hump = np.exp(-(((along - 0.38) / 0.2) ** 2)) * (1 - smoothstep(along, 0.75, 0.95))
    raised = smoothstep(places[:, 2], places[:, 2].min(), places[:, 2].max())
    width = np.abs(places[:, 0]).max()
    rounded = _ROUND * smoothstep(along, 0.6, 1.0) * np.minimum(places[:, 0] / width * 1.6, 1.0) ** 2
    deltas = {
        "tongueOut": blade[:, None] * _OUT + rounded[:, None] * np.array([0.0, 1.0, 0.0]),
        "tongueUp": blade[:, None] ** 1.3 * (ridge - tip),
        "tongueBack": hump[:, None] * (0.3 + 0.7 * raised)[:, None] * np.array([0.0, 0.004, 0.011])
        + blade[:, None] * np.array([0.0, 0.005, -0.003]),
        "tongueTeeth": blade[:, None] * (edge - tip),
    }
    result = {}
    for name, delta in deltas.items():
        result[name] = np.zeros_like(scan.vertices)
        result[name][tongue.vertices] = delta * tongue.loose[:, None]
    return result
