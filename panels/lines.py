"""The lines of a head: what it says when, and what is done with the chosen one."""

from __future__ import annotations

import bpy

from ..operators.session import RUNTIME
from ..scene import choice
from ..scene.blender import timing
from ..scene.blender.loose import duet_of
from ..scene.head import heads
from ..scene.take import left_over, lines, takes
from .tab import Tab, cells, columns, titles, wrapped

_WIDTHS = (0.26, 0.26)  # of a row: its start, and of the rest its length


class DUET_UL_lines(bpy.types.UIList):
    """The lines of the chosen head in order of time; a double click changes a name."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index, flt_flag):  # type: ignore[no-untyped-def]
        """Draw when it begins, how long it is, its name, and whether it is muted."""
        line = lines.of(choice.target_head(context.scene), item)
        if line is None:
            return
        cell = cells(layout, _WIDTHS)
        next(cell).prop(duet_of(item), "start_frame", text="")
        next(cell).label(text=f"{(line.last - line.first + 1) / timing.scene_fps(context.scene):.1f} s")
        row = next(cell)
        row.prop(item, "name", text="", emboss=False)
        muted = line.is_muted
        icon = "MUTE_IPO_ON" if muted else "MUTE_IPO_OFF"
        row.operator("duet.mute_line", text="", icon=icon, emboss=False).name = item.name

    def filter_items(self, context, data, name):  # type: ignore[no-untyped-def]
        """Show only lines of the chosen head, the first one first."""
        own = [line.action for line in lines.on(choice.target_head(context.scene))]
        every = list(bpy.data.actions)
        order = {action: row for row, action in enumerate([*own, *(a for a in every if a not in own)])}
        return [self.bitflag_filter_item if a in own else 0 for a in every], [order[a] for a in every]


class DUET_PT_lines(Tab, bpy.types.Panel):
    """What the head says when."""

    bl_label = "Lines"
    bl_parent_id = "DUET_PT_result"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the list, what is done with the chosen line, and the way to many at once."""
        layout, head = self.layout, choice.target_head(context.scene)
        layout.enabled = not RUNTIME.busy
        sole = takes.sole(head)
        if lines.on(head):
            _draw_list(layout, context)
        left = left_over.find(context.scene, head) if head is not None else None
        if left:
            wrapped(layout, context, left.sentence)
            layout.operator("duet.clear_lines", icon="TRASH")
        if sole is not None:
            over = (
                "The take that plays alone hides all lines." if lines.on(head) else "As a line, others can follow it."
            )
            wrapped(layout, context, over)
            layout.operator("duet.push_take", icon="NLA_PUSHDOWN")
        layout.operator("duet.dialogue_from_table", icon="SPREADSHEET")


class DUET_PT_listening(Tab, bpy.types.Panel):
    """What heads do while others speak."""

    bl_label = "Listening"
    bl_parent_id = "DUET_PT_result"
    bl_order = 2
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is somebody to listen to."""
        return len(heads.heads_of(context.scene)) > 1

    def draw_header(self, context: bpy.types.Context) -> None:
        """Draw the switch."""
        self.layout.prop(duet_of(context.scene), "listening", text="")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the amounts."""
        layout, chosen = columns(self.layout), duet_of(context.scene)
        layout.enabled = not RUNTIME.busy and chosen.listening
        layout.prop(chosen, "gaze", slider=True)
        layout.prop(chosen, "listening_amount", slider=True)


def _draw_list(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    scene = context.scene
    titles(layout, _WIDTHS, ("Start", "Length", "Line"))
    layout.template_list("DUET_UL_lines", "", bpy.data, "actions", duet_of(scene), "active_line", rows=4)
    row = layout.row(align=True)
    row.operator("duet.move_line", text="Move Here", icon="TRACKING_FORWARDS_SINGLE")
    row.operator("duet.remove_line", text="Remove", icon="REMOVE")
    row = layout.row(align=True)
    for side, text in (("BEFORE", "Trim Before"), ("AFTER", "Trim After"), ("WHOLE", "Whole")):
        row.operator("duet.trim_line", text=text).side = side
    column, line = columns(layout), lines.chosen(choice.target_head(scene))
    if line is not None:
        cut = column.column(align=True)
        cut.prop(duet_of(line.action), "cut_start")
        cut.prop(duet_of(line.action), "cut_end")
        if line.is_by_hand:
            text = "It was moved in the NLA editor, where sound and life do not follow: give it a start here."
            wrapped(layout, context, text)
        if duet_of(line.action).note:
            wrapped(layout, context, duet_of(line.action).note)
    column.prop(duet_of(scene), "overlaps")


CLASSES = (DUET_UL_lines, DUET_PT_lines, DUET_PT_listening)
