"""The button, first in the tab, so that it stays in view."""

from __future__ import annotations

import bpy

from ..operators.bind_head import can_rebind
from ..operators.generate import DUET_OT_generate
from ..operators.session import RUNTIME
from ..operators.target_generate import DUET_OT_target_generate
from ..scene import choice
from ..scene.blender.loose import duet_of
from ..scene.take import takes
from ..scene.targets import makes
from .tab import Tab, wrapped


class DUET_PT_generate(Tab, bpy.types.Panel):
    """The button, or how far it is, and a take that waits."""

    bl_label = "Generate"
    bl_order = 0

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the button and why it is grey, or the progress and a way out."""
        layout = self.layout
        if RUNTIME.busy:
            layout.progress(factor=RUNTIME.fraction, text=f"{RUNTIME.stage} {RUNTIME.fraction:.0%}")
            layout.operator("duet.cancel", icon="X")
            return
        button = layout.column()
        button.scale_y = 1.6
        other = makes.chosen(context.scene)
        if other is None:
            button.operator("duet.generate", icon="PLAY_SOUND")
            reason = DUET_OT_generate.why_not(context)
        else:
            button.operator("duet.target_generate", text="Generate from Audio", icon="PLAY_SOUND")
            reason = DUET_OT_target_generate.why_not(context)
        if reason:
            wrapped(layout, context, reason)
        head = choice.target_head(context.scene)
        if head is not None and takes.takes_of(head):
            layout.row().prop(duet_of(context.scene), "place", expand=True)
        if can_rebind(context):
            layout.operator("duet.bind_chosen", icon="MESH_MONKEY")
        if RUNTIME.pending is not None:
            box = layout.box()
            wrapped(box, context, "A finished take waits for its head.")
            row = box.row(align=True)
            row.operator("duet.apply_result", icon="CHECKMARK")
            row.operator("duet.discard_result", icon="TRASH")


CLASSES = (DUET_PT_generate,)
