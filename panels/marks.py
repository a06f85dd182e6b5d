"""The marks of the take that plays: a list of its mouth events, and what is done with them."""

from __future__ import annotations

import bpy

from ..operators.session import RUNTIME
from ..scene import choice
from ..scene.blender.loose import duet_of
from ..scene.take import takes
from .tab import Tab, cells, titles

_WIDTHS = (0.41, 0.53)  # of a row: its kind, and of the rest its second
_BUTTONS = {"remove_mark": "Remove", "jump_to_mark": "Go To", "find_marks": "Find", "reset_marks": "Reset"}


class DUET_UL_marks(bpy.types.UIList):
    """Mouth events in order of time: what, when, how strong."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index, flt_flag):  # type: ignore[no-untyped-def]
        """Draw a row."""
        cell = cells(layout, _WIDTHS[:1] if item.gone else _WIDTHS)
        kind = next(cell).row()
        kind.active = not item.gone
        kind.prop(item, "kind", text="", emboss=False)
        if item.gone:
            next(cell).prop(item, "gone", text="Put Back", icon="LOOP_BACK", invert_checkbox=True, emboss=True)
            return
        next(cell).prop(item, "seconds", text="", emboss=False)
        next(cell).prop(item, "strength", text="", slider=True)

    def filter_items(self, context, data, name):  # type: ignore[no-untyped-def]
        """Show the kinds that are shown on the timeline, in order of time."""
        rows, kinds = getattr(data, name), duet_of(context.scene).mark_kinds
        shown = [self.bitflag_filter_item if row.kind in kinds else 0 for row in rows]
        order = bpy.types.UI_UL_list.sort_items_helper(
            [(at, row.seconds) for at, row in enumerate(rows)], lambda r: r[1]
        )
        return shown, order


class DUET_PT_marks(Tab, bpy.types.Panel):
    """The sounds, editable."""

    bl_label = "Marks"
    bl_parent_id = "DUET_PT_performance"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether a take plays."""
        return takes.active(choice.target_head(context.scene)) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the text, the list and its buttons."""
        layout, chosen = self.layout, duet_of(context.scene)
        layout.enabled = not RUNTIME.busy
        action = takes.active(choice.target_head(context.scene))
        group = duet_of(action)
        layout.prop(group, "text", icon="TEXT")
        layout.row(align=True).prop(chosen, "mark_kinds")
        column = layout.column(align=True)
        titles(column, _WIDTHS, ("Mark", "Second", "Strength"))
        column.template_list("DUET_UL_marks", "", group, "mark_rows", group, "mark_row", rows=6)
        row = column.row(align=True)
        for name, text in _BUTTONS.items():
            row.operator(f"duet.{name}", text=text)
        row = layout.row(align=True)
        row.prop(chosen, "mark_kind", text="")
        row.operator("duet.add_mark", text="Add Here", icon="ADD")
        shown = chosen.marks_of == action
        layout.operator("duet.show_marks", icon="MARKER_HLT" if shown else "MARKER", depress=shown)


CLASSES = (DUET_UL_marks, DUET_PT_marks)
