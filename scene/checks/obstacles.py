"""What would keep a written face from being seen: found, said, and taken out of the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import bpy

from ...inference.errors import HeadError
from ..blender import actions, layers
from ..blender.driven import drivers_of
from ..blender.loose import Animated
from ..head import followers

_FULL = 1.0 - 1e-6  # of an action's influence


@dataclass(frozen=True)
class Obstacle:
    """One thing in the way: what it is, what the user can do, and how Duet lifts it (None: it must not).

    `lift` returns what was done, for the user.
    """

    text: str
    remedy: str
    lift: Callable[[], str] | None = None


def clear(obj: bpy.types.Object, names: Sequence[str], lift: bool = True, played: Sequence[Animated] = ()) -> list[str]:
    """Take out of the way what would hide the named keys of a mesh; return notes on what was done.

    `played` are the data-blocks that an action is given to, the keys and the object where none are named.

    Without `lift`, and where something is not Duet's to change, raises HeadError before anything is changed.
    """
    return _lifted(obstacles(obj, names, played), lift)


def clear_playing(datablock: bpy.types.Object, lift: bool = True) -> list[str]:
    """The same for what keeps an action of a data-block from being seen."""
    return _lifted(_of_nla(datablock, datablock.name) if datablock.animation_data else (), lift)


def _lifted(obstacles: Iterable[Obstacle], lift: bool) -> list[str]:
    found = list(obstacles)
    for each in found:
        if each.lift is None or not lift:
            raise HeadError(each.text, each.remedy)
    return [each.lift() for each in found if each.lift is not None]


def require_clear(obj: bpy.types.Object, names: Sequence[str], lift: bool = True) -> None:
    """Raise HeadError where `clear` would; changes nothing."""
    for each in obstacles(obj, names):
        if each.lift is None or not lift:
            raise HeadError(each.text, each.remedy)


def obstacles(obj: bpy.types.Object, names: Sequence[str], played: Sequence[Animated] = ()) -> Iterator[Obstacle]:
    """All that would hide the named keys of a mesh object, or the sliders that drive them."""
    key = obj.data.shape_keys
    yield from _of_display(obj)
    yield from _of_absolute_keys(obj)
    muted = [key.key_blocks[name] for name in names if name in key.key_blocks and key.key_blocks[name].mute]
    if muted:
        yield Obstacle(
            f"{len(muted)} shape keys of '{obj.name}' that it speaks with are muted ('{muted[0].name}', ...).",
            "Tick them in the list of shape keys.",
            lambda: _unmute(obj, muted),
        )
    for datablock in played or (key, obj):
        if datablock.animation_data is not None:
            yield from _of_nla(datablock, obj.name)


def hidden(obj: bpy.types.Object, view_layer: bpy.types.ViewLayer) -> str:
    """Why the object itself cannot be seen in the view layer, which stays as the user has it; empty where it can."""
    visible = obj.visible_get(view_layer=view_layer)  # first: it brings the layer's objects up to date
    if obj.name not in view_layer.objects:
        return f"'{obj.name}' is not in the view layer '{view_layer.name}': its collection is excluded there."
    if obj.hide_viewport:
        return f"'{obj.name}' is disabled in viewports, so nothing of it is seen there."
    if not visible:
        return f"'{obj.name}' is hidden, so nothing of it is seen in the view."
    if obj.hide_render:
        return f"'{obj.name}' is disabled in renders."
    return ""


def _of_display(obj: bpy.types.Object) -> Iterator[Obstacle]:
    if obj.show_only_shape_key:

        def unpin() -> str:
            obj.show_only_shape_key = False
            return f"A shape key of '{obj.name}' was pinned, so that no other showed: it is unpinned."

        yield Obstacle(
            f"A shape key of '{obj.name}' is pinned (Solo Active Shape Key): nothing else shows.",
            "Click the pin under the list of shape keys.",
            unpin,
        )


def _of_absolute_keys(obj: bpy.types.Object) -> Iterator[Obstacle]:
    key = obj.data.shape_keys
    if key.use_relative:
        return
    text = f"The shape keys of '{obj.name}' are not Relative: their values do nothing."
    timed = "eval_time" in actions.held_paths(key)

    def relate() -> str:
        key.use_relative = True
        return f"The shape keys of '{obj.name}' were not Relative, so that their values did nothing: they are now."

    remedy = "Tick Relative under the list of shape keys."
    if timed:
        remedy += " Its Evaluation Time is animated, which then no longer plays."
    yield Obstacle(text, remedy, None if timed else relate)


def _unmute(obj: bpy.types.Object, muted: Sequence[bpy.types.ShapeKey]) -> str:
    for block in muted:
        block.mute = False
    followers.mute(obj, [block.name for block in muted], False)
    return f"{len(muted)} shape keys that '{obj.name}' speaks with were muted: they are not any more."


def _of_nla(datablock: Animated, name: str) -> Iterator[Obstacle]:
    """What the NLA keeps the active action from; strips in tweak mode are refused before (`states`)."""
    animation = datablock.animation_data
    where = f"the keys of '{name}'" if isinstance(datablock, bpy.types.Key) else f"'{datablock.name}'"
    solo = [track for track in animation.nla_tracks if track.is_solo]
    if solo:
        yield Obstacle(
            f"The NLA track '{solo[0].name}' of {where} is soloed (starred): nothing else plays.",
            "Click its star in the Nonlinear Animation editor.",
            lambda: _unsolo(datablock, solo[0], where),
        )
    if not animation.use_nla:
        yield Obstacle(
            f"The NLA of {where} is switched off: nothing can play beside the speech.",
            "Switch it on at the data-block's name in the Nonlinear Animation editor.",
            lambda: _switch_on(animation, where),
        )
    action = animation.action
    if action is None or actions.made_by_duet(action):  # an action of the animator's takes its settings along
        influence, blend = animation.action_influence, animation.action_blend_type
        if influence < _FULL or blend != "REPLACE":
            yield Obstacle(
                f"The action of {where} has an influence of {influence:.2g} and the blend type {blend.title()}.",
                "Set 1 and Replace in the Nonlinear Animation editor's sidebar.",
                lambda: _give_full_influence(animation, where, influence),
            )


def _unsolo(datablock: Animated, track: bpy.types.NlaTrack, where: str) -> str:
    """What solo kept still stays still: other tracks are muted, an action of the animator's becomes a muted track."""
    animation = datablock.animation_data
    others = [each for each in animation.nla_tracks if each != track and not each.mute]
    track.is_solo = False
    for each in others:
        each.mute = True
    action = animation.action
    if action is not None and not actions.made_by_duet(action):
        action.use_fake_user = True
        layers.push(datablock, action, animation.action_slot).mute = True
    still = " What it kept still is muted." if others or action is not None else ""
    return (
        f"The NLA track '{track.name}' of {where} was soloed, so that nothing else played: it is not any more.{still}"
    )


def _switch_on(animation: bpy.types.AnimData, where: str) -> str:
    tracks = [track for track in animation.nla_tracks if not track.mute]
    for track in tracks:
        track.mute = True
    animation.use_nla = True
    still = " Its tracks, which did not play, are muted." if tracks else ""
    return f"The NLA of {where} was switched off: it is on now.{still}"


def _give_full_influence(animation: bpy.types.AnimData, where: str, influence: float) -> str:
    animation.action_influence, animation.action_blend_type = 1.0, "REPLACE"
    return f"The action of {where} had an influence of {influence:.2g}: it is 1 now."


def require_undriven(obj: bpy.types.Object, names: Sequence[str]) -> None:
    """Raise HeadError where a driver holds one of the named keys: what is keyed on it would not be seen."""
    held = list(drivers_of(obj.data.shape_keys, names))
    if held:
        more = f" and {len(held) - 1} more" if len(held) > 1 else ""
        message = f"The shape key '{held[0]}' of '{obj.name}'{more} has a driver, which overrules what Duet keys."
        raise HeadError(message, "Delete the driver (right click on its value), or add a new head.")
