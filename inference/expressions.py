"""The emotions as recipes of ARKit shapes, after the FACS units that define them.

Units: Ekman, Friesen and Hager 2002, "Facial Action Coding System", emotion tables. At intensity 1 each is strong
but natural. Parted lips and dropped jaws are in the recipes, as they are in real expressions; the fusion module
drops them, because the mouth's opening belongs to speech.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .head import ARKIT_NAMES
from .take import EMOTIONS


def _both(**amounts: float) -> dict[str, float]:
    return {f"{name}{side}": amount for name, amount in amounts.items() for side in ("Left", "Right")}


RECIPES: dict[str, dict[str, float]] = {
    "neutral": {},
    # AU 6 + 12, lips parted by the pull
    "happy": _both(mouthSmile=1.0, cheekSquint=0.9, eyeSquint=0.45, mouthDimple=0.15, mouthUpperUp=0.2)
    | {"browInnerUp": 0.1, "jawOpen": 0.05},
    # AU 1 + 4 + 15 + 17, lids that hang
    "sad": _both(mouthFrown=0.85, browDown=0.12, eyeSquint=0.2, eyeBlink=0.2, mouthStretch=0.1)
    | {"browInnerUp": 1.0, "mouthShrugLower": 0.45},
    # AU 4 + 5 + 7 + 23 + 24
    "angry": _both(
        browDown=1.0, eyeSquint=0.45, eyeWide=0.3, noseSneer=0.5, mouthPress=0.3, mouthFrown=0.35, mouthLowerDown=0.1
    )
    | {"jawForward": 0.15, "mouthShrugUpper": 0.1},
    # AU 1 + 2 + 5 + 26
    "surprised": _both(browOuterUp=0.9, eyeWide=1.0) | {"browInnerUp": 0.9, "jawOpen": 0.2, "mouthFunnel": 0.1},
    # AU 1 + 2 + 4 + 5 + 20 + 25
    "afraid": _both(browOuterUp=0.35, browDown=0.35, eyeWide=1.0, mouthStretch=0.8, mouthFrown=0.3, mouthLowerDown=0.12)
    | {"browInnerUp": 1.0, "jawOpen": 0.08},
    # AU 9 + 10 + 17
    "disgusted": _both(noseSneer=1.1, browDown=0.55, eyeSquint=0.5, cheekSquint=0.5, mouthUpperUp=0.5, mouthFrown=0.35)
    | {"mouthShrugLower": 0.3},
    # AU 12 + 14 on one side
    "contempt": {
        "mouthSmileLeft": 0.4,
        "mouthDimpleLeft": 0.8,
        "cheekSquintLeft": 0.3,
        "eyeSquintLeft": 0.25,
        "eyeSquintRight": 0.15,
        "browOuterUpRight": 0.35,
        "browDownLeft": 0.3,
        "mouthLeft": 0.15,
    },
}


def emotion_arkit() -> NDArray[np.float32]:
    """The recipes as ARKit coefficients: (E, 52), one row for each of EMOTIONS."""
    table = np.zeros((len(EMOTIONS), len(ARKIT_NAMES)), np.float32)
    for row, emotion in enumerate(EMOTIONS):
        for name, amount in RECIPES[emotion].items():
            table[row, ARKIT_NAMES.index(name)] = amount
    return table
