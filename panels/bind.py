"""The panel "Any Head", within Head: bind the active mesh, look, apply."""

from __future__ import annotations

from typing import Any

import bpy

from ..operators.bind_head import bound_head
from ..operators.session import RUNTIME
from ..scene import binding
from ..scene.blender import states
from ..scene.head import parts
from .tab import Tab

_SHOWN = 24  # parts in the list
_TRY = ("jawOpen", "mouthPucker", "mouthSmileLeft", "eyeBlinkLeft", "browInnerUp")


class DUET_PT_bind(Tab, bpy.types.Panel):
    """Any mesh as a head."""

    bl_label = "Any Head"
    bl_parent_id = "DUET_PT_head"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the buttons; a few keys of the preview, where there is one."""
        layout = self.layout
        layout.enabled = not RUNTIME.busy
        mesh = binding.head_behind(context.active_object)
        shown = mesh is not None and mesh.type == "MESH"
        layout.label(text=f"Mesh: {mesh.name}" if shown else "Select a mesh to make it a head.", icon="MESH_DATA")
        row = layout.row(align=True)
        row.operator("duet.bind_head", icon="MOD_MESHDEFORM")
        row.operator("duet.bind_mask", text="", icon="BRUSH_DATA")
        _draw_parts(layout, context)
        head = bound_head(context)
        preview = binding.preview_of(head) if head else None
        if preview is None:
            return
        column = layout.column(align=True)
        for name in _TRY:
            block = preview.data.shape_keys.key_blocks.get(name)
            if block is not None:
                column.prop(block, "value", text=name, slider=True)
        row = layout.row(align=True)
        row.operator("duet.apply_binding", icon="CHECKMARK")
        row.operator("duet.discard_binding", icon="TRASH")


def _draw_parts(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """A tick for each mesh that stands in the head: whether it is bound with it; and which bone turns the head."""
    head = binding.head_behind(context.active_object)
    if head is None or head.type != "MESH":
        return
    column = layout.column(align=True)
    for number, obj in enumerate(parts.inside(context.scene, head)[:_SHOWN]):
        if not number:
            column.label(text="Bound with the head:", icon="LINKED")
        icon: Any = "CHECKBOX_HLT" if parts.is_ticked(head, obj) else "CHECKBOX_DEHLT"
        column.operator("duet.tick_part", text=obj.name, icon=icon, emboss=False).name = obj.name
    for rig in states.rigs_of(head):
        layout.prop_search(rig, "duet_neck", rig.pose, "bones", icon="BONE_DATA")


CLASSES = (DUET_PT_bind,)
