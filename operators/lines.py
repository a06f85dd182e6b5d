"""What is done with the lines of a head: made of takes, moved, trimmed, muted, removed."""

# mypy: disable-error-code="valid-type"

from __future__ import annotations

import bpy

from ..inference.errors import HeadError
from ..scene import choice
from ..scene.blender.loose import duet_of
from ..scene.head import heads
from ..scene.take import left_over, line_edits, lines, takes
from .poll import Undoable

_SIDES = [
    ("BEFORE", "Before", "Leave out what is before the current frame"),
    ("AFTER", "After", "Leave out what is after the current frame"),
    ("WHOLE", "Whole", "Play all of the line again"),
]


class DUET_OT_push_take(Undoable, bpy.types.Operator):
    """Make the take that plays alone a line: NLA strips with its sound and life, beside which others can speak"""

    bl_idname = "duet.push_take"
    bl_label = "Push to NLA"

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether a take plays alone."""
        sole = takes.sole(heads.require_head(choice.target_head(context.scene)))
        return "" if sole else "No take plays alone: lines are in the NLA already."

    def act(self, context: bpy.types.Context) -> str:
        """Push keys and object down."""
        line = line_edits.keep(context.scene, choice.require_target_head(context.scene))
        return f"'{line.action.name}' is a line, on NLA tracks of its name."


class _OnLine(Undoable):
    """An operator on the chosen line of the chosen head; `edit` raises DuetError."""

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether there is one, and the head can be written to."""
        head = heads.require_head(choice.target_head(context.scene))
        return "" if lines.chosen(head) else "No line is chosen. Click one in the list of lines."

    def act(self, context: bpy.types.Context) -> None:
        """Change the line; what is chosen under Audio goes with it."""
        line = lines.chosen(choice.require_target_head(context.scene))
        if line is None:
            raise HeadError("No line is chosen.", "Click one in the list of lines.")
        self.edit(context.scene, line)
        choice.follow_recording(context.scene)

    def edit(self, scene: bpy.types.Scene, line: lines.Line) -> None:
        """Change the line."""
        raise NotImplementedError


class DUET_OT_move_line(_OnLine, bpy.types.Operator):
    """Let the chosen line begin at a frame, with its sound, life and keys; other lines stay as they are"""

    bl_idname = "duet.move_line"
    bl_label = "Move Line"

    frame: bpy.props.IntProperty(name="Frame", description="The scene's frame at which it begins to be heard")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """At the current frame."""
        self.frame = context.scene.frame_current
        return self.execute(context)

    def edit(self, scene: bpy.types.Scene, line: lines.Line) -> None:
        """Give it another start frame."""
        line_edits.move(scene, line, self.frame, duet_of(scene).overlaps == "FADE")


class DUET_OT_trim_line(_OnLine, bpy.types.Operator):
    """Trim the chosen line at the current frame, its sound with it; nothing is lost"""

    bl_idname = "duet.trim_line"
    bl_label = "Trim Line"

    side: bpy.props.EnumProperty(name="Side", items=_SIDES, description="What of the line is left out")

    def edit(self, scene: bpy.types.Scene, line: lines.Line) -> None:
        """Change one of its ends, or both."""
        group = duet_of(line.action)
        first, last = line.first, line.last
        if self.side == "WHOLE":
            first, last = group.moved_to, group.moved_to + group.length - 1
        elif not first <= scene.frame_current <= last:
            where = f"The line '{line.action.name}' plays from frame {first} to {last}, not at {scene.frame_current}."
            raise HeadError(where, "Go to a frame within it.")
        elif self.side == "BEFORE":
            first = scene.frame_current
        else:
            last = scene.frame_current
        line_edits.trim(scene, line, first, last, duet_of(scene).overlaps == "FADE")


class DUET_OT_mute_line(_OnLine, bpy.types.Operator):
    """Mute or unmute a line: face, life and sound"""

    bl_idname = "duet.mute_line"
    bl_label = "Mute Line"

    name: bpy.props.StringProperty(name="Line", description="The line's name; empty: the chosen one")

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether the head has lines."""
        head = choice.target_head(context.scene)
        return "" if lines.on(head) else "The head has no lines."

    def edit(self, scene: bpy.types.Scene, line: lines.Line) -> None:
        """Turn it as it is not."""
        line_edits.mute(scene, line, not line.is_muted, duet_of(scene).overlaps == "FADE")

    def act(self, context: bpy.types.Context) -> None:
        """Choose the line that is named, and change it."""
        head = choice.require_target_head(context.scene)
        if self.name in bpy.data.actions and lines.of(head, bpy.data.actions[self.name]):
            lines.choose(head, bpy.data.actions[self.name])
        super().act(context)


class DUET_OT_remove_line(_OnLine, bpy.types.Operator):
    """Remove the chosen line, with its sound and life; its take stays in the list of takes"""

    bl_idname = "duet.remove_line"
    bl_label = "Remove Line"

    def edit(self, scene: bpy.types.Scene, line: lines.Line) -> None:
        """Take it off."""
        line_edits.remove(scene, line)


class DUET_OT_clear_lines(Undoable, bpy.types.Operator):
    """Remove the sound and the life of takes whose actions were deleted, and bring a face that still stands to rest"""

    bl_idname = "duet.clear_lines"
    bl_label = "Remove What Is Left"

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether there is a head; the panel, which looks for what is left, draws the button only where it finds it."""
        heads.require_head(choice.target_head(context.scene))
        return ""

    def act(self, context: bpy.types.Context) -> str:
        """Take it away."""
        found = left_over.clear(context.scene, choice.require_target_head(context.scene))
        return "" if found else "Nothing is left of lines that are gone."


CLASSES = (
    DUET_OT_clear_lines,
    DUET_OT_push_take,
    DUET_OT_move_line,
    DUET_OT_trim_line,
    DUET_OT_mute_line,
    DUET_OT_remove_line,
)
