"""Heads that listen: life of its own for each head of a scene while others of its heads speak their lines."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Vector

from ...inference.performance.blinks import SEEDS
from ...inference.performance.life import LifeKeys
from ...inference.performance.listening import Heard, listen
from ..blender.loose import duet_of
from ..blender.timing import scene_fps
from ..head import heads
from . import life, lines, takes
from .lines import Line

LISTENING = "listening"  # stands for a line's id
_EYES = 0.62  # of a head's height: where the eyes are


def refresh(scene: bpy.types.Scene) -> None:
    """Make the listening of all heads of the scene anew, as its settings and the lines say now."""
    spoken = {obj: [line for line in lines.on(obj) if not line.is_muted] for obj in heads.heads_of(scene)}
    every = [line for own in spoken.values() for line in own]
    for obj, own in spoken.items():
        others = [line for line in every if line.obj != obj]
        if duet_of(scene).listening and others and not (obj.library or obj.data.library):
            first, last = min(line.first for line in every), max(line.last for line in every)
            keys = _keys(scene, obj, own, others, (first, last))
            chosen = lines.chosen(obj)
            life.put(obj, f"{obj.name} Listening", keys, (first, last), scene_fps(scene), LISTENING)
            if chosen:
                lines.choose(obj, chosen.action)
        elif life.tracks_of(obj, LISTENING):
            life.remove(obj, LISTENING)


def _keys(
    scene: bpy.types.Scene, obj: bpy.types.Object, own: list[Line], others: list[Line], span: tuple[int, int]
) -> LifeKeys:
    fps, chosen = scene_fps(scene), duet_of(scene)
    seconds = [((line.first - span[0]) / fps, (line.last - span[0]) / fps) for line in own]
    heard = [_heard(obj, line, span[0], fps) for line in others]
    seed = SEEDS * (heads.seed_of(obj) - 1)  # lines' are 1 and up
    return listen((span[1] - span[0]) / fps, seconds, heard, chosen.gaze, chosen.listening_amount, seed)


def _heard(obj: bpy.types.Object, line: Line, start: int, fps: float) -> Heard:
    begin, end = (line.first - start) / fps, (line.last - start) / fps
    moved = (duet_of(line.action).moved_to - start) / fps
    pauses = takes.read(line.action).pauses if takes.is_take(line.action) else []
    ends = [moved + at for at, _ in pauses if begin < moved + at < end]
    return Heard(begin, end, tuple(ends or [end]), *_way(obj, line.obj))


def _way(obj: bpy.types.Object, to: bpy.types.Object) -> tuple[float, float]:
    """Degrees to a head's own left and up to another one's eyes."""
    way = obj.matrix_world.inverted() @ to.matrix_world @ _eyes(to) - _eyes(obj)
    left, up = np.arctan2(way.x, -way.y), np.arctan2(way.z, np.hypot(way.x, way.y))
    return float(np.degrees(left).round(2)), float(np.degrees(up).round(2))


def _eyes(obj: bpy.types.Object) -> Vector:
    """The middle of the eyes in the head's own space, about."""
    corners = [Vector(corner) for corner in obj.bound_box]
    low, high = corners[0], corners[6]
    return Vector(((low.x + high.x) / 2, low.y, low.z + _EYES * (high.z - low.z)))
