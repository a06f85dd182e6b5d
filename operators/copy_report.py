"""Copy Report: environment and log go to the clipboard, for a report of a fault."""

from __future__ import annotations

import bpy

from . import log


class DUET_OT_copy_report(bpy.types.Operator):
    """Copy what a report of a fault should hold: versions, engine and the end of Duet's log (it names your files)"""

    bl_idname = "duet.copy_report"
    bl_label = "Copy Report"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Copy it."""
        context.window_manager.clipboard = log.report(context)
        self.report({"INFO"}, "Copied: paste it into your report.")
        return {"FINISHED"}


CLASSES = (DUET_OT_copy_report,)
