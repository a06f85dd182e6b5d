"""Seconds and frames: the only place where one becomes the other."""

from __future__ import annotations

import bpy
import numpy as np

from ...inference.errors import HeadError
from ...inference.performance.curves import sample
from ...inference.take import Floats


def scene_fps(scene: bpy.types.Scene) -> float:
    """Frames per second that the scene really plays: `fps / fps_base` (29.97 is 30 / 1.001).

    Blender keeps the base in single precision, which is a frame too few after ten minutes, so it is rounded.
    """
    return float(scene.render.fps / round(scene.render.fps_base, 6))


def require_unstretched(scene: bpy.types.Scene) -> None:
    """Raise HeadError where Time Stretching plays keys, but not sound, at another speed."""
    old, new = scene.render.frame_map_old, scene.render.frame_map_new
    if old != new:
        message = f"The scene's Time Stretching ({old} to {new}) slows or hurries faces, but not sound."
        raise HeadError(message, "Set both numbers to 100 under Output > Frame Range > Time Stretching.")


def outside(scene: bpy.types.Scene, start: int) -> str:
    """What of a take from frame `start` on is before all that the scene plays; empty where nothing is."""
    if start >= scene.frame_start:
        return ""
    return f"The scene begins at frame {scene.frame_start}: what is spoken from {start} on before that does not play."


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
    return int(np.floor(seconds_to_frame((count - 1) / take_fps, fps) + 1e-2)) + 1


def resample(curves: Floats, take_fps: float, fps: float, later: float = 0.0) -> Floats:
    """Curves (T, N) at `take_fps` as (S, N) at the scene's whole frames, linear between the take's frames.

    They play `later` seconds later; what is then missing at an end is held. Linear, as Blender draws between the keys
    of a take: a take has frames enough. `inference.resample` is cubic, for it makes 120 frames a second of 50.
    """
    count = frame_span(len(curves), take_fps, fps)
    same = abs(take_fps - fps) * count / fps < 0.01  # of a frame, at the end
    if not later and same and count == len(curves):
        return curves
    return sample(curves, take_fps, np.arange(count) / fps - later)
