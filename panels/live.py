"""The sub-panel "Live": a head that shows what is being spoken."""

from __future__ import annotations

import bpy

from ..operators.listen import EAR
from .tab import Tab


class DUET_PT_live(Tab, bpy.types.Panel):
    """Listen, and what has come."""

    bl_label = "Live"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 95

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the button, or the head that listens and how to stop it."""
        layout = self.layout
        if not EAR.head:
            layout.operator("duet.listen", icon="SPEAKER")
            layout.label(text="Then run: duet live mic --format blender")
            return
        layout.operator("duet.stop_listening", icon="CANCEL")
        layout.label(text=f"{EAR.head}: {EAR.shown} frames", icon="USER")
        if EAR.dropped:
            layout.label(text=f"{EAR.dropped} packets were no frames", icon="INFO")
        if EAR.lacking:
            layout.label(text=f"The head lacks {EAR.lacking} of the keys sent", icon="ERROR")


CLASSES = (DUET_PT_live,)
