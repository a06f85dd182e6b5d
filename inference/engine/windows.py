"""Cutting a recording of any length into overlapping windows, and joining the results without a seam.

Frames here are the encoder's, 50 a second. Each window's core is surrounded by context that the networks see and
that is thrown away, except for a short ramp over which neighbouring windows are cross-faded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..arrays import Floats

FRAME_RATE = 50
CORE = 500  # frames a window contributes: 10 s
CONTEXT = 80  # frames seen on either side: 1.6 s, more than the decoder's reach
RAMP = 10  # frames of the context on either side that are cross-faded: 0.2 s


@dataclass(frozen=True)
class Window:
    """Frames [start, stop) are computed; the core is [core_start, core_stop) in the recording's frames."""

    start: int
    stop: int
    core_start: int
    core_stop: int


def windows(count: int) -> list[Window]:
    """The windows that cover `count` frames; the last core takes a short rest along rather than standing alone."""
    starts = list(range(0, max(count - CORE // 2, 1), CORE))
    stops = [*starts[1:], count]
    return [Window(max(a - CONTEXT, 0), min(b + CONTEXT, count), a, b) for a, b in zip(starts, stops, strict=True)]


def ramp(window: Window, count: int) -> Floats:
    """Weight (stop - start,) of each of a window's frames: 1 in the core, linear over the ramps, 0 in the context.

    The weights of all windows add up to 1 at every frame.
    """
    frames = np.arange(window.start, window.stop) + 0.5
    rise = 1.0 if window.core_start == 0 else np.clip((frames - window.core_start + RAMP) / (2 * RAMP), 0, 1)
    fall = 1.0 if window.core_stop == count else np.clip((window.core_stop + RAMP - frames) / (2 * RAMP), 0, 1)
    return np.asarray(np.broadcast_to(rise * fall, frames.shape), np.float32)


def heard_rows(window: Window) -> slice:
    """The window's own rows whose weight is not 0: its core and the ramps."""
    first, last = max(window.core_start - RAMP, window.start), min(window.core_stop + RAMP, window.stop)
    return slice(first - window.start, last - window.start)


def join(parts: Iterator[tuple[Window, Floats]], count: int) -> Floats:
    """One array (count, ...) from each window's result (stop - start, ...), cross-faded."""
    joined: Floats | None = None
    for window, part in parts:
        if joined is None:
            joined = np.zeros((count, *part.shape[1:]), np.float32)
        weight = ramp(window, count).reshape(-1, *[1] * (part.ndim - 1))
        joined[window.start : window.stop] += weight * part
    if joined is None:
        raise ValueError("no windows to join")
    return joined
