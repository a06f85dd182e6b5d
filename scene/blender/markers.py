"""Timeline markers; of those for timed emotions it is known whose they are, and they go and move with that take."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import bpy

from ...inference.performance.timeline import Cue, in_order
from .loose import duet_of

_PREFIX = "Duet: "
_Rows = list[tuple[str, int]]  # (name, frame) of markers, which can hold nothing of their own


def mark(scene: bpy.types.Scene, owner: str, cues: Sequence[Cue], frame_at: Callable[[float], int]) -> int:
    """Replace the owner's markers by one a cue, named after its mix; return their number."""
    remove(scene, owner)
    rows = []
    for cue in in_order(cues):
        names = ", ".join(f"{emotion} {value:g}" for emotion, value in cue.emotions.items() if value)
        marker = add(scene, _PREFIX + (names or "neutral"), frame_at(cue.seconds))
        rows.append((marker.name, marker.frame))
    _keep(scene, _known(scene) | {owner: rows})
    return len(rows)


def add(scene: bpy.types.Scene, name: str, frame: int) -> bpy.types.TimelineMarker:
    """Add a marker that is not selected: of those that Blender makes selected, the mouse would drag all at once."""
    marker = scene.timeline_markers.new(name, frame=frame)
    marker.select = False
    return marker


def remove(scene: bpy.types.Scene, owner: str) -> None:
    """Remove the owner's markers, and those of a version of Duet that did not note whose they are."""
    known = _known(scene)
    others = [marker for other, rows in known.items() if other != owner for marker in _found(scene, rows)]
    for marker in [marker for marker in _own(scene) if marker not in others]:
        scene.timeline_markers.remove(marker)
    _keep(scene, {other: rows for other, rows in known.items() if other != owner})


def move(scene: bpy.types.Scene, owner: str, frames: int) -> None:
    """Move the owner's markers by this many frames."""
    known = _known(scene)
    found = _found(scene, known.get(owner, []))
    for marker in found:
        marker.frame += frames
    if found:
        _keep(scene, known | {owner: [(marker.name, marker.frame) for marker in found]})


def give(scene: bpy.types.Scene, owner: str, other: str) -> None:
    """Let the owner's markers be another's."""
    known = _known(scene)
    if owner in known and owner != other:
        known[other] = known.pop(owner)
        _keep(scene, known)


def _own(scene: bpy.types.Scene) -> list[bpy.types.TimelineMarker]:
    return [marker for marker in scene.timeline_markers if marker.name.startswith(_PREFIX)]


def _found(scene: bpy.types.Scene, rows: _Rows) -> list[bpy.types.TimelineMarker]:
    """The markers of these names, those nearest to their frames: the user may have moved them."""
    left, found = _own(scene), []
    for name, frame in rows:
        same = [marker for marker in left if marker.name == name]
        if same:
            nearest = min(same, key=lambda marker, at=frame: abs(marker.frame - at))
            left.remove(nearest)
            found.append(nearest)
    return found


def _known(scene: bpy.types.Scene) -> dict[str, _Rows]:
    return dict(json.loads(duet_of(scene).markers or "{}"))


def _keep(scene: bpy.types.Scene, known: dict[str, _Rows]) -> None:
    duet_of(scene).markers = json.dumps(known) if known else ""
