"""Parts of the face that the measures of training and evaluation look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..inference.head.canonical import Head

LIPS = ("outer_lips", "inner_lip_upper", "inner_lip_lower", "mouth_corners")
UPPER_FACE = ("upper_face", "cheeks")


def vertices_of(head: Head, regions: tuple[str, ...]) -> NDArray[np.int32]:
    """Indices of the vertices of some regions, each once."""
    return np.unique(np.concatenate([head.regions[region] for region in regions]))
