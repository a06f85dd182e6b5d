"""Accents of the animated takes' voices, whose brows do not move by themselves."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from ...inference.audio.prosody import accents
from ..features import CACHE


def cached_accents(samples: NDArray[np.float32], times: NDArray[np.float64]) -> NDArray[np.float32]:
    """As `accents`, read from the cache folder where the same recording was heard before."""
    path = CACHE / "accents" / f"{hashlib.sha256(samples.tobytes() + times.tobytes()).hexdigest()[:20]}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.save(file, accents(samples, times))
        partial.replace(path)
    return np.asarray(np.load(path), np.float32)
