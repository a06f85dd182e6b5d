"""The marks of a take as rows: recognised once, then moved, added, taken away, made stronger or weaker by hand.

What is changed is kept as text, `marks` of the take's settings, from which its curves follow; the rows are what an
animator sees of it. On the timeline they are markers of Blender's, which are dragged, duplicated and deleted as any.
"""

# mypy: disable-error-code="valid-type"

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import bpy

from ...inference.errors import DuetError
from ...inference.performance.mark_search import find_marks
from ...inference.performance.marks import KINDS, MOST, MarkChange, marks_text, parse_marks, placed
from ..blender import markers
from ..blender.loose import Group, duet_of
from . import revise, settings, takes
from .take_curves import rate_of

LABELS = {"closed": "MBP", "teeth": "FV", "round": "OO", "wide": "EE", "open": "AH", "tongue": "LTH"}
KIND_ITEMS = [
    (kind, f"{LABELS[kind]}  {kind.title()}", f"{what[0].upper()}{what[1:]}", number)
    for number, (kind, what) in enumerate(KINDS.items())
]
SHOWN_ITEMS = [(kind, LABELS[kind], what, 1 << number) for kind, _, what, number in KIND_ITEMS]
_ADDED = -1.0  # the origin of a mark that was not recognised
_NAME = re.compile(f"({'|'.join(LABELS.values())})(?: (\\d+))?")
_KIND_OF = {label: kind for kind, label in LABELS.items()}


def _changed(self: Group, _: bpy.types.Context) -> None:
    if settings.acting():
        write(self.id_data)


class DuetMark(bpy.types.PropertyGroup):
    """A mouth event of a take."""

    number: bpy.props.IntProperty(options={"HIDDEN"}, description="By which its marker on the timeline is known")
    kind: bpy.props.EnumProperty(name="Kind", items=KIND_ITEMS, description="What the mouth does", update=_changed)
    seconds: bpy.props.FloatProperty(
        name="Second", min=0.0, precision=2, step=2, description="The second of the recording", update=_changed
    )
    strength: bpy.props.FloatProperty(
        name="Strength",
        default=1.0,
        min=0.0,
        max=MOST,
        precision=2,
        step=5,
        description="1 is as it was recognised, 0 not at all; at 2 the mouth goes all the way",
        update=_changed,
    )
    gone: bpy.props.BoolProperty(name="Taken Away", description="Whether it is left out", update=_changed)
    origin: bpy.props.FloatProperty(default=_ADDED, options={"HIDDEN"}, description="Where it was recognised")
    was: bpy.props.StringProperty(options={"HIDDEN"}, description="What it was recognised as")
    on_timeline: bpy.props.BoolProperty(options={"HIDDEN"}, description="Whether it has a marker there")


def fill(action: bpy.types.Action) -> None:
    """Make the rows anew: what is recognised in the take as it was spoken, with what is changed. Raises DuetError."""
    group = duet_of(action)
    marks = find_marks(takes.read(action).take, group.text)
    with settings.paused():
        group.mark_rows.clear()
        for each in placed(marks, parse_marks(group.marks)):
            change = each.change
            row = _new_row(group, change.kind, change.at)
            row.strength, row.gone = change.strength, change.seconds is None
            if change.origin is not None:
                row.origin, row.was = change.origin, change.kind
        group.mark_row = min(group.mark_row, max(0, len(group.mark_rows) - 1))
    if duet_of(bpy.context.scene).marks_of == action:
        show(bpy.context.scene, action)


def fill_quietly(action: bpy.types.Action) -> None:
    """The same where a take that has none to find, being of another version, is to go on without."""
    try:
        fill(action)
    except DuetError:
        duet_of(action).mark_rows.clear()


def write(action: bpy.types.Action) -> None:
    """Let the mouth follow the rows, and their markers too."""
    duet_of(action).marks = marks_text(tuple(_changes(duet_of(action).mark_rows)))
    revise.renew_speech(action)
    if duet_of(bpy.context.scene).marks_of == action:
        _place(bpy.context.scene, action)


def _changes(rows: Sequence[DuetMark]) -> Iterator[MarkChange]:
    for row in rows:
        at, origin = round(row.seconds, 3), round(row.origin, 3)
        if origin < 0:
            if not row.gone:
                yield MarkChange(row.kind, None, at, round(row.strength, 3))
        elif row.gone or row.kind != row.was:
            yield MarkChange(row.was, origin, None)
            if not row.gone:
                yield MarkChange(row.kind, None, at, round(row.strength, 3))
        elif at != origin or abs(row.strength - 1.0) > 5e-4:
            yield MarkChange(row.kind, origin, at, round(row.strength, 3))


def add(action: bpy.types.Action, kind: str, seconds: float) -> DuetMark:
    """A new mark, which the mouth follows at once."""
    group = duet_of(action)
    with settings.paused():
        row = _new_row(group, kind, seconds)
    number = row.number
    _sort(group)
    write(action)
    group.mark_row = next(at for at, each in enumerate(group.mark_rows) if each.number == number)
    if duet_of(bpy.context.scene).marks_of == action:
        show(bpy.context.scene, action)
    return group.mark_rows[group.mark_row]


def remove(action: bpy.types.Action, at: int) -> None:
    """Take a mark away: one that was added goes, one that was recognised is kept in the list to come back."""
    _take_away(action, at)
    write(action)
    if duet_of(bpy.context.scene).marks_of == action:
        show(bpy.context.scene, action)


