"""The sidebar tab "Duet": from a head and a recording to a performance, from top to bottom."""

from __future__ import annotations

import textwrap

import bpy

from ..inference.take import EMOTIONS
from ..operators.generate import why_not
from ..operators.runtime import RUNTIME
from ..scene import properties, sliders

_MARGIN, _LETTER = 75.0, 6.5  # pixels beside a line of text, and of a letter on average, at a scale of 1


class _Tab:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Duet"


class DUET_PT_speak(_Tab, bpy.types.Panel):
    """Head, audio, emotion, and the button."""

    bl_label = "Talking Head"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the steps in order."""
        layout, settings = self.layout, context.scene.duet
        layout.enabled = not RUNTIME.busy
        layout.use_property_split = True
        layout.use_property_decorate = False

        head = layout.column(align=True)
        head.operator("duet.add_head", icon="USER")
        head.prop(settings, "head")

        audio = layout.column(align=True)
        audio.prop(settings, "audio")
        audio.prop(settings, "start_frame")
        audio.prop(settings, "in_sync")

        emotion = layout.column(align=True)
        emotion.prop(settings, "emotion")
        intensity = emotion.row()
        intensity.active = settings.emotion != "neutral"
        intensity.prop(settings, "intensity", slider=True)


class DUET_PT_generate(_Tab, bpy.types.Panel):
    """The button, or how far it is."""

    bl_label = "Generate"
    bl_parent_id = "DUET_PT_speak"
    bl_options = {"HIDE_HEADER"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the button and why it is grey, or the progress and a way out."""
        layout = self.layout
        if RUNTIME.busy:
            layout.progress(factor=RUNTIME.fraction, text=f"{RUNTIME.stage.capitalize()} {RUNTIME.fraction:.0%}")
            layout.operator("duet.cancel", icon="X")
            return
        button = layout.column()
        button.scale_y = 1.6
        button.operator("duet.generate", icon="PLAY_SOUND")
        reason = why_not(context.scene)
        if reason:
            _wrapped(layout, context, reason)


class DUET_PT_emotions(_Tab, bpy.types.Panel):
    """The emotions on the timeline."""

    bl_label = "Emotions on the Timeline"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the head has sliders."""
        head = properties.target_head(context.scene)
        return head is not None and bool(sliders.sliders_of(head, EMOTIONS))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw a slider for each emotion, with Blender's own keyframe buttons."""
        layout, head = self.layout, properties.target_head(context.scene)
        layout.use_property_split = True
        column = layout.column(align=True)
        for emotion in sliders.sliders_of(head, EMOTIONS):
            column.prop(head, sliders.slider_path(emotion), text=sliders.slider_name(emotion), slider=True)
        layout.operator("duet.key_emotions", icon="KEY_HLT")


def _wrapped(layout: bpy.types.UILayout, context: bpy.types.Context, text: str) -> None:
    """Draw a sentence over as many lines as the sidebar needs."""
    room = context.region.width / context.preferences.system.ui_scale - _MARGIN
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(text, max(16, int(room / _LETTER)))):
        column.label(text=line, icon="BLANK1" if number else "INFO")


CLASSES = (DUET_PT_speak, DUET_PT_generate, DUET_PT_emotions)
