"""Which BLAS NumPy multiplies matrices with: a tuned one, or the reference of Linux distributions, which is slow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

_TUNED = ("openblas", "mkl", "accelerate", "blis", "flexiblas", "armpl")
_SLOW = 25e9  # additions and multiplications a second of one core: the reference makes 10 to 18, tuned ones 40 to 90
SLOWER = 3  # times as long as with a tuned one on the same machine: measured, docs/benchmarks.md


def blas_name() -> str:
    """As NumPy was built; empty where it doesn't tell."""
    try:
        show: Callable[..., Any] = np.show_config
        return str(show(mode="dicts")["Build Dependencies"]["blas"]["name"])
    except (KeyError, TypeError):
        return ""


def is_slow() -> bool:
    """Whether products are as slow as the reference's. A tuned one may stand in its place, so they are timed."""
    return not any(name in blas_name().lower() for name in _TUNED) and _speed() < _SLOW


def _speed() -> float:
    """Additions and multiplications a second of the processor, on a product of the speech encoder's size."""
    rows, width, wide = 256, 384, 1536
    a, b = np.ones((rows, width), np.float32), np.ones((width, wide), np.float32)
    times = []
    for _ in range(4):  # the first one also starts threads
        began = time.process_time()
        a @ b
        times.append(time.process_time() - began)
    return 2 * rows * width * wide / max(min(times[1:]), 1e-6)


def note() -> str:
    """For the user: which it is, and what a slow one costs."""
    name = blas_name() or "unknown"
    if not is_slow():
        return f"NumPy's BLAS: {name}."
    return (
        f"NumPy's BLAS: {name}, a slow one, with which speech takes about {SLOWER} times as long. "
        "Blender's own downloads have a fast one."
    )
