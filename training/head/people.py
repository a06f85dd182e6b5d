"""People made of MakeHuman's targets: the neutral adult that everything is built on, and random ones for training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .sources import Base, Doubles, read_detail

_RACES = ("african", "asian", "caucasian")
# Details on top of the average young adult, chosen by eye from renders.
_NEUTRAL_DETAILS: dict[str, float] = {
    "eyes/l-eye-height2-incr": 0.45,
    "eyes/r-eye-height2-incr": 0.45,
    "mouth/mouth-scale-horiz-incr": 0.25,
    "mouth/mouth-upperlip-volume-incr": 0.2,
    "mouth/mouth-lowerlip-volume-incr": 0.2,
}


def average_adult(base: Base, folder: Path) -> Doubles:
    """(19158, 3) metres: between man and woman, between MakeHuman's three ancestries, young, of average weight."""
    positions = base.vertices.copy()
    for gender in ("male", "female"):
        positions += 0.5 * read_detail(folder, f"macrodetails/universal-{gender}-young-averagemuscle-averageweight")
        for race in _RACES:
            positions += 0.5 / 3 * read_detail(folder, f"macrodetails/{race}-{gender}-young")
    for name, value in _NEUTRAL_DETAILS.items():
        positions += value * read_detail(folder, name)
    return positions
