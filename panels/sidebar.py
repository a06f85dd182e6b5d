"""Who speaks, and what is said: the panels Head and Audio of the tab "Duet"."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..operators.recording import chosen_recording
from ..operators.session import RUNTIME
from ..scene.blender.loose import duet_of
from . import waveform
from .tab import Tab, columns, wrapped


class DUET_PT_head(Tab, bpy.types.Panel):
    """Who speaks."""

    bl_label = "Head"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the button that adds a head and the choice of one."""
        layout = columns(self.layout)
        layout.enabled = not RUNTIME.busy
        layout.prop(duet_of(context.scene), "head")
        row = layout.row(align=True)
        row.operator("duet.add_head", icon="USER")
        row.operator("duet.add_studio", text="", icon="LIGHT_AREA")


class DUET_PT_audio(Tab, bpy.types.Panel):
    """What is said, and when."""

    bl_label = "Audio"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the file or the strip, its cut and its place."""
        layout, chosen = columns(self.layout), duet_of(context.scene)
        layout.enabled = not RUNTIME.busy
        layout.row().prop(chosen, "source", expand=True)
        if chosen.source == "STRIP":
            editor = context.scene.sequence_editor
            if editor is None:
                wrapped(layout, context, "The sequencer of this scene is empty. Add a sound strip there, or use File.")
                return
            layout.prop_search(chosen, "strip", editor, "strips_all", icon="SOUND")
        else:
            name = Path(chosen.audio.replace("\\", "/")).name
            layout.operator("duet.choose_recording", text=name or "Choose Recording", icon="FILEBROWSER")
        recording = chosen_recording(context.scene)
        if recording is not None:
            waveform.draw(layout, recording)
        if chosen.source == "FILE":
            layout.prop(chosen, "start_frame")


class DUET_PT_trim(Tab, bpy.types.Panel):
    """Which part of the file, and how it plays."""

    bl_label = "Trim and Playback"
    bl_parent_id = "DUET_PT_audio"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the cut of a file; a strip has its own."""
        layout, chosen = columns(self.layout), duet_of(context.scene)
        layout.enabled = not RUNTIME.busy
        if chosen.source == "FILE":
            layout.prop(chosen, "audio")
            trim = layout.column(align=True)
            trim.prop(chosen, "trim_start")
            trim.prop(chosen, "trim_end")
        layout.prop(chosen, "in_sync")


CLASSES = (DUET_PT_head, DUET_PT_audio, DUET_PT_trim)
