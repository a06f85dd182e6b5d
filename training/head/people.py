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


# Detail targets a random person draws: (section/stem, the two ends). Sided ones are drawn once for both sides.
_PAIRED_ENDS = (
    *(("decr", "incr"), ("down", "up"), ("in", "out"), ("backward", "forward")),
    *(("concave", "convex"), ("compress", "uncompress")),
)
_SECTIONS = ("head", "mouth", "nose", "eyes", "cheek", "chin", "ears", "forehead", "neck", "eyebrows")
# Moves of the whole head, one-sided asymmetry and neck measures that the cut would turn into noise.
_LEFT_OUT = ("head-trans", "head-scale", "head-angle", "neck-trans", "measure-neck", "head-age", "nose-trans-in")
_DETAIL_SPREAD = 0.22  # standard deviation of a detail's value; MakeHuman's slider ends at 1


def random_person(base: Base, folder: Path, random: np.random.Generator) -> Doubles:
    """(19158, 3) metres of a natural adult: ancestry, sex, age, weight, and a little of every detail."""
    ancestry, sex, old = random.dirichlet((0.8,) * 3), random.beta(0.7, 0.7), random.beta(0.7, 2.5)
    weight = random.normal(0.0, 0.35)
    positions = base.vertices.copy()
    for gender, share in (("male", sex), ("female", 1 - sex)):
        for age, part in (("young", 1 - old), ("old", old)):
            for race, mix in zip(_RACES, ancestry, strict=True):
                positions += share * part * mix * read_detail(folder, f"macrodetails/{race}-{gender}-{age}")
            body = f"macrodetails/universal-{gender}-{age}-averagemuscle-"
            extreme = "maxweight" if weight > 0 else "minweight"
            amount = min(abs(weight), 1.0)
            positions += share * part * (1 - amount) * read_detail(folder, f"{body}averageweight")
            positions += share * part * amount * read_detail(folder, f"{body}{extreme}")
    for name, value in _NEUTRAL_DETAILS.items():
        positions += value * read_detail(folder, name)
    for low, high in detail_pairs(folder):
        value = float(np.clip(random.normal(0.0, _DETAIL_SPREAD), -0.7, 0.7))
        for name in high if value > 0 else low:
            positions += abs(value) * read_detail(folder, name)
    return positions


def detail_pairs(folder: Path) -> list[tuple[list[str], list[str]]]:
    """(low, high) ends of each detail slider of head and face; left and right eyes, ears and cheeks together."""
    pairs = []
    for section in _SECTIONS:
        names = {path.name.removesuffix(".target.gz") for path in (folder / "mpfb2" / "targets" / section).iterdir()}
        for low_end, high_end in _PAIRED_ENDS:
            for name in sorted(names):
                high = name.removesuffix(low_end) + high_end
                if not name.endswith(f"-{low_end}") or high not in names or name.startswith(("r-", *_LEFT_OUT)):
                    continue
                sides = ("l-", "r-") if name.startswith("l-") else ("",)
                stems = [(side + name[len(side) :], side + high[len(side) :]) for side in sides]
                pairs.append(([f"{section}/{low}" for low, _ in stems], [f"{section}/{high}" for _, high in stems]))
    return pairs