def reset(action: bpy.types.Action) -> None:
    """All marks as they are recognised."""
    duet_of(action).marks = ""
    revise.renew_speech(action)
    fill(action)


def _take_away(action: bpy.types.Action, at: int) -> None:
    rows = duet_of(action).mark_rows
    with settings.paused():
        if rows[at].origin < 0:
            rows.remove(at)
        else:
            rows[at].gone = True


def _new_row(group: Group, kind: str, seconds: float) -> DuetMark:
    number = 1 + max((row.number for row in group.mark_rows), default=0)
    row = group.mark_rows.add()
    row.number, row.kind, row.seconds, row.was = number, kind, max(0.0, seconds), kind
    return row


def _sort(group: Group) -> None:
    """Bring the last row, which is new, to its place in time."""
    rows = group.mark_rows
    at = len(rows) - 1
    while at > 0 and rows[at - 1].seconds > rows[at].seconds:
        rows.move(at, at - 1)
        at -= 1


# On the timeline


def frame_of(scene: bpy.types.Scene, action: bpy.types.Action, row: DuetMark) -> int:
    """The whole frame of the scene that a mark is nearest to, as its take's offset has it."""
    return round(duet_of(action).moved_to + (row.seconds + duet_of(action).offset / 1000) * rate_of(scene, action))


def seconds_at(scene: bpy.types.Scene, action: bpy.types.Action, frame: float) -> float:
    """The second of the recording that the mouth makes at a frame of the scene."""
    return max(0.0, (frame - duet_of(action).moved_to) / rate_of(scene, action) - duet_of(action).offset / 1000)


def show(scene: bpy.types.Scene, action: bpy.types.Action) -> None:
    """Have a marker on the timeline for each mark of the kinds that are shown, in place of another take's."""
    hide(scene)
    with settings.paused():
        duet_of(scene).marks_of = action
        for row in duet_of(action).mark_rows:
            row.on_timeline = not row.gone and row.kind in duet_of(scene).mark_kinds
            if row.on_timeline:
                name = f"{LABELS[row.kind]} {row.number}"
                markers.add(scene, name, frame_of(scene, action, row))


def hide(scene: bpy.types.Scene) -> None:
    """Remove the markers of marks."""
    for marker in [marker for marker in scene.timeline_markers if _NAME.fullmatch(marker.name)]:
        scene.timeline_markers.remove(marker)
    duet_of(scene).marks_of = None


def is_behind(scene: bpy.types.Scene) -> bool:
    """Whether somebody has dragged, deleted or added a marker of a mark since the rows were written."""
    action = duet_of(scene).marks_of
    return takes.is_take(action) and _seen(scene) != _due(scene, action)


def follow(scene: bpy.types.Scene) -> None:
    """Let rows, and the mouth, follow markers that were dragged, deleted, duplicated or added."""
    action = duet_of(scene).marks_of
    if not is_behind(scene):
        return
    rows, seen = duet_of(action).mark_rows, _seen(scene)
    with settings.paused():
        for at in reversed(range(len(rows))):
            row = rows[at]
            frames = seen.get(row.number, [])
            if row.on_timeline and not frames:
                row.on_timeline = False
                _take_away(action, at)
            elif row.on_timeline and frame_of(scene, action, row) not in frames:
                row.seconds = seconds_at(scene, action, frames[0])
    more = [
        (marker, _KIND_OF[found[1]])
        for marker in scene.timeline_markers
        if (found := _NAME.fullmatch(marker.name)) and not _is_known(scene, action, marker, found[2])
    ]
    with settings.paused():
        for marker, kind in more:
            row = _new_row(duet_of(action), kind, seconds_at(scene, action, marker.frame))
            row.on_timeline = True
            marker.name = f"{LABELS[kind]} {row.number}"
            _sort(duet_of(action))
    write(action)


def _is_known(scene: bpy.types.Scene, action: bpy.types.Action, marker: bpy.types.TimelineMarker, number: str) -> bool:
    """Whether a marker is a row's own: not one without a number, nor the second of two with the same."""
    row = next((row for row in duet_of(action).mark_rows if number and row.number == int(number)), None)
    if row is None or not row.on_timeline:
        return False
    same = [each for each in scene.timeline_markers if each.name == marker.name]
    own = next((each for each in same if each.frame == frame_of(scene, action, row)), same[0])
    return bool(own == marker)


def _seen(scene: bpy.types.Scene) -> dict[int, list[int]]:
    """The frames of the markers that are there, by number; those without one have 0."""
    found: dict[int, list[int]] = {}
    for marker in scene.timeline_markers:
        match = _NAME.fullmatch(marker.name)
        if match:
            found.setdefault(int(match[2] or 0), []).append(marker.frame)
    return found


def _due(scene: bpy.types.Scene, action: bpy.types.Action) -> dict[int, list[int]]:
    return {row.number: [frame_of(scene, action, row)] for row in duet_of(action).mark_rows if row.on_timeline}


def _place(scene: bpy.types.Scene, action: bpy.types.Action) -> None:
    """Move markers to where their rows are."""
    due = {number: frames[0] for number, frames in _due(scene, action).items()}
    for marker in scene.timeline_markers:
        match = _NAME.fullmatch(marker.name)
        frame = due.get(int(match[2] or 0)) if match else None
        if frame is not None and marker.frame != frame:
            marker.frame = frame
