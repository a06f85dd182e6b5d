"""The emotions as recipes of ARKit shapes, after the FACS units that define them.

Units: Ekman, Friesen and Hager 2002, "Facial Action Coding System", emotion tables. At intensity 1 each is strong
but natural. Parted lips and dropped jaws are in the recipes, as they are in real expressions; the fusion module
drops them, because the mouth's opening belongs to speech.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...inference.head.canonical import ARKIT_NAMES
from ...inference.take import EMOTIONS
from ..recipes import rows_of


def _both(**amounts: float) -> dict[str, float]:
    return {f"{name}{side}": amount for name, amount in amounts.items() for side in ("Left", "Right")}


RECIPES: dict[str, dict[str, float]] = {
    "neutral": {},
    # AU 6 + 12 + 25
    "happy": _both(
        mouthSmile=0.83, cheekSquint=0.87, eyeSquint=0.12, mouthDimple=0.1, mouthUpperUp=0.2, mouthLowerDown=0.36
    )
    | {"browInnerUp": 0.1, "jawOpen": 0.06},
    # AU 1 + 4 + 15 + 17, lids that hang
    "sad": _both(mouthFrown=1.05, browDown=0.2, eyeSquint=0.2, eyeBlink=0.1, cheekSquint=0.2)
    | {"browInnerUp": 1.2, "mouthShrugLower": 0.5},
    # AU 4 + 5 + 7 + 17 + 24 + 38
    "angry": _both(
        browDown=1.4, eyeWide=0.3, eyeSquint=0.7, noseSneer=0.22, mouthPress=0.6, mouthFrown=0.42, mouthStretch=0.15
    )
    | {"jawForward": 0.4, "mouthShrugLower": 0.25},
    # AU 1 + 2 + 5 + 26
    "surprised": _both(browOuterUp=1.2, eyeWide=1.05) | {"browInnerUp": 1.1, "jawOpen": 0.35, "mouthFunnel": 0.15},
    # AU 1 + 2 + 4 + 5 + 20 + 25
    "afraid": _both(browDown=0.65, browOuterUp=0.2, eyeWide=1.2, mouthStretch=1.3, mouthLowerDown=0.45)
    | {"browInnerUp": 1.05, "jawOpen": 0.1},
    # AU 9 + 10 + 15 + 17
    "disgusted": _both(noseSneer=1.0, browDown=0.2, eyeSquint=0.4, mouthUpperUp=0.45, mouthFrown=0.65)
    | {"mouthShrugLower": 0.6},
    # AU 12 + 14 on one side, brows apart
    "contempt": {
        "mouthSmileLeft": 0.3,
        "mouthDimpleLeft": 0.54,
        "mouthLeft": 0.1,
        "cheekSquintLeft": 0.2,
        "eyeSquintLeft": 0.35,
        "eyeSquintRight": 0.25,
        "eyeBlinkLeft": 0.1,
        "eyeBlinkRight": 0.1,
        "browOuterUpRight": 0.7,
        "browDownLeft": 0.6,
    },
}


def emotion_arkit() -> NDArray[np.float32]:
    """The recipes as ARKit coefficients: (E, 52), one row for each of EMOTIONS."""
    return rows_of([RECIPES[emotion] for emotion in EMOTIONS], ARKIT_NAMES)
