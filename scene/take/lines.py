"""Lines: takes placed in time on one head, each with its sound and its life, beside each other.

A line is an action on NLA tracks of its own, one of the keys and one of the head object, where its keys are at their
own frames. Strips of lines are added up and nothing outside their frames, where Blender lets keys rest: so what a line
shows in its frames is the same whatever other lines do. Around it, the feeling comes and goes over as much as there is
of the way to the next line. Lines that overlap, where that is allowed, fade into each other.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...inference.errors import HeadError
from ...inference.performance.blinks import SEEDS
from ...inference.performance.silence import EASE
from ..blender import actions, layers, rest_track
from ..blender.loose import Animated, duet_of
from ..head import heads
from . import life, takes

PLAIN = " Plain"  # how the name of an action of plain keys ends
PAUSE = 0.4  # seconds before a line to which nobody gives a start, after the one above it
_OFF = 1e-3  # frames, or of a scale
_MOUTH_EASE = 0.12  # seconds in which a mouth comes from rest to the first sound of a line, and back


@dataclass(frozen=True)
class Line:
    """A line on a head: frames are the scene's, both ends are spoken."""

    obj: bpy.types.Object
    action: bpy.types.Action

    @property
    def id(self) -> str:
        """What its sound and its life refer to."""
        return str(duet_of(self.action).line)

    @property
    def first(self) -> int:
        """The first frame that plays."""
        return int(duet_of(self.action).moved_to + duet_of(self.action).cut_start)

    @property
    def last(self) -> int:
        """The last one."""
        group = duet_of(self.action)
        return max(self.first, int(group.moved_to + group.length - 1 - group.cut_end))

    @property
    def strips(self) -> list[bpy.types.NlaStrip]:
        """Those of keys and object, not of its life."""
        return [track.strips[0] for _, track in _tracks_of(self.obj, self.action)]

    @property
    def is_muted(self) -> bool:
        """Whether its mouth is still."""
        return all(strip.mute for strip in self.strips)

    @property
    def is_by_hand(self) -> bool:
        """Whether a strip of it was moved or stretched in the NLA editor, where sound and life do not follow."""
        return any(
            abs(strip.frame_start - strip.action_frame_start) > _OFF or abs(strip.scale * strip.repeat - 1) > _OFF
            for strip in self.strips
        )

    @property
    def others(self) -> list[Line]:
        """The lines beside it that speak."""
        return [line for line in on(self.obj) if line != self and not line.is_muted]


def on(obj: bpy.types.Object | None) -> list[Line]:
    """The head's lines in order of time."""
    found = [Line(obj, action) for _, action in takes.placed(obj)] if obj is not None and heads.is_head(obj) else []
    return sorted(found, key=lambda line: (line.first, line.action.name))


def spans(obj: bpy.types.Object) -> list[tuple[int, int]]:
    """The first and the last frame of each line, and of a take that plays alone."""
    sole = takes.sole(obj)
    return [(line.first, line.last) for line in [*on(obj), *([Line(obj, sole)] if sole else [])]]


def of(obj: bpy.types.Object, action: bpy.types.Action | None) -> Line | None:
    """The line that is this action on the head; None where it is none."""
    return next((line for line in on(obj) if line.action == action), None)


def chosen(obj: bpy.types.Object) -> Line | None:
    """The line whose track of the keys is the active one."""
    return of(obj, takes.chosen_line(obj))


def playing(obj: bpy.types.Object) -> str:
    """A sentence on what the head plays now."""
    lines, action = on(obj), actions.action_of(obj.data.shape_keys)
    if takes.is_take(action):
        return f"'{action.name}' plays alone."
    if action is not None and action.name.endswith(PLAIN):
        return f"'{action.name}' plays: keys alone."
    if not lines:
        return "No take plays. Click one in the list."
    muted = sum(line.is_muted for line in lines)
    plain = sum(not takes.is_take(line.action) for line in lines)
    said = [f"{count} {what}" for count, what in ((muted, "muted"), (plain, "as plain keys")) if count]
    begin = "One line plays" if len(lines) == 1 else f"{len(lines)} lines play"
    shown = "The settings are those of the chosen one." if chosen(obj) else "None is chosen: click one in the list."
    return f"{', '.join([begin, *said])}. {shown}"


def choose(obj: bpy.types.Object, action: bpy.types.Action) -> None:
    """Let the sidebar show this line."""
    for datablock, track in _tracks_of(obj, action):
        datablock.animation_data.nla_tracks.active = track


def require_room(name: str, span: tuple[int, int], others: Sequence[Line], fade: bool) -> None:
    """Raise HeadError where a line cannot speak in these frames, the first and the last, beside the others.

    With `fade` two lines may overlap, neither within the other and no third one beside them.
    """
    first, last = span
    for line in others:
        low, high = max(first, line.first), min(last, line.last)
        if low > high:
            continue
        both = f"'{name}' and '{line.action.name}' would both speak from frame {low} to {high}."
        if not fade:
            raise HeadError(both, "Give it another start frame, trim one, or choose Cross-Fade under Overlaps.")
        within = (low, high) in ((first, last), (line.first, line.last))
        if within or any(low <= each.last and each.first <= high for each in others if each != line):
            raise HeadError(both, "Lines fade into one another only where one ends and one begins: move or trim it.")


def free_seed(obj: bpy.types.Object) -> int:
    """A seed for the life of one more take: none of another head's, and of none of this one's lines."""
    first = 1 + SEEDS * (heads.seed_of(obj) - 1)
    taken = {duet_of(line.action).seed for line in on(obj)}
    return next(n for n in itertools.count(first) if n not in taken)


