"""Emotions on the timeline: keys on all sliders, ready-made mixes, timed emotions and their markers."""

# mypy: disable-error-code="valid-type"

import bpy

from ..inference.performance.timeline import PRESETS
from ..scene import choice
from ..scene.blender import markers
from ..scene.head import emotions, heads, sliders
from ..scene.take import revise, settings, takes
from .poll import Undoable

_PRESET_ITEMS = [
    (name, name, " and ".join(f"{emotion} {value:g}" for emotion, value in mix.items()) or "All sliders at 0")
    for name, mix in PRESETS.items()
]


class _OnSliders(Undoable):
    """An operator on the chosen head's sliders."""

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether the chosen head has sliders and can be animated."""
        head = choice.target_head(context.scene)
        if head is None or not emotions.on(head):
            return "The head has no emotion sliders. Add a Duet head, or choose one."
        heads.require_head(head)
        return ""


class DUET_OT_key_emotions(_OnSliders, bpy.types.Operator):
    """Key all emotion sliders of the head at the current frame, so that the face changes between keys"""

    bl_idname = "duet.key_emotions"
    bl_label = "Key All Emotions"

    def act(self, context: bpy.types.Context) -> None:
        """Insert the keys."""
        head = heads.require_head(choice.target_head(context.scene))
        for emotion in emotions.on(head):
            head.keyframe_insert(sliders.slider_path(emotion), frame=context.scene.frame_current)


class DUET_OT_emotion_preset(_OnSliders, bpy.types.Operator):
    """Set the sliders to a ready-made mix, and key them at the current frame where Auto Keying is on"""

    bl_idname = "duet.emotion_preset"
    bl_label = "Preset"

    preset: bpy.props.EnumProperty(name="Preset", items=_PRESET_ITEMS, description="The mix to set")

    def act(self, context: bpy.types.Context) -> None:
        """Set them all."""
        head = heads.require_head(choice.target_head(context.scene))
        for emotion in emotions.on(head):
            head[sliders.slider_name(emotion)] = float(PRESETS[self.preset].get(emotion, 0.0))
            if context.scene.tool_settings.use_keyframe_insert_auto:
                head.keyframe_insert(sliders.slider_path(emotion), frame=context.scene.frame_current)
        head.update_tag()


class _OnCues(Undoable):
    """An operator on timed emotions."""

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether a row is chosen."""
        group = choice.performance(context.scene)
        return "" if 0 <= group.cue < len(group.cues) else "There is no timed emotion. Add one."


class DUET_OT_add_cue(bpy.types.Operator):
    """Add a timed emotion at the current frame"""

    bl_idname = "duet.add_cue"
    bl_label = "Add Timed Emotion"
    bl_options = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add a row after the chosen one."""
        scene = context.scene
        group, action = choice.performance(scene), takes.active(choice.target_head(scene))
        with settings.paused():
            cue = group.cues.add()
            cue.seconds = max(0.0, choice.seconds_at(scene, scene.frame_current))
            cue.emotion = group.emotion if group.emotion != "neutral" else "happy"
        group.cue = len(group.cues) - 1
        if action:
            revise.renew_emotions(action)
        return {"FINISHED"}


class DUET_OT_remove_cue(_OnCues, bpy.types.Operator):
    """Remove the timed emotion that is chosen"""

    bl_idname = "duet.remove_cue"
    bl_label = "Remove Timed Emotion"

    def act(self, context: bpy.types.Context) -> None:
        """Remove the row."""
        scene = context.scene
        group, action = choice.performance(scene), takes.active(choice.target_head(scene))
        group.cues.remove(group.cue)
        group.cue = max(0, min(group.cue, len(group.cues) - 1))
        if action:
            revise.renew_emotions(action)


class DUET_OT_emotion_markers(bpy.types.Operator):
    """Put a marker on the timeline for every timed emotion, in place of this take's earlier ones"""

    bl_idname = "duet.emotion_markers"
    bl_label = "Markers"
    bl_options = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Replace Duet's markers."""
        scene = context.scene
        group, head = choice.performance(scene), choice.target_head(scene)
        action = takes.active(head)
        owner = takes.owner(head, action) if action else ""
        count = markers.mark(scene, owner, settings.cues_of(group), lambda s: choice.frame_at(scene, s))
        self.report({"INFO"}, f"{count} markers.")
        return {"FINISHED"}


CLASSES = (
    DUET_OT_key_emotions,
    DUET_OT_emotion_preset,
    DUET_OT_add_cue,
    DUET_OT_remove_cue,
    DUET_OT_emotion_markers,
)
