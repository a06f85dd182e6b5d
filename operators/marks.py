"""The marks of a take: found, added, taken away, jumped to, shown on the timeline."""

# mypy: disable-error-code="valid-type"

from __future__ import annotations

import bpy

from ..inference.errors import HeadError
from ..scene import choice
from ..scene.blender.loose import duet_of
from ..scene.take import mark_rows, takes
from .poll import Undoable


class _OnMarks(Undoable):
    """An operator on the marks of the take that the sidebar shows; `edit` raises DuetError."""

    needs_row = False

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether there is a take, and a mark where one is needed."""
        action = takes.active(choice.target_head(context.scene))
        if action is None:
            return "The head plays no take. Generate one, or choose one in the list."
        chosen = 0 <= duet_of(action).mark_row < len(duet_of(action).mark_rows)
        return "" if chosen or not cls.needs_row else "No mark is chosen. Click one in the list."

    def act(self, context: bpy.types.Context) -> None:
        """Change the marks."""
        action = takes.active(choice.target_head(context.scene))
        if action is None:
            raise HeadError("The head plays no take.", "Choose one in the list of takes.")
        self.edit(context.scene, action)

    def edit(self, scene: bpy.types.Scene, action: bpy.types.Action) -> None:
        """What the operator does."""
        raise NotImplementedError


class DUET_OT_find_marks(_OnMarks, bpy.types.Operator):
    """Find the mouth events of the take again, by its text where there is one; what you have changed stays changed"""

    bl_idname = "duet.find_marks"
    bl_label = "Find Marks"

    def edit(self, scene: bpy.types.Scene, action: bpy.types.Action) -> None:
        """Make the rows anew."""
        mark_rows.fill(action)


class DUET_OT_add_mark(_OnMarks, bpy.types.Operator):
    """Let the mouth do this at the current frame"""

    bl_idname = "duet.add_mark"
    bl_label = "Add Mark"

    kind: bpy.props.EnumProperty(name="Kind", items=mark_rows.KIND_ITEMS, description="What the mouth does there")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Take the kind that the sidebar shows."""
        self.kind = duet_of(context.scene).mark_kind
        return self.execute(context)

    def edit(self, scene: bpy.types.Scene, action: bpy.types.Action) -> None:
        """Add it, and have it seen."""
        if self.kind not in duet_of(scene).mark_kinds:
            duet_of(scene).mark_kinds |= {self.kind}
        mark_rows.add(action, self.kind, mark_rows.seconds_at(scene, action, scene.frame_current))


class DUET_OT_remove_mark(_OnMarks, bpy.types.Operator):
    """Take the chosen mark away: the mouth does what its neighbours make of it. A recognised one can be put back"""

    bl_idname = "duet.remove_mark"
    bl_label = "Remove Mark"
    needs_row = True

    def edit(self, scene: bpy.types.Scene, action: bpy.types.Action) -> None:
        """Take it away."""
        mark_rows.remove(action, duet_of(action).mark_row)


class DUET_OT_reset_marks(_OnMarks, bpy.types.Operator):
    """Put all marks back to where they were recognised"""

    bl_idname = "duet.reset_marks"
    bl_label = "Reset Marks"

    def edit(self, scene: bpy.types.Scene, action: bpy.types.Action) -> None:
        """Forget all changes."""
        mark_rows.reset(action)


class DUET_OT_jump_to_mark(_OnMarks, bpy.types.Operator):
    """Go to the frame of the chosen mark"""

    bl_idname = "duet.jump_to_mark"
    bl_label = "Jump to Mark"
    needs_row = True

    def edit(self, scene: bpy.types.Scene, action: bpy.types.Action) -> None:
        """Set the current frame."""
        scene.frame_set(mark_rows.frame_of(scene, action, duet_of(action).mark_rows[duet_of(action).mark_row]))


class DUET_OT_show_marks(_OnMarks, bpy.types.Operator):
    """Show the marks on the timeline, against the sound: drag, delete or duplicate them there as any marker"""

    bl_idname = "duet.show_marks"
    bl_label = "Marks on the Timeline"

    def edit(self, scene: bpy.types.Scene, action: bpy.types.Action) -> None:
        """Show them, or hide them where they are shown."""
        if duet_of(scene).marks_of == action:
            mark_rows.hide(scene)
            return
        if not len(duet_of(action).mark_rows):
            mark_rows.fill(action)
        mark_rows.show(scene, action)


CLASSES = (
    DUET_OT_find_marks,
    DUET_OT_add_mark,
    DUET_OT_remove_mark,
    DUET_OT_reset_marks,
    DUET_OT_jump_to_mark,
    DUET_OT_show_marks,
)
