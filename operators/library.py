"""The library of expressions: one more slider on the head, and one fewer."""

# mypy: disable-error-code="valid-type"

from collections.abc import Callable

import bpy

from ..inference.errors import DuetError
from ..inference.head.library import label
from ..scene import choice
from ..scene.blender.loose import Kind
from ..scene.head import emotions, heads
from .poll import Reasoned


class _OnHead(Reasoned):
    """An operator on the chosen head."""

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether it can be changed now."""
        try:
            heads.require_head(choice.target_head(context.scene))
        except DuetError as error:
            return str(error)
        return ""


def _changed(
    operator: Kind, context: bpy.types.Context, change: Callable[[bpy.types.Object, str], object]
) -> bpy.types.Object | None:
    """The chosen head after a change of one expression; None, and the reason reported, where it cannot be."""
    head = heads.require_head(choice.target_head(context.scene))  # poll has asked before
    try:
        change(head, operator.expression)
    except DuetError as error:
        operator.report({"ERROR"}, str(error))
        return None
    return head


class DUET_OT_add_expression(_OnHead, bpy.types.Operator):
    """Give the head a slider for this expression, to mix and key like Happy and Sad"""

    bl_idname = "duet.add_expression"
    bl_label = "Add Expression"
    bl_options = {"UNDO"}

    expression: bpy.props.StringProperty(name="Expression", description="The expression's name in the library")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add its slider and keys."""
        head = _changed(self, context, emotions.add)
        if head is None:
            return {"CANCELLED"}
        self.report({"INFO"}, f"'{head.name}' has a slider {label(self.expression)}, under Emotion > Sliders.")
        return {"FINISHED"}


class DUET_OT_remove_expression(_OnHead, bpy.types.Operator):
    """Take this expression's slider from the head; its keys stay on the timeline and count again if it comes back"""

    bl_idname = "duet.remove_expression"
    bl_label = "Remove Expression"
    bl_options = {"UNDO"}

    expression: bpy.props.StringProperty(name="Expression", description="The expression's name in the library")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove its slider and keys."""
        return {"CANCELLED"} if _changed(self, context, emotions.remove) is None else {"FINISHED"}


CLASSES = (DUET_OT_add_expression, DUET_OT_remove_expression)
