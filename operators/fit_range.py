"""Fit Range: the scene's frames are those of the performance."""

from __future__ import annotations

import bpy

from ..scene import choice
from ..scene.exports import export_sampling
from ..scene.take import lines, takes
from ..scene.targets import makes
from .poll import Undoable


class DUET_OT_fit_range(Undoable, bpy.types.Operator):
    """Let the scene, or its preview range where one is set, begin and end with what the head speaks"""

    bl_idname = "duet.fit_range"
    bl_label = "Fit Range"

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether the head speaks."""
        head = choice.target_head(context.scene)
        speaks = choice.action_on_target(context.scene) or takes.active(head) or lines.on(head)
        return "" if speaks else "The head plays no take. Generate one, or choose one in the list."

    def act(self, context: bpy.types.Context) -> str:
        """Set start and end, each first where the other would hold it back."""
        scene = context.scene
        action = choice.action_on_target(scene)
        first, last = makes.spoken_frames(action) if action else _spoken(scene, choice.target_head(scene))
        kind, name = ("frame_preview", "preview") if scene.use_preview_range else ("frame", "scene")
        for _ in range(2):
            setattr(scene, f"{kind}_start", first)
            setattr(scene, f"{kind}_end", last)
        return f"The {name} plays frames {first} to {last}."


def _spoken(scene: bpy.types.Scene, head: bpy.types.Object) -> tuple[int, int]:
    """The first and the last frame of all lines of a head, or of the take that plays alone; scenes begin at 0."""
    own = [] if takes.sole(head) else lines.on(head)
    spans = [(line.first, line.last) for line in own]
    if not spans:
        span = export_sampling.take_span(scene, head)
        spans = [(span.start, span.end)]
    return max(0, min(first for first, _ in spans)), max(0, max(last for _, last in spans))


CLASSES = (DUET_OT_fit_range,)
