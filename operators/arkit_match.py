"""Match ARKit Key: a match of shape key and ARKit shape, corrected by hand and kept with the head."""

# mypy: disable-error-code="valid-type"

from __future__ import annotations

import bpy

from ..inference.errors import HeadError
from ..inference.head.canonical import ARKIT_NAMES
from ..scene.blender import states
from ..scene.targets import arkit_heads, target_settings
from .poll import Undoable

_HOW = [
    ("KEY", "Key", "The key that makes the shape"),
    ("NONE", "None", "No key makes it: other shapes make up for it"),
    ("NAME", "By Name", "As Duet recognises it by the keys' names"),
]
_SHAPES = [(name, name, f"ARKit's shape {name}") for name in ARKIT_NAMES]


class DUET_OT_arkit_match(Undoable, bpy.types.Operator):
    """Choose the shape key that makes this ARKit shape; the choice is kept with the head"""

    bl_idname = "duet.arkit_match"
    bl_label = "Match ARKit Key"

    shape: bpy.props.EnumProperty(name="ARKit Shape", items=_SHAPES, description="The shape that a key makes")
    how: bpy.props.EnumProperty(name="Made by", items=_HOW, description="What makes the shape")
    key: bpy.props.StringProperty(name="Key", description="The shape key of the target")

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether the target has shape keys."""
        target = target_settings.target_of(context.scene)
        ready = target is not None and states.keys_of(target) is not None
        return "" if ready else "Choose a mesh with shape keys as the target."

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Show the choice, with the present match in it."""
        keys = arkit_heads.matches_of(target_settings.target_of(context.scene)).get(self.shape, ())
        self.key, self.how = (keys[0] if keys else ""), "KEY"
        return set(context.window_manager.invoke_props_dialog(self))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw shape, kind and key."""
        layout, target = self.layout, target_settings.target_of(context.scene)
        layout.label(text=self.shape)
        layout.prop(self, "how", expand=True)
        if self.how == "KEY" and target is not None:
            layout.prop_search(self, "key", target.data.shape_keys, "key_blocks")

    def act(self, context: bpy.types.Context) -> None:
        """Keep the match."""
        target = target_settings.chosen(context.scene).obj
        if self.how == "KEY" and self.key not in target.data.shape_keys.key_blocks:
            raise HeadError(f"'{target.name}' has no shape key '{self.key}'.", "Choose one of its keys.")
        arkit_heads.correct(target, self.shape, {"KEY": self.key, "NONE": "", "NAME": None}[self.how])


CLASSES = (DUET_OT_arkit_match,)
