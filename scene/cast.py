"""A cast: heads of one scene that speak the lines of a table, with their sounds, and listen to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import atan2, radians
from pathlib import Path

import bpy
import numpy as np

from ..inference.arrays import Floats
from ..inference.errors import DuetError, HeadError
from ..inference.head.blendshapes import load_blendshapes
from ..inference.head.canonical import load_head
from ..inference.performance.performance import SETTINGS, Performance
from ..inference.steps import Steps
from ..inference.take import Take
from .bake import Recording, apply_steps
from .blender import timing
from .blender.loose import Kind, duet_of
from .head import heads
from .take import line_edits, lines, listening

_APART = 0.55  # metres between two heads that stand side by side
_MEET = 0.14  # metres in front of their middle: the place that all of them face
_ROW = "duet_row"  # of a take's action: the table and the row that it was made of


@dataclass(frozen=True)
class Part:
    """One line of a table, and what the engine made of it.

    `start` is a frame of the scene; None is a little after the line above. `place` is x, y and z in metres, and degrees
    that the head is turned to its left; None is beside the others. `row` names the line for the next time, and `after`
    the row above it.
    """

    row: str
    head: str
    audio: Path
    take: Take
    performance: Performance
    start: int | None = None
    place: tuple[float, float, float, float] | None = None
    loudness: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    after: str = ""


@dataclass
class Cast:
    """What was made so far: heads that were added, lines, notes for the user, and the rows that failed.

    `earlier` are the lines of the same rows, made before, which give way.
    """

    earlier: list[lines.Line] = field(default_factory=list)
    added: list[bpy.types.Object] = field(default_factory=list)
    made: list[lines.Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: list[DuetError] = field(default_factory=list)


def cast_steps(scene: bpy.types.Scene, parts: Sequence[Part], strict: bool = True) -> Steps[Cast]:
    """Let heads of the scene, which are added where there are none of these names, speak these lines, in steps.

    A line of the same row, made before, gives way. Closed before its end, or where a line fails, all is taken back;
    without `strict` a line that fails is left out and kept in `failed`. Raises HeadError or AudioError.
    """
    cast = Cast(earlier=_earlier(scene, [part.row for part in parts]))
    for line in cast.earlier:
        lines.mute(line, True)
    try:
        yield from _heads(scene, parts, cast)
        for part in parts:
            start = part.start if part.start is not None else _after(scene, part, cast)
            try:
                yield from _speak(scene, part, start, cast)
            except DuetError as error:
                if strict:
                    raise
                cast.failed.append(type(error)(f"{part.row}: {error.message}", error.remedy))
                continue
        for line in cast.earlier:
            line_edits.remove(scene, line)
        duet_of(scene).listening = True
        listening.refresh(scene)
    except BaseException:
        _take_back(scene, cast)
        raise
    return cast


def _heads(scene: bpy.types.Scene, parts: Sequence[Part], cast: Cast) -> Steps[None]:
    """Add the heads that the scene lacks, each at its place."""
    names = list(dict.fromkeys(part.head for part in parts))
    head, blendshapes = load_head(), load_blendshapes()
    for name in names:
        found: bpy.types.Object | None = scene.objects.get(name)
        if found is not None:
            heads.require_current(heads.require_head(found))
            continue
        obj = heads.add_head(head, blendshapes, scene.collection, bpy.context.view_layer)
        cast.added.append(obj)
        obj.name, obj.parent.name = name, f"{name} Rig"
        if obj.name != name:
            raise HeadError(f"'{name}' is the name of another object.", "Give the head another name in the table.")
        place = next((part.place for part in parts if part.head == name and part.place), None)
        *where, turn = place or _beside(names.index(name), len(names))
        obj.parent.location, obj.parent.rotation_euler = where, (0.0, 0.0, radians(turn))
        yield 0.0
    bpy.context.view_layer.update()


def _beside(number: int, count: int) -> tuple[float, float, float, float]:
    """The place of the n-th of so many heads: side by side, all facing one place a little in front of their middle."""
    x = (number - (count - 1) / 2) * _APART
    return x, 0.0, 0.0, float(np.degrees(atan2(-x, _MEET))) if count > 1 else 0.0


def row_of(line: lines.Line) -> str:
    """The table and the row that a line was made of; empty where it was made by itself."""
    return str(line.action.get(_ROW, ""))


def _after(scene: bpy.types.Scene, part: Part, cast: Cast) -> int:
    """The frame at which a line without a start begins: after the row above it, which may have been made before."""
    known = [*cast.made, *_earlier(scene, [part.after] if part.after else [])]
    above = [line for line in known if row_of(line) == part.after]
    before = next(iter([*above, *reversed(cast.made)]), None)
    return scene.frame_start if before is None else before.last + 1 + round(lines.PAUSE * timing.scene_fps(scene))


def _speak(scene: bpy.types.Scene, part: Part, start: int, cast: Cast) -> Steps[None]:
    """Make one line."""
    obj, own = scene.objects[part.head], part.performance
    if own.seed == SETTINGS["seed"].default:
        own = replace(own, seed=lines.free_seed(obj))
    recording = Recording(part.audio, start, own.begin(part.take.fps), own.trim_end, loudness=part.loudness)
    cast.notes += yield from apply_steps(scene, obj, part.take, recording, own, in_sync=True, beside=True)
    line = lines.chosen(obj)
    if line is None:
        raise HeadError(f"'{obj.name}' did not take the line.", "Undo, and report this.")
    line.action[_ROW] = part.row
    cast.made.append(line)


def _earlier(scene: bpy.types.Scene, rows: Sequence[str]) -> list[lines.Line]:
    """The lines of these rows that are heard now."""
    every = [line for obj in heads.heads_of(scene) for line in lines.on(obj)]
    return [line for line in every if row_of(line) in rows and not line.is_muted]


def _take_back(scene: bpy.types.Scene, cast: Cast) -> None:
    for line in cast.earlier:
        lines.mute(line, False)
    for line in cast.made:
        line_edits.remove(scene, line)
        bpy.data.actions.remove(line.action)
    for obj in cast.added:
        mesh: Kind = obj.data
        rig: Kind = obj.parent
        bpy.data.objects.remove(obj)
        bpy.data.meshes.remove(mesh)
        if rig is not None:
            armature = rig.data
            bpy.data.objects.remove(rig)
            bpy.data.armatures.remove(armature)


def span_of(cast: Cast) -> tuple[int, int]:
    """The first and the last frame in which one of the lines is spoken."""
    return min(line.first for line in cast.made), max(line.last for line in cast.made)
