"""Dialogue from Table: the lines of a table on the heads of the scene, as `duet bake --into` makes them."""

# mypy: disable-error-code="valid-type"

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
from bpy_extras.io_utils import ImportHelper

from ..inference.audio.checks import SAMPLE_RATE
from ..inference.audio.loudness import envelope_steps
from ..inference.errors import DuetError, TableError
from ..inference.take import GenerateRequest
from ..scene import cast, choice, studio
from ..scene.blender import timing
from ..scene.blender.loose import duet_of
from ..scene.blender.paths import whole
from ..scene.take import settings, sound
from .batch.cast_table import Row, read_cast, scenes_of
from .modal import Stepped, Work, follow, hand_over
from .poll import Reasoned
from .session import RUNTIME
from .worker_job import ask


class DUET_OT_dialogue_from_table(Reasoned, ImportHelper, bpy.types.Operator):
    """Let several heads speak the lines of a table, a row a line: head, audio, start, emotion and more"""

    bl_idname = "duet.dialogue_from_table"
    bl_label = "Dialogue from Table"

    filename_ext = ".csv"
    filter_glob: bpy.props.StringProperty(default="*.csv;*.json", options={"HIDDEN"})

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether heads can be added now."""
        return "" if context.mode == "OBJECT" else "Go back to Object Mode."

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The file selector has closed: the work begins."""
        how = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
        return hand_over(self, bpy.ops.duet.dialogue, how, filepath=str(whole(self.filepath)))  # type: ignore[attr-defined]


class DUET_OT_dialogue(Reasoned, Stepped, bpy.types.Operator):
    """Make the lines of a table; heads that the scene lacks are added"""

    bl_idname = "duet.dialogue"
    bl_label = "Dialogue"
    bl_options = {"UNDO", "INTERNAL"}

    filepath: bpy.props.StringProperty(description="The table (.csv, .json)")

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether heads can be added now."""
        return DUET_OT_dialogue_from_table.reason(context)

    def work(self, context: bpy.types.Context) -> Work:
        """All lines from the engine first, then all of them onto the heads, or none."""
        scene = context.scene
        rows, name, parts = _rows(scene, whole(self.filepath)), scene.name, []
        for number, row in enumerate(rows):
            part = yield from _counted(_part(context, row), number, len(rows))
            parts.append(part)
        RUNTIME.exclusive = True
        if context.scene.name != name:
            raise TableError(f"The scene '{name}' is not open any more.", "Go back to it, and choose the table again.")
        made = yield from follow(cast.cast_steps(context.scene, parts), "Animating")
        if choice.target_head(context.scene) is None:
            duet_of(context.scene).head = made.made[0].obj
        choice.follow_head(context.scene)
        if made.added and studio.is_as_new(context.scene):
            studio.light(context.scene, *made.added)
        first, last = cast.span_of(made)
        heads = len({line.obj for line in made.made})
        text = f"{len(made.made)} lines of {heads} heads, frames {first} to {last}."
        return " ".join([text, *dict.fromkeys(made.notes)])


def _rows(scene: bpy.types.Scene, path: Path) -> list[Row]:
    """The rows that are of this scene; raises DuetError for the first that cannot be used."""
    usual = replace(settings.performance_of(duet_of(scene)), text="", marks=())  # which are of one recording
    rows, failed = read_cast(path, usual)
    if failed:
        raise failed[0][1]
    names = scenes_of(rows)
    if len(names) > 1:
        rows = [row for row in rows if row.scene == scene.name]
    if not rows:
        shown = ", ".join(f"'{name}'" for name in names)
        raise TableError(f"'{path.name}' has the scenes {shown}, but not '{scene.name}'.", "Name this scene like one.")
    return rows


def _part(context: bpy.types.Context, row: Row) -> Generator[float | None, None, cast.Part]:
    """What the engine makes of a row; raises DuetError naming it."""
    fps, own = timing.scene_fps(context.scene), row.performance
    request = GenerateRequest(fps=fps, style=own.style, audio=row.audio.name)
    try:
        samples = yield from sound.decode_steps(row.audio, own.begin(fps), own.trim_end)
        loudness = yield from envelope_steps(samples, SAMPLE_RATE)
        yield None
        take = yield from ask(context, request, samples)
    except DuetError as error:
        raise type(error)(f"{row.name}: {error.message}", error.remedy) from error
    return cast.Part(row.name, row.head, row.audio, take, own, row.start, row.place, loudness)


def _counted(steps: Generator[float | None, None, Any], number: int, count: int) -> Generator[float | None, None, Any]:
    """The steps of one line of several; what is shown is how far all of them are."""
    done, shown = 0.0, ("", -1.0)
    try:
        while True:
            step = next(steps)
            if (RUNTIME.stage, RUNTIME.fraction) != shown:  # the engine has told more
                done = RUNTIME.fraction if RUNTIME.job is not None else 0.0
            RUNTIME.stage, RUNTIME.fraction = shown = f"Line {number + 1} of {count}", (number + done) / count
            yield step
    except StopIteration as stop:
        return stop.value
    finally:
        steps.close()


CLASSES = (DUET_OT_dialogue_from_table, DUET_OT_dialogue)
