"""Seconds and frames: the only place where one becomes the other."""

from __future__ import annotations

import bpy

from ...inference.errors import HeadError

_RATE = 1e-3  # frames a second: less is no other rate


def scene_fps(scene: bpy.types.Scene) -> float:
    """Frames per second that the scene really plays: `fps / fps_base` (29.97 is 30 / 1.001).

    Blender keeps the base in single precision, which is a frame too few after ten minutes, so it is rounded.
    """
    return float(scene.render.fps / round(scene.render.fps_base, 6))


def is_rate(scene: bpy.types.Scene, fps: float) -> bool:
    """Whether the scene plays so many frames a second."""
    return abs(scene_fps(scene) - fps) < _RATE


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
