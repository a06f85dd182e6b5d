"""Key Emotions: one key on every emotion slider at the current frame."""

from __future__ import annotations

import bpy

from ..inference.errors import DuetError
from ..inference.take import EMOTIONS
from ..scene import heads, properties, sliders


class DUET_OT_key_emotions(bpy.types.Operator):
    """Key all emotion sliders of the head at the current frame, so that the face changes between keys"""

    bl_idname = "duet.key_emotions"
    bl_label = "Key All Emotions"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the chosen head has sliders."""
        head = properties.target_head(context.scene)
        ready = head is not None and bool(sliders.sliders_of(head, EMOTIONS))
        if not ready:
            cls.poll_message_set("The head has no emotion sliders yet. Generate from audio first.")
        return ready

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Insert the keys."""
        try:
            head = heads.require_head(properties.target_head(context.scene))
        except DuetError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for emotion in sliders.sliders_of(head, EMOTIONS):
            head.keyframe_insert(sliders.slider_path(emotion), frame=context.scene.frame_current)
        return {"FINISHED"}


CLASSES = (DUET_OT_key_emotions,)
