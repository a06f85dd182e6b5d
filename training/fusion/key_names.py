"""Names for blendshapes by what they move: 'Expression 04 outer brows up' instead of a number.

A blendshape is written as known movements of the head, one after another, each the one that explains most of what is
left (matching pursuit, Mallat and Zhang 1993). The first gives the name and the sign; a second, unlike it, is named
where it does more than half as much. Skin of the face alone counts, as that is what an animator sees of a key: teeth
and gums are a third of the vertices, and each key that lowers a lip moves them a little too.
"""

from __future__ import annotations

import numpy as np

from ...inference.arrays import Floats, Ints32
from ...inference.head.canonical import Head

SECOND = 0.6  # of the first movement's length, from which a second one is named
ALIKE = 0.4  # cosine of two movements, from which the second would say nothing new
_SHOWN = 0.5  # of a movement that must be left for a blendshape to be named after it
_LEAST = 1e-3  # metres: the length of what is seen of a movement that names any
# shape without its side -> what both sides do together, what one side does
_PAIRED = {
    "browDown": ("brows down", "brow down"),
    "browOuterUp": ("outer brows up", "outer brow up"),
    "cheekSquint": ("cheeks up", "cheek up"),
    "eyeBlink": ("eyes shut", "eye shut"),
    "eyeSquint": ("eyes narrow", "eye narrow"),
    "eyeWide": ("eyes wide", "eye wide"),
    "noseSneer": ("nose wrinkle", "nose wrinkle"),
    "mouthSmile": ("smile", "smile"),
    "mouthFrown": ("corners down", "corner down"),
    "mouthDimple": ("dimples", "dimple"),
    "mouthStretch": ("mouth wide", "mouth wide"),
    "mouthPress": ("lips press", "lips press"),
    "mouthUpperUp": ("upper lip up", "upper lip up"),
    "mouthLowerDown": ("lower lip down", "lower lip down"),
}
_SINGLE = {
    "browInnerUp": "inner brows up",
    "cheekPuff": "cheeks puffed",
    "jawForward": "jaw forward",
    "jawLeft": "jaw left",
    "jawOpen": "jaw open",
    "jawRight": "jaw right",
    "mouthFunnel": "lips funnel",
    "mouthLeft": "mouth left",
    "mouthPucker": "lips pucker",
    "mouthRight": "mouth right",
    "mouthRollLower": "lower lip in",
    "mouthRollUpper": "upper lip in",
    "mouthShrugLower": "chin up",
    "mouthShrugUpper": "upper lip shrug",
    "tongueUp": "tongue up",
    "tongueBack": "tongue back",
    "tongueTeeth": "tongue to teeth",
}


def seen(head: Head) -> Ints32:
    """The S vertices by which blendshapes are named."""
    return head.regions["face"]


def movements(head: Head, shown: Floats) -> tuple[tuple[str, ...], Floats]:
    """Names and deltas (n, 3 S) of what is seen, of length 1, of the movements that blendshapes may be named after.

    `shown` (55, V, 3) is what the blendshapes may do of the head's shapes: sealed lips open no jaw. What is not half
    itself then, or is not seen, names nothing. Paired shapes are known on both sides together, on one side, and as left
    against right.
    """
    whole = np.concatenate([head.arkit, head.extra])
    lengths = [np.linalg.norm(each.reshape(len(each), -1), axis=1) for each in (shown, whole)]
    names = (*head.arkit_names, *head.extra_names)
    shapes = dict(zip(names, shown, strict=True))
    lost = {name for name, left, due in zip(names, *lengths, strict=True) if left < _SHOWN * due}
    found: dict[str, Floats] = {words: shapes[name] for name, words in _SINGLE.items() if name not in lost}
    for name, (both, one) in _PAIRED.items():
        if f"{name}Left" in lost or f"{name}Right" in lost:
            continue
        left, right = (shapes[f"{name}{side}"] for side in ("Left", "Right"))
        found |= {both: left + right, f"{one} left": left, f"{one} right": right, f"{one} L-R": left - right}
    flat = np.stack([delta[seen(head)].ravel() for delta in found.values()])
    moved = np.linalg.norm(flat, axis=1)
    told = moved > _LEAST
    names_told = tuple(name for name, is_told in zip(found, told, strict=True) if is_told)
    return names_told, (flat[told] / moved[told, None]).astype(np.float32)


def described(shape: Floats, names: tuple[str, ...], known: Floats) -> tuple[str, float]:
    """The name in words of what is seen of a blendshape (S, 3), and the sign that makes the name true: 1 or -1."""
    flat = shape.ravel()
    match = known @ flat
    first = int(np.abs(match).argmax())
    size = float(match[first])
    rest = known @ (flat - size * known[first])
    rest[np.abs(known @ known[first]) > ALIKE] = 0.0
    second = int(np.abs(rest).argmax())
    if abs(rest[second]) < SECOND * abs(size):
        return names[first], float(np.sign(size))
    return f"{names[first]} {'and' if rest[second] * size > 0 else 'less'} {names[second]}", float(np.sign(size))
