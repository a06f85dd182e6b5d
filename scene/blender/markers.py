"""Timeline markers for timed emotions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import bpy

from ...inference.performance.timeline import Cue, in_order

_PREFIX = "Duet: "


def mark(scene: bpy.types.Scene, cues: Sequence[Cue], frame_at: Callable[[float], int]) -> int:
    """Replace Duet's markers by one a cue, named after its mix; return their number."""
    for marker in [marker for marker in scene.timeline_markers if marker.name.startswith(_PREFIX)]:
        scene.timeline_markers.remove(marker)
    ordered = in_order(cues)
    for cue in ordered:
        names = ", ".join(f"{emotion} {value:g}" for emotion, value in cue.emotions.items() if value)
        scene.timeline_markers.new(_PREFIX + (names or "neutral"), frame=frame_at(cue.seconds))
    return len(ordered)
