"""The library of expressions: one more slider on the head, and one fewer."""

# mypy: disable-error-code="valid-type"

import bpy

from ..inference.head.library import label
from ..scene import choice
from ..scene.head import emotions, heads
from .poll import Undoable


class _OnHead(Undoable):
    """An operator on the chosen head."""

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether it can be changed now."""
        heads.require_head(choice.target_head(context.scene))
        return ""


class DUET_OT_add_expression(_OnHead, bpy.types.Operator):
    """Give the head a slider for this expression, to mix and key like Happy and Sad"""

    bl_idname = "duet.add_expression"
    bl_label = "Add Expression"

    expression: bpy.props.StringProperty(name="Expression", description="The expression's name in the library")

    def act(self, context: bpy.types.Context) -> str:
        """Add its slider and keys."""
        head = heads.require_head(choice.target_head(context.scene))
        emotions.add(head, self.expression)
        return f"'{head.name}' has a slider {label(self.expression)}, under Emotion > Sliders."


class DUET_OT_remove_expression(_OnHead, bpy.types.Operator):
    """Take this expression's slider from the head; its keys stay on the timeline and count again if it comes back"""

    bl_idname = "duet.remove_expression"
    bl_label = "Remove Expression"

    expression: bpy.props.StringProperty(name="Expression", description="The expression's name in the library")

    def act(self, context: bpy.types.Context) -> None:
        """Remove its slider and keys."""
        emotions.remove(heads.require_head(choice.target_head(context.scene)), self.expression)


CLASSES = (DUET_OT_add_expression, DUET_OT_remove_expression)
