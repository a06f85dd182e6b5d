"""What a take becomes on a head: what it plays alone, or a line, in place of one or beside the others."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..blender import actions
from ..blender.loose import duet_of
from . import line_edits, lines, listening, takes
from .lines import Line


@dataclass(frozen=True)
class Role:
    """`replaced` is the line whose place the take takes; `sole` the take that was alone, and becomes a line."""

    is_line: bool = False
    replaced: Line | None = None
    sole: bpy.types.Action | None = None

    def begin(self, scene: bpy.types.Scene, obj: bpy.types.Object, action: bpy.types.Action) -> None:
        """Let the head play the action in this role; what gives way is muted until `end`."""
        if not self.is_line:
            if not lines.renew(obj, action):
                assign(obj, action)
            return
        if self.sole:
            line_edits.place(scene, obj, self.sole)
        if self.replaced:
            lines.mute(self.replaced, True)
        line_edits.place(scene, obj, action)

    def end(self, scene: bpy.types.Scene, obj: bpy.types.Object, action: bpy.types.Action) -> None:
        """Do, after all else, what cannot be put back."""
        if self.sole:
            line_edits.adopt(scene, Line(obj, self.sole))
        if self.replaced:
            line_edits.remove(scene, self.replaced)
        if self.is_line:
            lines.arrange(obj)
            lines.choose(obj, action)
            listening.refresh(scene)

    def line_of(self, action: bpy.types.Action) -> str:
        """The id of the line that the action is; empty where it is none."""
        return str(duet_of(action).line) if self.is_line else ""


def role_of(
    scene: bpy.types.Scene,
    obj: bpy.types.Object,
    name: str,
    span: tuple[int, int],
    beside: bool = False,
    instead: str = "",
) -> Role:
    """What a take that speaks in these frames, first and last, can be; raises HeadError where it has no room.

    `beside` makes it one more line; else it takes the place of the line `instead`, or of what plays.
    """
    there, sole = lines.on(obj), takes.sole(obj)
    if not there and not beside:
        return Role()
    named = next((line for line in there if instead and line.id == instead), None)
    replaced = None if beside else named or lines.chosen(obj)
    others = [line for line in there if line != replaced and not line.is_muted]
    if sole:
        line_edits.measure(scene, sole)
        others.append(Line(obj, sole))
    lines.require_room(name, span, others, duet_of(scene).overlaps == "FADE")
    return Role(True, replaced, sole)


def assign(obj: bpy.types.Object, action: bpy.types.Action) -> None:
    """Let the head's keys and the head object play a take, each in its slot."""
    for datablock in (obj.data.shape_keys, obj):
        actions.assign(datablock, action)
