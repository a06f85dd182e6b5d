"""How it is spoken and what the face feels: the panels Performance and Emotion of the tab "Duet"."""

from __future__ import annotations

import bpy

from ..inference.performance.timeline import PRESETS
from ..inference.take import EMOTIONS
from ..operators.session import RUNTIME
from ..scene import choice
from ..scene.head import emotions, sliders
from ..scene.take import life, takes
from ..scene.take.settings import AMOUNTS
from .tab import Tab, cells, columns, listed

_WIDTHS = (0.28, 0.6)  # of a timed emotion's row: its second, and of the rest the emotion


class DUET_PT_performance(Tab, bpy.types.Panel):
    """How it is spoken."""

    bl_label = "Performance"
    bl_order = 3
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what changes the curves without the engine."""
        layout = columns(self.layout)
        layout.enabled = not RUNTIME.busy
        action = _shown_take(layout, context)
        group = choice.performance(context.scene)
        layout.prop(group, "style")
        column = layout.column(align=True)
        column.prop(group, "articulation", slider=True)
        column.prop(group, "smoothing", text="Smoothing (ms)")
        column.prop(group, "offset", text="Offset (ms)")
        column = layout.column(align=True)
        column.prop(group, "lips", slider=True)
        column.prop(group, "upper_face", slider=True)
        layout.prop(group, "mirror")
        if action:
            column.prop(group, "start_frame")
            if group.stale:
                layout.operator("duet.update_speech", icon="FILE_REFRESH")


class DUET_PT_life(Tab, bpy.types.Panel):
    """Blinks, eyes, head, breath."""

    bl_label = "Life"
    bl_parent_id = "DUET_PT_performance"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw a switch and an amount for each."""
        layout, group = self.layout, choice.performance(context.scene)
        layout.enabled = not RUNTIME.busy
        column = layout.column(align=True)
        for switch, amount in AMOUNTS.items():
            row = column.row(align=True)
            row.prop(group, switch)
            value = row.row(align=True)
            value.active = getattr(group, switch)
            value.prop(group, amount, text="", slider=True)
        row = layout.row(align=True)
        row.prop(group, "seed")
        head = choice.target_head(context.scene)
        tracks = life.tracks_of(head) if head else []
        muted = bool(tracks) and tracks[0].mute
        row.operator("duet.mute_life", text="", icon="HIDE_ON" if muted else "HIDE_OFF", depress=muted)


class DUET_PT_emotion(Tab, bpy.types.Panel):
    """What the face feels."""

    bl_label = "Emotion"
    bl_order = 4

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the feeling from the start."""
        layout = columns(self.layout)
        layout.enabled = not RUNTIME.busy
        group = choice.performance(context.scene)
        layout.prop(group, "emotion")
        intensity = layout.row()
        intensity.active = group.emotion != "neutral"
        intensity.prop(group, "intensity", slider=True)
        layout.prop(group, "open_in_silence", slider=True)
        layout.prop(group, "effort", slider=True)
        if choice.target_head(context.scene) is None:  # else it is a slider of the head's
            layout.prop(group, "mix_limit")


class DUET_UL_cues(bpy.types.UIList):
    """Timed emotions: when, what, how strong."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index, flt_flag):  # type: ignore[no-untyped-def]
        """Draw a row."""
        for cell, name in zip(cells(layout, _WIDTHS), ("seconds", "emotion", "intensity"), strict=True):
            cell.prop(item, name, text="")


class DUET_PT_timed(Tab, bpy.types.Panel):
    """Emotions that begin later."""

    bl_label = "Timed Emotions"
    bl_parent_id = "DUET_PT_emotion"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the list."""
        layout, group = self.layout, choice.performance(context.scene)
        layout.enabled = not RUNTIME.busy
        heading = (_WIDTHS, ("From (s)", "Emotion", "Strength"))
        buttons = listed(layout, "DUET_UL_cues", (group, "cues"), (group, "cue"), 3, heading)
        buttons.operator("duet.add_cue", text="", icon="ADD")
        buttons.operator("duet.remove_cue", text="", icon="REMOVE")
        buttons.operator("duet.emotion_markers", text="", icon="MARKER_HLT")
        if 0 <= group.cue < len(group.cues):
            layout.prop(group.cues[group.cue], "ease")


class DUET_PT_sliders(Tab, bpy.types.Panel):
    """The sliders at the current frame."""

    bl_label = "Sliders"
    bl_parent_id = "DUET_PT_emotion"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the head has sliders."""
        head = choice.target_head(context.scene)
        return head is not None and bool(emotions.on(head))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw a slider for each emotion, with Blender's own keyframe buttons."""
        layout, head = self.layout, choice.target_head(context.scene)
        layout.enabled = not RUNTIME.busy
        layout.use_property_split = True
        column = layout.column(align=True)
        for emotion in emotions.on(head):
            row = column.row(align=True)
            row.prop(head, sliders.slider_path(emotion), text=sliders.slider_name(emotion), slider=True)
            if emotion not in EMOTIONS:
                row.operator("duet.remove_expression", text="", icon="X").expression = emotion
        layout.prop(head, sliders.LIMIT_PATH, text=sliders.LIMIT)
        row = layout.row(align=True)
        row.menu("DUET_MT_presets", icon="PRESET")
        row.operator("duet.key_emotions", icon="KEY_HLT")


class DUET_MT_presets(bpy.types.Menu):
    """Ready-made mixes of emotions."""

    bl_label = "Presets"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw one entry a mix."""
        for name in PRESETS:
            self.layout.operator("duet.emotion_preset", text=name).preset = name


def _shown_take(layout: bpy.types.UILayout, context: bpy.types.Context) -> bpy.types.Action | None:
    """Say whether the settings below are of the take that plays or of the next one."""
    action = takes.active(choice.target_head(context.scene))
    if action:
        layout.label(text=action.name, icon="ACTION")
    return action


CLASSES = (
    DUET_UL_cues,
    DUET_MT_presets,
    DUET_PT_performance,
    DUET_PT_life,
    DUET_PT_emotion,
    DUET_PT_timed,
    DUET_PT_sliders,
)
