"""Add Duet Head: the Duet head with its rig, ready to speak; and lights on it."""

# mypy: disable-error-code="valid-type"

from __future__ import annotations

from math import radians

import bpy
from mathutils import Euler

from ..inference.errors import DuetError
from ..inference.head.blendshapes import load_blendshapes
from ..inference.head.canonical import load_head
from ..scene import choice, studio
from ..scene.blender.loose import Kind, duet_of
from ..scene.head import heads, placing
from .poll import Reasoned

_FACE_TO_FACE = Euler((radians(84), 0.0, radians(18)))  # from the front, a little to the character's left


class DUET_OT_add_head(bpy.types.Operator):
    """Add a head with all its shape keys and a rig at the 3D cursor, on top of what stands there, to speak"""

    bl_idname = "duet.add_head"
    bl_label = "Add Duet Head"
    bl_options = {"REGISTER", "UNDO"}

    studio: bpy.props.BoolProperty(
        name="Lights and Camera",
        options={"SKIP_SAVE"},
        description="Add three small lights and a portrait camera, as in a file that nobody has lit yet",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether objects can be added now."""
        if context.mode != "OBJECT":
            cls.poll_message_set("Go back to Object Mode.")
        return context.mode == "OBJECT"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Light the head where the scene is as Blender's new files are: their one light is behind the face."""
        self.studio = studio.is_as_new(context.scene)
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the head and point the scene's settings at it."""
        scene = context.scene
        collection = visible_collection(context)
        try:
            obj = heads.add_head(load_head(), load_blendshapes(), collection, context.view_layer)
        except DuetError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        obj.parent.location = scene.cursor.location
        placing.stand_free(obj, obj.parent, context.view_layer)
        if self.studio:
            studio.light(scene, obj)
        duet_of(scene).head, duet_of(scene).start_frame = obj, scene.frame_start
        look_at_selection(context)
        return {"FINISHED"}


class DUET_OT_add_studio(Reasoned, bpy.types.Operator):
    """Light the head with three small lights and look at it with a portrait camera, which go where it goes"""

    bl_idname = "duet.add_studio"
    bl_label = "Add Lights and Camera"
    bl_options = {"UNDO"}

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether there is a head."""
        return "" if choice.target_head(context.scene) else "Add a Duet head, or choose one under Head."

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add them."""
        studio.light(context.scene, choice.target_head(context.scene))
        return {"FINISHED"}


def visible_collection(context: bpy.types.Context) -> bpy.types.Collection:
    """The active collection, or the scene's own where that one is hidden: bones can only be made in the open."""
    active = context.view_layer.active_layer_collection
    hidden = active.exclude or not active.is_visible or active.collection.library
    return context.scene.collection if hidden else active.collection


def look_at_selection(context: bpy.types.Context) -> None:
    """Turn the 3D view that the user clicked in, if it was one, to the new head's face; not away from a camera."""
    area = context.area
    space: Kind = area.spaces.active if area is not None and area.type == "VIEW_3D" else None
    if space is None or space.region_3d.view_perspective == "CAMERA":
        return
    space.region_3d.view_rotation = _FACE_TO_FACE.to_quaternion()
    region = next(region for region in area.regions if region.type == "WINDOW")
    with context.temp_override(region=region):
        bpy.ops.view3d.view_selected(use_all_regions=False)


CLASSES = (DUET_OT_add_head, DUET_OT_add_studio)
