"""What the panels of the sidebar tab "Duet" have in common."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

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


def cells(layout: bpy.types.UILayout, widths: Sequence[float]) -> Iterator[bpy.types.UILayout]:
    """The cells of a row of a list, one after another: each takes one item, before the next is asked for.

    A width is the share of what the cells before leave; the last cell has the rest.
    """
    for width in widths:
        layout = layout.split(factor=width, align=True)
        yield layout
    yield layout.row(align=True)


def titles(layout: bpy.types.UILayout, widths: Sequence[float], names: Sequence[str]) -> None:
    """Draw what the cells of a list are, above it."""
    for cell, name in zip(cells(layout, widths), names, strict=True):
        cell.label(text=name)


def listed(
    layout: bpy.types.UILayout,
    kind: str,
    rows: tuple[object, str],
    active: tuple[object, str],
    least: int,
    heading: tuple[Sequence[float], Sequence[str]] | None = None,
) -> bpy.types.UILayout:
    """Draw a list of at least so many lines, under its titles if it has any; the column beside it, for its buttons."""
    row = layout.row()
    column = row.column(align=True)
    if heading:
        titles(column, *heading)
    column.template_list(kind, "", *rows, *active, rows=least)
    return row.column(align=True)


def wrapped(layout: bpy.types.UILayout, context: bpy.types.Context, text: str) -> None:
    """Draw a sentence over as many lines as the sidebar needs."""
    room = context.region.width / context.preferences.system.ui_scale - _MARGIN
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(text, max(16, int(room / _LETTER)))):
        column.label(text=line, icon="BLANK1" if number else "INFO")
