"""The sub-panel Library: expressions to add to the head, with their pictures."""

from __future__ import annotations

from pathlib import Path

import bpy
import bpy.utils.previews

from ..inference.head.library import label
from ..inference.take import EMOTIONS
from ..operators.session import RUNTIME
from ..scene import choice
from ..scene.blender.loose import duet_of
from ..scene.head import emotions
from .tab import Tab

PICTURES = Path(__file__).resolve().parent / "expressions"  # NAME.jpg, made by examples/expression_pictures.py
_ROWS = 6
_LARGE = 6.0  # how much larger than an icon the chosen one's picture is

_pictures: bpy.utils.previews.ImagePreviewCollection | None = None


def register() -> None:
    """Make room for the pictures; each is read when it is first drawn."""
    global _pictures
    _pictures = bpy.utils.previews.new()
    for path in PICTURES.glob("*.jpg"):
        _pictures.load(path.stem, str(path), "IMAGE")


def unregister() -> None:
    """Let go of the pictures."""
    global _pictures
    if _pictures is not None:
        bpy.utils.previews.remove(_pictures)
    _pictures = None


def _icon(name: str) -> int:
    return _pictures[name].icon_id if _pictures is not None and name in _pictures else 0


class DUET_UL_library(bpy.types.UIList):
    """The expressions of the library; a click shows one larger, the button adds it to the head."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index, flt_flag):  # type: ignore[no-untyped-def]
        """Draw an expression."""
        head = choice.target_head(context.scene)
        row = layout.row(align=True)
        row.label(text=item.name, icon_value=_icon(item.identifier))
        if head is not None and item.identifier in emotions.on(head):
            row.operator("duet.remove_expression", text="", icon="X", emboss=False).expression = item.identifier
        else:
            row.operator("duet.add_expression", text="", icon="ADD", emboss=False).expression = item.identifier

    def draw_filter(self, context, layout):  # type: ignore[no-untyped-def]
        """Draw nothing: the field above the list is the filter."""

    def filter_items(self, context, data, name):  # type: ignore[no-untyped-def]
        """Show those of the library whose names have the text that is searched."""
        wanted = duet_of(context.scene).library_search.strip().lower()
        shown = [
            self.bitflag_filter_item if item.identifier not in EMOTIONS and wanted in item.name.lower() else 0
            for item in data.enum_items
        ]
        return shown, []


class DUET_PT_library(Tab, bpy.types.Panel):
    """What else the face can feel."""

    bl_label = "Library"
    bl_parent_id = "DUET_PT_emotion"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a head to add to."""
        return choice.target_head(context.scene) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the search field, the list, and the chosen expression's picture."""
        layout, chosen = self.layout, duet_of(context.scene)
        layout.enabled = not RUNTIME.busy
        layout.prop(chosen, "library_search", text="", icon="VIEWZOOM")
        items = type(chosen).bl_rna.properties["library"]
        layout.template_list("DUET_UL_library", "", items, "enum_items", chosen, "library_row", rows=_ROWS)
        if 0 <= chosen.library_row < len(items.enum_items):
            name = items.enum_items[chosen.library_row].identifier
            if _icon(name):
                column = layout.column(align=True)
                column.template_icon(_icon(name), scale=_LARGE)
                column.label(text=label(name))


CLASSES = (DUET_UL_library, DUET_PT_library)
