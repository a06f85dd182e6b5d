"""FACS action units as amounts of the head's ARKit shapes, and expressions written in units.

Source: Ekman, Friesen and Hager 2002, "Facial Action Coding System". `12 + 6` reads "lip corners pulled, cheeks
raised"; `14L` is one side alone; `:0.5` is half as much.
"""

from __future__ import annotations

import re

from ...inference.errors import DuetError

_PAIRED = {
    2: {"browOuterUp": 1.0},
    4: {"browDown": 1.0},
    5: {"eyeWide": 1.0},
    6: {"cheekSquint": 0.9},
    7: {"eyeSquint": 0.8},
    9: {"noseSneer": 1.0, "browDown": 0.15},
    10: {"mouthUpperUp": 1.0, "noseSneer": 0.15},
    12: {"mouthSmile": 1.0},
    14: {"mouthDimple": 1.0},
    15: {"mouthFrown": 1.0},
    16: {"mouthLowerDown": 1.0},
    20: {"mouthStretch": 1.0},
    24: {"mouthPress": 1.0},
    25: {"mouthUpperUp": 0.25, "mouthLowerDown": 0.3},
    43: {"eyeBlink": 1.0},
}
_CENTRAL = {
    1: {"browInnerUp": 1.0},
    17: {"mouthShrugLower": 1.0},
    18: {"mouthPucker": 1.0},
    22: {"mouthFunnel": 1.0},
    26: {"jawOpen": 0.24},
    27: {"jawOpen": 0.6},
    28: {"mouthRollUpper": 1.0, "mouthRollLower": 1.0},
    29: {"jawForward": 1.0},
    34: {"cheekPuff": 1.0},
}
_SIDED = {30: ("jawLeft", "jawRight"), 71: ("mouthLeft", "mouthRight")}
_TERM = re.compile(r"(\d+)([LR]?)(?::([\d.]+))?$")


def shapes_of(expression: str) -> dict[str, float]:
    """ARKit amounts of an expression such as "1 + 4:0.5 + 14L"; raises DuetError naming a term that is no unit."""
    amounts: dict[str, float] = {}
    for term in expression.split("+"):
        for name, amount in _term(term.strip()).items():
            amounts[name] = amounts.get(name, 0.0) + amount
    return amounts


def _term(term: str) -> dict[str, float]:
    match = _TERM.match(term)
    unit = int(match[1]) if match else 0
    side, strength = (match[2], float(match[3] or 1)) if match else ("", 0.0)
    if unit in _PAIRED:
        sides = [name for letter, name in (("L", "Left"), ("R", "Right")) if side in ("", letter)]
        return {f"{shape}{s}": amount * strength for shape, amount in _PAIRED[unit].items() for s in sides}
    if unit in _CENTRAL and not side:
        return {shape: amount * strength for shape, amount in _CENTRAL[unit].items()}
    if unit in _SIDED and side:
        return {_SIDED[unit]["LR".index(side)]: strength}
    raise DuetError(f"'{term}' is no action unit that the head has.", "See training/fusion/facs.py for those it has.")
