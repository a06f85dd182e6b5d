"""The sub-panel "Export": files for other programs, and a Live Link Face recording to compare with."""

from __future__ import annotations

import bpy

from ..operators.export_head import EXPORTS, exported
from ..operators.session import RUNTIME
from .tab import Tab


class DUET_PT_exports(Tab, bpy.types.Panel):
    """Exports and the import."""

    bl_label = "Export"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 90

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what is exported, and a button for each kind of file."""
        layout, head = self.layout, exported(context)
        layout.enabled = not RUNTIME.busy
        layout.label(text=f"Head: {head.name}" if head else "No head is chosen.", icon="USER" if head else "INFO")
        column = layout.column(align=True)
        for operator in EXPORTS:
            column.operator(operator.bl_idname, icon="EXPORT")
        layout.operator("duet.import_livelink", icon="IMPORT")


CLASSES = (DUET_PT_exports,)
