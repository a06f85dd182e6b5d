"""Bind Head: the Duet head's shapes on the mesh that the user clicked, shown first, applied on a second click."""

# mypy: disable-error-code="valid-type"

from __future__ import annotations

from collections.abc import Sequence

import bpy

from ..inference.errors import DuetError, HeadError
from ..inference.head.blendshapes import load_blendshapes
from ..scene import binding, choice
from ..scene.blender.loose import duet_of
from ..scene.head import followers, heads, parts
from .modal import Stepped, Work, follow, hand_over
from .poll import Reasoned
from .session import RUNTIME
from .worker_job import ask_binding


class _Bindable(Reasoned):
    """Mixin: what works on a mesh that can be bound."""

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Why the active object, or the head whose landmark it is, cannot be bound; empty where it can."""
        binding.require_bindable(binding.head_behind(context.active_object))
        return ""


class _Previewed(Reasoned):
    """Mixin: what works on a head whose binding is shown and not applied yet."""

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """What is missing; empty where a preview waits."""
        return "" if bound_head(context) is not None else "Nothing waits to be applied: click Bind Head first."


class DUET_OT_bind_head(_Bindable, Stepped, bpy.types.Operator):
    """Find the face in the active mesh and show it speaking beside it; landmarks may be moved, then bind again"""

    bl_idname = "duet.bind_head"
    bl_label = "Bind Head"
    bl_options = {"UNDO"}

    def work(self, context: bpy.types.Context) -> Work:
        """Let the worker bind the mesh, then make landmarks and preview."""
        obj = binding.require_bindable(binding.head_behind(context.active_object))
        others, notes = parts.to_bind(context.scene, obj)
        counts = {each.name: len(each.data.vertices) for each in (obj, *others)}
        bound = yield from ask_binding(context, binding.request_of(obj, others))
        obj, *others = (_unchanged(name, count) for name, count in counts.items())
        RUNTIME.exclusive = True
        yield from follow(binding.preview_steps(obj, bound, others), "Making the preview")
        binding.show_landmarks(obj, bound)
        text = (
            f"'{obj.name}' is bound: the fit lies {bound.residual:.1f} mm off it. Try the preview's keys, then Apply."
        )
        return " ".join([text, *bound.notes, *_with(others), *notes])


def _unchanged(name: str, count: int) -> bpy.types.Object:
    """The object, found again after the worker's work; raises HeadError where it has changed."""
    obj: bpy.types.Object | None = bpy.data.objects.get(name)
    if obj is None or obj.type != "MESH" or len(obj.data.vertices) != count:
        raise HeadError(f"'{name}' was removed, renamed or edited while Duet worked.", "Bind it again.")
    return obj


def _with(others: Sequence[bpy.types.Object]) -> list[str]:
    """What follows, for the user; nothing where nothing does."""
    shown = ", ".join(f"'{obj.name}'" for obj in others[:6]) + (", ..." if len(others) > 6 else "")
    return [f"With it follow {shown}."] if others else []


class DUET_OT_bind_chosen(Reasoned, bpy.types.Operator):
    """Give the chosen head, which another version of Duet made, the shapes of this one; its takes stay"""

    bl_idname = "duet.bind_chosen"
    bl_label = "Bind Head to This Version"

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether there is such a head."""
        return "" if can_rebind(context) else "The chosen head needs no binding."

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the head active, and bind it as any mesh."""
        _choose(context, choice.target_head(context.scene))
        return hand_over(self, bpy.ops.duet.bind_head)  # type: ignore[attr-defined]


class DUET_OT_apply_binding(_Previewed, Stepped, bpy.types.Operator):
    """Give the head the shapes of its preview; a head that had them keeps its takes"""

    bl_idname = "duet.apply_binding"
    bl_label = "Apply"
    bl_options = {"UNDO"}

    def work(self, context: bpy.types.Context) -> Work:
        """Set the keys, and choose the head to speak."""
        obj = bound_head(context)
        if obj is None:
            raise HeadError("Nothing waits to be applied.", "Bind a head first.")
        binding.require_bindable(obj)
        RUNTIME.exclusive = True
        _choose(context, obj)
        yield from follow(binding.apply_steps(obj, load_blendshapes()), "Making shape keys")
        duet_of(context.scene).head = obj
        left = parts.left_behind(context.scene, obj)
        said = [f"In the head, but following nothing: {', '.join(left[:6])}."] if left else []
        return " ".join([f"'{obj.name}' is ready to speak.", *_with(followers.of(obj)), *said])


class DUET_OT_tick_part(bpy.types.Operator):
    """Bind this mesh with the head, so that it follows; or leave it"""

    bl_idname = "duet.tick_part"
    bl_label = "Bind With the Head"
    bl_options = {"UNDO"}

    name: bpy.props.StringProperty(description="The mesh object")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Turn its tick."""
        head = binding.head_behind(context.active_object)
        obj: bpy.types.Object | None = context.scene.objects.get(self.name)
        if head is None or obj is None:
            self.report({"ERROR"}, f"The scene has no object '{self.name}'. Click the head again.")
            return {"CANCELLED"}
        parts.tick(obj, not parts.is_ticked(head, obj))
        return {"FINISHED"}


class DUET_OT_discard_binding(_Previewed, bpy.types.Operator):
    """Remove the preview and the landmarks; the head stays as it is"""

    bl_idname = "duet.discard_binding"
    bl_label = "Discard"
    bl_options = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove them."""
        obj = bound_head(context)
        if obj is not None:
            _choose(context, obj)
            binding.discard_preview(obj)
            binding.hide_landmarks(obj)
        return {"FINISHED"}


class DUET_OT_bind_mask(_Bindable, bpy.types.Operator):
    """Paint what must not move, such as hair and clothes, into a vertex group"""

    bl_idname = "duet.bind_mask"
    bl_label = "Paint Mask"
    bl_options = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the group active and go to Weight Paint."""
        head = binding.head_behind(context.active_object)
        binding.ensure_mask(head)
        _choose(context, head)
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


def can_rebind(context: bpy.types.Context) -> bool:
    """Whether the chosen head is of another version, and may be bound."""
    head = choice.target_head(context.scene)
    try:
        return heads.is_earlier(head) and binding.require_bindable(head) == head and binding.preview_of(head) is None
    except DuetError:
        return False


def _choose(context: bpy.types.Context, head: bpy.types.Object) -> None:
    """Make the head active and selected: its preview and landmarks, one of which may be active, go away."""
    context.view_layer.objects.active = head
    head.select_set(True)


CLASSES = (
    DUET_OT_bind_head,
    DUET_OT_tick_part,
    DUET_OT_bind_chosen,
    DUET_OT_apply_binding,
    DUET_OT_discard_binding,
    DUET_OT_bind_mask,
)
