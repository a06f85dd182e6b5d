"""ICT-FaceKit's axes, and the names of its scanned shapes."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from ...inference.arrays import Doubles

_CENTIMETRE = 0.01


def to_duet_axes(values: NDArray[np.floating]) -> Doubles:
    """(n, 3) metres, z up and -y to the front, of centimetres with y up and z to the front."""
    scaled = values.astype(float) * _CENTIMETRE
    return np.stack([scaled[:, 0], -scaled[:, 2], scaled[:, 1]], axis=1)


def scan_names(name: str, known: Collection[str]) -> tuple[str, ...]:
    """Scanned shapes that together are an ARKit shape: mouthSmile_L for mouthSmileLeft, both sides for browInnerUp."""
    for side in ("Left", "Right"):
        if name.endswith(side) and f"{name.removesuffix(side)}_{side[0]}" in known:
            return (f"{name.removesuffix(side)}_{side[0]}",)
    if name in known:
        return (name,)
    pair = (f"{name}_L", f"{name}_R")
    return pair if set(pair) <= set(known) else ()
