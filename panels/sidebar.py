"""The sidebar tab "Duet", as an animator reads it: Head, Audio, Performance, Emotion, Result."""

from __future__ import annotations

import textwrap

import bpy

from ..inference.performance.emotion_keys import PRESETS
from ..inference.take import EMOTIONS
from ..operators.bind_head import can_rebind
from ..operators.generate import why_not
from ..operators.session import RUNTIME
from ..scene import properties
from ..scene.checks import advice
from ..scene.head import emotions, sliders
from ..scene.take import life, takes

_MARGIN, _LETTER = 75.0, 6.5  # pixels beside a line of text, and of a letter on average, at a scale of 1


class _Tab:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Duet"


class DUET_PT_head(_Tab, bpy.types.Panel):
    """Who speaks."""

    bl_label = "Head"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the button that adds a head and the choice of one."""
        layout = _columns(self.layout)
        layout.enabled = not RUNTIME.busy
        layout.operator("duet.add_head", icon="USER")
        layout.prop(context.scene.duet, "head")


class DUET_PT_audio(_Tab, bpy.types.Panel):
    """What is said, and when."""

    bl_label = "Audio"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the file or the strip, its cut and its place."""
        layout, chosen = _columns(self.layout), context.scene.duet
        layout.enabled = not RUNTIME.busy
        layout.row().prop(chosen, "source", expand=True)
        if chosen.source == "STRIP":
            editor = context.scene.sequence_editor
            if editor is None:
                _wrapped(layout, context, "The sequencer of this scene is empty. Add a sound strip there, or use File.")
                return
            layout.prop_search(chosen, "strip", editor, "strips_all", icon="SOUND")
        else:
            layout.prop(chosen, "audio")
            layout.prop(chosen, "start_frame")


class DUET_PT_trim(_Tab, bpy.types.Panel):
    """Which part of the file, and how it plays."""

    bl_label = "Trim and Playback"
    bl_parent_id = "DUET_PT_audio"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the cut of a file; a strip has its own."""
        layout, chosen = _columns(self.layout), context.scene.duet
        layout.enabled = not RUNTIME.busy
        if chosen.source == "FILE":
            trim = layout.column(align=True)
            trim.prop(chosen, "trim_start")
            trim.prop(chosen, "trim_end")
        layout.prop(chosen, "in_sync")


class DUET_PT_performance(_Tab, bpy.types.Panel):
    """How it is spoken."""

    bl_label = "Performance"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what changes the curves without the engine."""
        layout = _columns(self.layout)
        layout.enabled = not RUNTIME.busy
        action = _shown_take(layout, context)
        group = properties.performance(context.scene)
        layout.prop(group, "style")
        column = layout.column(align=True)
        column.prop(group, "articulation", slider=True)
        column.prop(group, "smoothing", text="Smoothing (ms)")
        column.prop(group, "offset", text="Offset (ms)")
        if action:
            column.prop(group, "start_frame")
            if group.stale:
                layout.operator("duet.update_speech", icon="FILE_REFRESH")


class DUET_PT_life(_Tab, bpy.types.Panel):
    """Blinks, eyes, head, breath."""

    bl_label = "Life"
    bl_parent_id = "DUET_PT_performance"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw a switch and an amount for each."""
        layout, group = self.layout, properties.performance(context.scene)
        layout.enabled = not RUNTIME.busy
        column = layout.column(align=True)
        for switch, amount in (
            ("blinks", "blink_amount"),
            ("eyes", "eye_amount"),
            ("head_motion", "head_amount"),
            ("breaths", "breath_amount"),
        ):
            row = column.row(align=True)
            row.prop(group, switch)
            value = row.row(align=True)
            value.active = getattr(group, switch)
            value.prop(group, amount, text="", slider=True)
        row = layout.row(align=True)
        row.prop(group, "seed")
        head = properties.target_head(context.scene)
        tracks = life.tracks_of(head) if head else []
        muted = bool(tracks) and tracks[0].mute
        row.operator("duet.mute_life", text="", icon="HIDE_ON" if muted else "HIDE_OFF", depress=muted)


class DUET_PT_emotion(_Tab, bpy.types.Panel):
    """What the face feels."""

    bl_label = "Emotion"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the feeling from the start."""
        layout = _columns(self.layout)
        layout.enabled = not RUNTIME.busy
        group = properties.performance(context.scene)
        layout.prop(group, "emotion")
        intensity = layout.row()
        intensity.active = group.emotion != "neutral"
        intensity.prop(group, "intensity", slider=True)
        layout.prop(group, "open_in_silence", slider=True)


class DUET_UL_cues(bpy.types.UIList):
    """Timed emotions: when, what, how strong."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index, flt_flag):  # type: ignore[no-untyped-def]
        """Draw a row."""
        row = layout.split(factor=0.28, align=True)
        row.prop(item, "seconds", text="")
        row = row.split(factor=0.62, align=True)
        row.prop(item, "emotion", text="")
        row.prop(item, "intensity", text="")


class DUET_PT_timed(_Tab, bpy.types.Panel):
    """Emotions that begin later."""

    bl_label = "Timed Emotions"
    bl_parent_id = "DUET_PT_emotion"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the list."""
        layout, group = self.layout, properties.performance(context.scene)
        layout.enabled = not RUNTIME.busy
        row = layout.row()
        row.template_list("DUET_UL_cues", "", group, "cues", group, "cue", rows=3)
        buttons = row.column(align=True)
        buttons.operator("duet.add_cue", text="", icon="ADD")
        buttons.operator("duet.remove_cue", text="", icon="REMOVE")
        buttons.operator("duet.emotion_markers", text="", icon="MARKER_HLT")
        if 0 <= group.cue < len(group.cues):
            layout.prop(group.cues[group.cue], "ease")


