"""What came of it: the takes, and what is done with them."""

from __future__ import annotations

import bpy

from ..operators.session import RUNTIME
from ..scene import choice
from ..scene.blender.loose import duet_of
from ..scene.checks import advice
from ..scene.take import lines, takes
from .tab import Tab, columns, listed, wrapped


class DUET_PT_result(Tab, bpy.types.Panel):
    """What the head plays: its panels are below."""

    bl_label = "Result"
    bl_order = 5

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what concerns all of it."""
        head, played = choice.target_head(context.scene), choice.action_on_target(context.scene)
        if played is not None:  # its keys are plain, and have no list of takes
            self.layout.label(text=played.name, icon="RADIOBUT_ON")
        if played is not None or (head is not None and takes.takes_of(head)):
            self.layout.operator("duet.fit_range", icon="PREVIEW_RANGE")
        else:
            self.layout.label(text="No take yet.", icon="BLANK1")


class DUET_UL_takes(bpy.types.UIList):
    """The takes of the chosen head: actions, of which a double click changes the name."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index, flt_flag):  # type: ignore[no-untyped-def]
        """Draw a take."""
        head = choice.target_head(context.scene)
        playing = takes.active(head) == item
        row = layout.row(align=True)
        row.prop(item, "name", text="", emboss=False, icon="RADIOBUT_ON" if playing else "RADIOBUT_OFF")
        if lines.of(head, item):
            row.label(text="", icon="NLA")

    def filter_items(self, context, data, name):  # type: ignore[no-untyped-def]
        """Show only takes of the chosen head."""
        head = choice.target_head(context.scene)
        own = takes.takes_of(head) if head else []
        return [self.bitflag_filter_item if action in own else 0 for action in bpy.data.actions], []


class DUET_PT_takes(Tab, bpy.types.Panel):
    """The takes, and what is done with the one that plays."""

    bl_label = "Takes"
    bl_parent_id = "DUET_PT_result"
    bl_order = 0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the head has takes."""
        head = choice.target_head(context.scene)
        return head is not None and bool(takes.takes_of(head))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the list and its buttons."""
        layout, scene = self.layout, context.scene
        layout.enabled = not RUNTIME.busy
        buttons = listed(layout, "DUET_UL_takes", (bpy.data, "actions"), (duet_of(scene), "active_take"), 3)
        buttons.operator("duet.duplicate_take", text="", icon="DUPLICATE")
        buttons.operator("duet.remove_take", text="", icon="REMOVE")
        head = choice.target_head(scene)
        action = takes.active(head)
        wrapped(layout, context, lines.playing(head))
        if action is not None:
            for text in (duet_of(action).note, *advice.of_take(scene, head, action)):
                if text:
                    wrapped(layout, context, text)
        row = layout.row(align=True)
        row.operator("duet.bake_plain", text="Plain Keys", icon="KEYFRAME").part = "ONE"
        if lines.on(head):
            row.operator("duet.bake_plain", text="All").part = "ALL"
        columns(layout).prop(duet_of(scene), "tolerance", text="Tolerance (mm)")


class DUET_PT_again(Tab, bpy.types.Panel):
    """The take that plays, from the engine once more."""

    bl_label = "Generate Again"
    bl_parent_id = "DUET_PT_result"
    bl_order = 8
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether a take plays."""
        return takes.active(choice.target_head(context.scene)) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the range and the buttons."""
        layout, chosen = self.layout, duet_of(context.scene)
        layout.enabled = not RUNTIME.busy
        row = layout.row(align=True)
        for name in ("range_start", "range_end", "border"):
            row.prop(chosen, name)
        row = layout.row(align=True)
        row.operator("duet.regenerate", text="Range", icon="PREVIEW_RANGE").part = "RANGE"
        row.operator("duet.regenerate", text="Whole Take", icon="FILE_REFRESH").part = "ALL"


class DUET_PT_keep(Tab, bpy.types.Panel):
    """What becomes of other animation."""

    bl_label = "Options"
    bl_parent_id = "DUET_PT_result"
    bl_order = 9
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the choice."""
        column = columns(self.layout)
        column.prop(duet_of(context.scene), "existing")
        column.prop(duet_of(context.scene), "clear_way")


CLASSES = (DUET_UL_takes, DUET_PT_result, DUET_PT_takes, DUET_PT_again, DUET_PT_keep)
