"""Life on a head: an action of its own in NLA tracks of its own, so that it is muted or removed in one click."""

from __future__ import annotations

import bpy
import numpy as np

from ...inference.performance.face import FaceCurves, neck_turns
from ...inference.performance.life import LifeKeys
from ...inference.performance.voice import Keys
from ..blender import actions, layers, rest_track, shape_keys
from ..blender.loose import Animated, has
from ..head import heads, neck

TRACK = "Duet Life"
# Of the action: that it is life, its checksum as written, and the id of the line whose life it is.
_MARKER, _WRITTEN, _LINE = "duet_life", "duet_written", "duet_line"


def add(obj: bpy.types.Object, name: str, face: FaceCurves, start: int, line: str = "") -> bpy.types.Action | None:
    """Let the head live for the length of a take, in place of what life it, or this line, had; None where all is off.

    Life of other lines stays.
    """
    return put(obj, f"{name} Life", face.life_keys, (start, start + face.frames), face.fps, line)


def put(
    obj: bpy.types.Object, name: str, keys: LifeKeys, span: tuple[int, int], fps: float, line: str
) -> bpy.types.Action | None:
    """The same with keys in seconds from the first frame of the span on."""
    muted = remove(obj, line)
    if not keys.shapes and keys.neck is None:
        return None
    action = actions.new_action(name)
    action.use_fake_user = False
    action[_MARKER] = True
    if line:
        action[_LINE] = line
    action.use_frame_range = True
    action.frame_start, action.frame_end = span
    _write(obj, action, keys, span[0], fps)
    action[_WRITTEN] = _checksum(action)
    for datablock in _living(obj):
        slot = actions.slot_for(action, datablock.id_type)
        if slot is not None:
            track = layers.push(datablock, action, slot, TRACK, blend="COMBINE", extrapolation="NOTHING", span=span)
            track.mute = datablock.name in muted
    return action


def remove(obj: bpy.types.Object, line: str = "") -> set[str]:
    """Remove the life of a line, or of no line, but keep an action that was edited.

    Returns the names of data-blocks where it was mute.
    """
    muted = set()
    for datablock in _living(obj):
        for track in _tracks_on(datablock, line):
            if track.mute:
                muted.add(datablock.name)
            action = track.strips[0].action
            datablock.animation_data.nla_tracks.remove(track)
            _retire(action)
    rest_track.let_go(obj.data.shape_keys)
    _reset(obj)
    return muted


def give_to_line(obj: bpy.types.Object, line: str) -> None:
    """Let the life of no line be that of this one."""
    for track in tracks_of(obj, ""):
        track.strips[0].action[_LINE] = line


def move(obj: bpy.types.Object, line: str, frames: int) -> None:
    """Move the keys of a line's life in time; its strips are `lines.arrange`'s."""
    for action in {track.strips[0].action for track in tracks_of(obj, line)}:
        whole = action.get(_WRITTEN) == _checksum(action)
        for curve in actions.curves_of(action):
            actions.move_keys(curve, frames)
        action.frame_start, action.frame_end = action.frame_start + frames, action.frame_end + frames
        if whole:
            action[_WRITTEN] = _checksum(action)


def tracks_of(obj: bpy.types.Object, line: str | None = None) -> list[bpy.types.NlaTrack]:
    """The NLA tracks of the head's life: of a line, of no line (""), or all (None)."""
    return [track for datablock in _living(obj) for track in _tracks_on(datablock, line)]


def lines_of(obj: bpy.types.Object) -> set[str]:
    """The ids of the lines whose life the head has; empty for that of no line."""
    return {str(track.strips[0].action.get(_LINE, "")) for track in tracks_of(obj)}


def _tracks_on(datablock: Animated, line: str | None) -> list[bpy.types.NlaTrack]:
    tracks = datablock.animation_data.nla_tracks if datablock.animation_data else ()
    found = [track for track in tracks if _is_life(track)]
    return [track for track in found if line is None or track.strips[0].action.get(_LINE, "") == line]


def _living(obj: bpy.types.Object) -> list[Animated]:
    rig = heads.rig_of(obj)
    return [obj.data.shape_keys, *([rig] if rig is not None and not (rig.library and not rig.override_library) else [])]


def _is_life(track: bpy.types.NlaTrack) -> bool:
    return len(track.strips) == 1 and track.strips[0].action is not None and has(track.strips[0].action, _MARKER)


def _retire(action: bpy.types.Action) -> None:
    if action.users:
        return
    if action.get(_WRITTEN) == _checksum(action):
        bpy.data.actions.remove(action)
    else:
        action.name, action.use_fake_user = f"{action.name} (edited)", True


def _reset(obj: bpy.types.Object) -> None:
    """Let go of the last value that the NLA has left in keys and bones that nothing moves now."""
    key = obj.data.shape_keys
    held = actions.held_paths(key)
    for block in key.key_blocks:
        if block.name in _SHAPES and block.value and shape_keys.value_path(block.name) not in held:
            block.value = 0.0


_SHAPES = {f"{shape}{side}" for shape in ("eyeBlink", "browOuterUp") for side in ("Left", "Right")}
_SHAPES |= {"jawOpen", "browInnerUp"}
_SHAPES |= {f"eyeLook{way}{side}" for way in ("In", "Out", "Up", "Down") for side in ("Left", "Right")}


def _write(obj: bpy.types.Object, action: bpy.types.Action, keys: LifeKeys, start: int, fps: float) -> None:
    key, rig = obj.data.shape_keys, heads.rig_of(obj)
    bag = actions.ensure_bag(action, key)
    for name, (seconds, values) in keys.shapes.items():
        if name in key.key_blocks and len(seconds):
            actions.write_eased_curve(bag, shape_keys.value_path(name), start + seconds * fps, values)
    bone = neck.bone_of(rig) if rig is not None and rig in _living(obj) else None
    if keys.neck is not None and bone is not None:
        seconds, angles = _together(keys.neck)
        path, columns = neck.turned(rig, bone, neck_turns(angles.astype(np.float32)))
        frames, bag = start + seconds * fps, actions.ensure_bag(action, rig)
        for index, column in enumerate(columns.T):
            actions.write_eased_curve(bag, path, frames, column, index)


def _together(turns: tuple[Keys, Keys, Keys]) -> tuple[np.ndarray, np.ndarray]:
    """(seconds (n,), angles (n, 3)) with a key of all three where one has a key."""
    seconds = np.unique(np.concatenate([at for at, _ in turns]))
    return seconds, np.stack([np.interp(seconds, *keys) for keys in turns], axis=1)


def _checksum(action: bpy.types.Action) -> str:
    bags = [bag for strip in actions.strips_of(action) for bag in strip.channelbags]
    return "".join(actions.checksum_all(bag) for bag in bags)