class DUET_PT_sliders(_Tab, bpy.types.Panel):
    """The sliders at the current frame."""

    bl_label = "Sliders"
    bl_parent_id = "DUET_PT_emotion"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the head has sliders."""
        head = properties.target_head(context.scene)
        return head is not None and bool(emotions.on(head))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw a slider for each emotion, with Blender's own keyframe buttons."""
        layout, head = self.layout, properties.target_head(context.scene)
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


class DUET_PT_result(_Tab, bpy.types.Panel):
    """The button, or how far it is, and a take that waits."""

    bl_label = "Result"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the button and why it is grey, or the progress and a way out."""
        layout = self.layout
        if RUNTIME.busy:
            layout.progress(factor=RUNTIME.fraction, text=f"{RUNTIME.stage} {RUNTIME.fraction:.0%}")
            layout.operator("duet.cancel", icon="X")
            return
        button = layout.column()
        button.scale_y = 1.6
        button.operator("duet.generate", icon="PLAY_SOUND")
        reason = why_not(context.scene)
        if reason:
            _wrapped(layout, context, reason)
        if can_rebind(context):
            layout.operator("duet.bind_chosen", icon="MESH_MONKEY")
        if RUNTIME.pending is not None:
            box = layout.box()
            _wrapped(box, context, "A finished take waits for its head.")
            row = box.row(align=True)
            row.operator("duet.apply_result", icon="CHECKMARK")
            row.operator("duet.discard_result", icon="TRASH")


class DUET_UL_takes(bpy.types.UIList):
    """The takes of the chosen head: actions, of which a double click changes the name."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index, flt_flag):  # type: ignore[no-untyped-def]
        """Draw a take."""
        playing = takes.active(properties.target_head(context.scene)) == item
        layout.prop(item, "name", text="", emboss=False, icon="RADIOBUT_ON" if playing else "RADIOBUT_OFF")

    def filter_items(self, context, data, name):  # type: ignore[no-untyped-def]
        """Show only takes of the chosen head."""
        head = properties.target_head(context.scene)
        own = takes.takes_of(head) if head else []
        return [self.bitflag_filter_item if action in own else 0 for action in bpy.data.actions], []


class DUET_PT_takes(_Tab, bpy.types.Panel):
    """The takes, and what is done with the one that plays."""

    bl_label = "Takes"
    bl_parent_id = "DUET_PT_result"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the head has takes."""
        head = properties.target_head(context.scene)
        return head is not None and bool(takes.takes_of(head))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the list and its buttons."""
        layout, scene = self.layout, context.scene
        layout.enabled = not RUNTIME.busy
        row = layout.row()
        row.template_list("DUET_UL_takes", "", bpy.data, "actions", scene.duet, "active_take", rows=3)
        buttons = row.column(align=True)
        buttons.operator("duet.duplicate_take", text="", icon="DUPLICATE")
        buttons.operator("duet.remove_take", text="", icon="REMOVE")
        action = takes.active(properties.target_head(scene))
        if action is None:
            _wrapped(layout, context, "No take plays. Click one in the list.")
        else:
            for text in (action.duet.note, *advice.of_take(scene, properties.target_head(scene), action)):
                if text:
                    _wrapped(layout, context, text)
        layout.operator("duet.push_take", icon="NLA_PUSHDOWN")
        row = layout.row(align=True)
        row.operator("duet.bake_plain", text="Plain Keys", icon="KEYFRAME")
        row.prop(scene.duet, "tolerance", text="mm")


class DUET_PT_again(_Tab, bpy.types.Panel):
    """The take that plays, from the engine once more."""

    bl_label = "Generate Again"
    bl_parent_id = "DUET_PT_result"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether a take plays."""
        return takes.active(properties.target_head(context.scene)) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the range and the buttons."""
        layout, chosen = self.layout, context.scene.duet
        layout.enabled = not RUNTIME.busy
        row = layout.row(align=True)
        for name in ("range_start", "range_end", "border"):
            row.prop(chosen, name)
        row = layout.row(align=True)
        row.operator("duet.regenerate", text="Range", icon="PREVIEW_RANGE").part = "RANGE"
        row.operator("duet.regenerate", text="Whole Take", icon="FILE_REFRESH").part = "ALL"


class DUET_PT_keep(_Tab, bpy.types.Panel):
    """What becomes of other animation."""

    bl_label = "Options"
    bl_parent_id = "DUET_PT_result"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the choice."""
        column = _columns(self.layout)
        column.prop(context.scene.duet, "existing")
        column.prop(context.scene.duet, "clear_way")


def _columns(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """A column of names and values, as Blender's own panels have."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    return column


def _shown_take(layout: bpy.types.UILayout, context: bpy.types.Context) -> bpy.types.Action | None:
    """Say whether the settings below are of the take that plays or of the next one."""
    action = takes.active(properties.target_head(context.scene))
    if action:
        layout.label(text=action.name, icon="ACTION")
    return action


def _wrapped(layout: bpy.types.UILayout, context: bpy.types.Context, text: str) -> None:
    """Draw a sentence over as many lines as the sidebar needs."""
    room = context.region.width / context.preferences.system.ui_scale - _MARGIN
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(text, max(16, int(room / _LETTER)))):
        column.label(text=line, icon="BLANK1" if number else "INFO")


CLASSES = (
    DUET_UL_cues,
    DUET_UL_takes,
    DUET_MT_presets,
    DUET_PT_head,
    DUET_PT_audio,
    DUET_PT_trim,
    DUET_PT_performance,
    DUET_PT_life,
    DUET_PT_emotion,
    DUET_PT_timed,
    DUET_PT_sliders,
    DUET_PT_result,
    DUET_PT_takes,
    DUET_PT_again,
    DUET_PT_keep,
)
