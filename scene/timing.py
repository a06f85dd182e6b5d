"""Seconds and frames: the only place where one becomes the other."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from ..inference.take import Floats


def scene_fps(scene: bpy.types.Scene) -> float:
    """Frames per second that the scene really plays: `fps / fps_base` (29.97 is 30 / 1.001)."""
    return float(scene.render.fps / scene.render.fps_base)


def set_scene_fps(scene: bpy.types.Scene, fps: float) -> None:
    """Set the scene's frame rate as Blender's presets do: 23.976 becomes 24 / 1.001."""
    whole = max(1, round(fps))
    scene.render.fps = whole
    scene.render.fps_base = whole / fps


def seconds_to_frame(seconds: float, fps: float, start: float = 0.0) -> float:
    """The frame, with its fraction, at which a moment of the recording plays; second 0 is at `start`."""
    return start + seconds * fps


def frame_span(count: int, take_fps: float, fps: float) -> int:
    """How many of the scene's frames `count` frames of a take fill: at least 1, the last one within the take."""
    return int(np.floor(seconds_to_frame((count - 1) / take_fps, fps) + 1e-4)) + 1


def resample(curves: Floats, take_fps: float, fps: float) -> Floats:
    """Curves (T, N) at `take_fps` as (S, N) at the scene's whole frames, linear between the take's frames."""
    count = frame_span(len(curves), take_fps, fps)
    if abs(take_fps - fps) < 1e-3 and count == len(curves):
        return curves
    at: NDArray[np.float64] = np.arange(count) / fps * take_fps
    low = np.clip(np.floor(at + 1e-6).astype(int), 0, len(curves) - 1)
    high = np.minimum(low + 1, len(curves) - 1)
    blend = np.clip(at - low, 0.0, 1.0)[:, None]
    return ((1 - blend) * curves[low] + blend * curves[high]).astype(np.float32)
