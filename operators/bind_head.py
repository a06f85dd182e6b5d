"""Bind Head: the Duet head's shapes on the mesh that the user clicked, shown first, applied on a second click."""

from __future__ import annotations

import bpy

from ..inference.blendshapes import load_blendshapes
from ..inference.errors import DuetError, HeadError
from ..scene import binding
from .runtime import RUNTIME
from .stepped import Stepped, Work, follow
from .worker_job import ask_binding

_BUSY = "Duet is at work. Wait for it, or cancel it."


def why_not(obj: bpy.types.Object | None) -> str:
    """Why the object cannot be bound now; empty where it can."""
    if RUNTIME.busy:
        return _BUSY
    try:
        binding.require_bindable(obj)
    except DuetError as error:
        return str(error)
    return ""


class DUET_OT_bind_head(Stepped, bpy.types.Operator):
    """Find the face in the active mesh and show it speaking beside it; landmarks may be moved, then bind again"""

    bl_idname = "duet.bind_head"
    bl_label = "Bind Head"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the active object can be bound."""
        reason = why_not(context.active_object)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def work(self, context: bpy.types.Context) -> Work:
        """Let the worker bind the mesh, then make landmarks and preview."""
        obj = binding.require_bindable(context.active_object)
        name, count = obj.name, len(obj.data.vertices)
        bound = yield from ask_binding(context, binding.request_of(obj))
        obj = bpy.data.objects.get(name)
        if obj is None or len(obj.data.vertices) != count:
            raise HeadError(f"'{name}' was removed, renamed or edited while Duet worked.", "Bind it again.")
        RUNTIME.exclusive = True
        yield from follow(binding.preview_steps(obj, bound), "Making the preview")
        binding.show_landmarks(obj, bound)
        text = f"'{name}' is bound: the fit lies {bound.residual:.1f} mm off it. Try the preview's keys, then Apply."
        return " ".join([text, *bound.notes])


class DUET_OT_apply_binding(Stepped, bpy.types.Operator):
    """Give the head the shapes of its preview; a head that had them keeps its takes"""

    bl_idname = "duet.apply_binding"
    bl_label = "Apply"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the active object has a preview."""
        return not RUNTIME.busy and bound_head(context) is not None

    def work(self, context: bpy.types.Context) -> Work:
        """Set the keys, and choose the head to speak."""
        obj = bound_head(context)
        if obj is None:
            raise HeadError("Nothing waits to be applied.", "Bind a head first.")
        RUNTIME.exclusive = True
        yield from follow(binding.apply_steps(obj, load_blendshapes()), "Making shape keys")
        context.scene.duet.head = obj
        return f"'{obj.name}' is ready to speak."


class DUET_OT_discard_binding(bpy.types.Operator):
    """Remove the preview and the landmarks; the head stays as it is"""

    bl_idname = "duet.discard_binding"
    bl_label = "Discard"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the active object has a preview."""
        return not RUNTIME.busy and bound_head(context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove them."""
        obj = bound_head(context)
        if obj is not None:
            binding.discard_preview(obj)
            binding.hide_landmarks(obj)
        return {"FINISHED"}


class DUET_OT_bind_mask(bpy.types.Operator):
    """Paint what must not move, such as hair and clothes, into a vertex group"""

    bl_idname = "duet.bind_mask"
    bl_label = "Paint Mask"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the active object can be bound."""
        reason = why_not(context.active_object)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the group active and go to Weight Paint."""
        binding.ensure_mask(context.active_object)
        if context.mode != "PAINT_WEIGHT":
            bpy.ops.object.mode_set(mode="WEIGHT_PAINT")
        return {"FINISHED"}


def bound_head(context: bpy.types.Context) -> bpy.types.Object | None:
    """The head with a preview that the active object is, or belongs to."""
    obj = context.active_object
    for candidate in (obj, obj.parent if obj else None):
        if candidate is not None and candidate.type == "MESH" and binding.preview_of(candidate) is not None:
            return candidate
    return None


CLASSES = (DUET_OT_bind_head, DUET_OT_apply_binding, DUET_OT_discard_binding, DUET_OT_bind_mask)
