"""Timeline markers for timed emotions: each knows whose it is, and goes and moves with that take."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import bpy

from ...inference.performance.timeline import Cue, in_order

_PREFIX = "Duet: "
_OWNER = "duet_owner"  # custom property of the marker: the head's id, and the line's where the take is one


def mark(scene: bpy.types.Scene, owner: str, cues: Sequence[Cue], frame_at: Callable[[float], int]) -> int:
    """Replace the owner's markers by one a cue, named after its mix; return their number."""
    remove(scene, owner)
    ordered = in_order(cues)
    for cue in ordered:
        names = ", ".join(f"{emotion} {value:g}" for emotion, value in cue.emotions.items() if value)
        marker = scene.timeline_markers.new(_PREFIX + (names or "neutral"), frame=frame_at(cue.seconds))
        marker[_OWNER] = owner
    return len(ordered)


def remove(scene: bpy.types.Scene, owner: str) -> None:
    """Remove the owner's markers, and those of a version of Duet that did not say whose they are."""
    for marker in _of(scene, owner, ""):
        scene.timeline_markers.remove(marker)


def give(scene: bpy.types.Scene, owner: str, other: str) -> None:
    """Let the owner's markers be another's."""
    for marker in _of(scene, owner):
        marker[_OWNER] = other


def move(scene: bpy.types.Scene, owner: str, frames: int) -> None:
    """Move the owner's markers by this many frames."""
    for marker in _of(scene, owner):
        marker.frame += frames


def _of(scene: bpy.types.Scene, *owners: str) -> list[bpy.types.TimelineMarker]:
    return [
        marker
        for marker in scene.timeline_markers
        if marker.name.startswith(_PREFIX) and marker.get(_OWNER, "") in owners
    ]