def place(obj: bpy.types.Object, action: bpy.types.Action) -> Line:
    """Make an action a line of the head, above those that are there; `arrange` sees to the others."""
    duet_of(action).line, duet_of(action).head = uuid.uuid4().hex[:12], heads.ensure_id(obj)
    action.use_fake_user = True
    line = Line(obj, action)
    for datablock in (obj.data.shape_keys, obj):
        slot = actions.slot_for(action, datablock.id_type)
        if slot is not None:
            span = (line.first, line.last)
            layers.push(datablock, action, slot, blend="COMBINE", extrapolation="NOTHING", span=span)
    _shape(line, on(obj))
    choose(obj, action)
    return line


def arrange(obj: bpy.types.Object, changed: Line | None = None) -> None:
    """Give the strips of all lines, and of their life, the frames that they play, and let them come and go.

    What was moved in the NLA editor stays there, but for the line that is changed here.
    """
    lines = on(obj)
    for line in lines:
        if line == changed or not line.is_by_hand:
            _shape(line, lines)


def mute(line: Line, is_mute: bool) -> None:
    """Mute or unmute the line's face, its life with it."""
    for strip in [*line.strips, *(track.strips[0] for track in life.tracks_of(line.obj, line.id))]:
        strip.mute = is_mute


def renew(obj: bpy.types.Object, action: bpy.types.Action) -> bool:
    """Let the line of the action's id play the action in place of what it plays; False where the head has no such."""
    old = next((line for line in on(obj) if line.id and line.id == duet_of(action).line), None)
    for datablock, track in _tracks_of(obj, old.action) if old else ():
        if rest_track.is_needed(datablock):
            rest_track.hold(datablock, action, actions.slot_for(action, datablock.id_type))
        track.strips[0].action = action
        track.strips[0].action_slot = actions.slot_for(action, datablock.id_type)
    return old is not None


def take_away(line: Line) -> None:
    """Remove the line's strips and its life; its action stays in the file, as a take does."""
    life.remove(line.obj, line.id)
    for datablock, track in _tracks_of(line.obj, line.action):
        datablock.animation_data.nla_tracks.remove(track)
    rest_track.let_go(line.obj.data.shape_keys)
    duet_of(line.action).line = ""


def alone(obj: bpy.types.Object, action: bpy.types.Action, frames: NDArray[Any]) -> NDArray[np.bool_]:
    """At which frames (T,) the line is all that moves the mouth."""
    own = of(obj, action)
    if own is None:
        return np.ones(len(frames), bool)
    shown = (frames >= own.first) & (frames <= own.last)
    for line in on(obj):
        if line != own and not line.is_muted:
            shown &= (frames < line.first) | (frames > line.last)
    return shown


def _tracks_of(obj: bpy.types.Object, action: bpy.types.Action) -> list[tuple[Animated, bpy.types.NlaTrack]]:
    """(data-block, track) of keys and object that play the action."""
    return [
        (datablock, track)
        for datablock in (obj.data.shape_keys, obj)
        for track, played in takes.line_tracks(datablock)
        if played == action
    ]


def _shape(line: Line, lines: Iterable[Line]) -> None:
    others = [each for each in lines if each.action != line.action and (line.is_muted or not each.is_muted)]
    before = max((each for each in others if each.first < line.first), key=lambda each: each.last, default=None)
    after = min((each for each in others if each.first >= line.first), key=lambda each: each.first, default=None)
    rate = duet_of(line.action).fps or 24.0
    feeling, mouth = ceil(EASE * rate) + 2, ceil(_MOUTH_EASE * rate)
    for strip in [*line.strips, *(track.strips[0] for track in life.tracks_of(line.obj, line.id))]:
        felt = strip.action == line.action and strip.action_slot.target_id_type == "OBJECT"
        reach = feeling if felt else mouth
        first, ease_in = _beginning(line, before, reach)
        last, ease_out = _end(line, after, reach)
        low, high = _by_hand(strip, line)
        if low < line.first - feeling and not duet_of(line.action).cut_start:
            first, ease_in = low, 0
        if high > line.last + feeling and not duet_of(line.action).cut_end:
            last, ease_out = high, 0
        layers.span_strip(strip, first, last, ease_in, ease_out)


def _by_hand(strip: bpy.types.NlaStrip, line: Line) -> tuple[float, float]:
    """The first and last frame with a key: beyond what Duet writes they are the animator's, and play."""
    curves = [curve for bag in actions.bags_in(strip.action, strip.action_slot) for curve in bag.fcurves]
    ranges = [curve.range()[:] for curve in curves if len(curve.keyframe_points)]
    return min((low for low, _ in ranges), default=line.first), max((high for _, high in ranges), default=line.last)


def _beginning(line: Line, before: Line | None, reach: int) -> tuple[float, float]:
    """(first frame of a strip, frames in which it comes)."""
    if before is not None and before.last >= line.first:
        return line.first, max(1, before.last - line.first)
    ease = reach if before is None else min(reach, line.first - before.last)
    return line.first - ease, ease


def _end(line: Line, after: Line | None, reach: int) -> tuple[float, float]:
    """(last frame of a strip, frames in which it goes)."""
    if after is not None and after.first <= line.last:
        return max(line.last, after.first + 1), max(1, line.last - after.first)
    ease = reach if after is None else min(reach, after.first - line.last)
    return line.last + ease, ease
