"""The lane of marks in the timeline and the sequencer: the take's sound, and over it a bar for each mark.

The bars' handles are Blender's own markers. Whatever is done with those draws these editors again, and so the rows and
the mouth follow: by a timer that is set for once, since nothing may be changed while Blender draws.
"""

from __future__ import annotations

from typing import Any, Literal

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ..inference.errors import HeadError
from ..scene.blender.loose import Kind, duet_of
from ..scene.blender.timing import scene_fps
from ..scene.take import mark_rows, takes

_COLOURS = {
    "closed": (0.93, 0.36, 0.36),
    "teeth": (0.96, 0.65, 0.26),
    "round": (0.38, 0.62, 0.98),
    "wide": (0.46, 0.82, 0.45),
    "open": (0.80, 0.52, 0.95),
    "tongue": (0.65, 0.65, 0.65),
}
_SOUND = (0.75, 0.8, 0.9, 0.28)
_BOTTOM, _HEIGHT = 26, 46  # pixels at a scale of 1: above the markers, and of a bar as strong as it can be
_SPACES = (bpy.types.SpaceDopeSheetEditor, bpy.types.SpaceSequenceEditor)
_handlers: list[tuple[Kind, object]] = []


def register() -> None:
    """Draw in every timeline and sequencer."""
    _handlers.extend((space, space.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")) for space in _SPACES)


def unregister() -> None:
    """Draw no more."""
    while _handlers:
        space, handler = _handlers.pop()
        space.draw_handler_remove(handler, "WINDOW")
    if bpy.app.timers.is_registered(_follow):
        bpy.app.timers.unregister(_follow)


def _draw() -> None:
    context = bpy.context
    scene, region = context.scene, context.region
    action = duet_of(scene).marks_of
    if region is None or not takes.is_take(action):
        return
    if mark_rows.is_behind(scene) and not bpy.app.timers.is_registered(_follow):
        bpy.app.timers.register(_follow, first_interval=0.0)
    scale = context.preferences.system.ui_scale
    gpu.state.blend_set("ALPHA")
    _draw_sound(scene, action, region, scale)
    for kind, colour in _COLOURS.items():
        strengths = [
            (_x(region, mark_rows.frame_of(scene, action, row)), row.strength)
            for row in duet_of(action).mark_rows
            if row.kind == kind and row.on_timeline
        ]
        _bars(strengths, colour, scale)
    gpu.state.blend_set("NONE")


def _draw_sound(scene: bpy.types.Scene, action: bpy.types.Action, region: bpy.types.Region, scale: float) -> None:
    """How loud the recording is, as a band behind the marks."""
    try:
        loud = takes.read(action).loudness
    except HeadError:
        return
    if not len(loud):
        return
    begin, fps = duet_of(action).moved_to, scene_fps(scene)
    first, last = _x(region, begin), _x(region, begin + len(loud) / 50 * fps)
    columns = np.arange(max(first, 0), min(last, region.width), 2.0)
    if last <= first or not len(columns):
        return
    height = loud[((columns - first) / (last - first) * (len(loud) - 1)).astype(int)] * _HEIGHT * scale
    low = np.stack([columns, np.full(len(columns), _BOTTOM * scale)], axis=1)
    high = low + np.stack([np.zeros(len(columns)), height], axis=1)
    strip = np.stack([low, high], axis=1).reshape(-1, 2)
    _fill("TRI_STRIP", strip, _SOUND)


def _bars(places: list[tuple[float, float]], colour: tuple[float, float, float], scale: float) -> None:
    """Bars at some x, as high as they are strong."""
    if not places:
        return
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 0], [1, 1], [0, 1]], float)
    boxes = []
    for x, strength in places:
        size = np.array([3.0 * scale, max(strength, 0.05) / 2 * _HEIGHT * scale])
        boxes.append(np.array([x - size[0] / 2, _BOTTOM * scale]) + corners * size)
    _fill("TRIS", np.concatenate(boxes), (*colour, 0.95))


def _fill(kind: Literal["TRIS", "TRI_STRIP"], points: np.ndarray, colour: tuple[float, ...]) -> None:
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    batch: Any = batch_for_shader(shader, kind, {"pos": [(x, y, 0.0) for x, y in points.tolist()]})
    shader.uniform_float("color", colour)
    batch.draw(shader)


def _x(region: bpy.types.Region, frame: float) -> float:
    place: Any = region.view2d.view_to_region(frame, 0, clip=False)
    return float(place[0])


def _follow() -> None:
    """Once, outside of drawing."""
    for scene in bpy.data.scenes:
        mark_rows.follow(scene)
