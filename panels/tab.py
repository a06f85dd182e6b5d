"""What the panels of the sidebar tab "Duet" have in common."""

from __future__ import annotations

import textwrap

import bpy

_MARGIN, _LETTER = 75.0, 6.5  # pixels beside a line of text, and of a letter on average, at a scale of 1


class Tab:
    """A panel in the sidebar of the 3D viewport; its `bl_order` is its place in the tab."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Duet"


def columns(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """A column of names and values, as Blender's own panels have."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    return column


def wrapped(layout: bpy.types.UILayout, context: bpy.types.Context, text: str) -> None:
    """Draw a sentence over as many lines as the sidebar needs."""
    room = context.region.width / context.preferences.system.ui_scale - _MARGIN
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(text, max(16, int(room / _LETTER)))):
        column.label(text=line, icon="BLANK1" if number else "INFO")
