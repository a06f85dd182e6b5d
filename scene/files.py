"""Whole .blend files: a take baked into a fresh file, or into one that exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..inference.errors import HeadError, OutputError
from ..inference.formats.exports import prepare_output
from ..inference.head.blendshapes import load_blendshapes
from ..inference.head.canonical import load_head
from ..inference.steps import finish
from ..inference.take import Take
from . import cast, on_target, properties, studio
from .bake import Recording, apply_steps
from .blender import states, timing
from .blender.loose import Kind, duet_of
from .blender.paths import fits_blender, for_blender
from .blender.saving import save_copy
from .head import heads, neck
from .take import plain, sound
from .take.settings import Order
from .targets import makes

_unchanged: Path | None = None  # the file that was opened for its frame rate, until something is made of it


@dataclass(frozen=True)
class Baked:
    """A scene with a head that plays a take from `start` on, and what the user should know."""

    scene: bpy.types.Scene
    head: bpy.types.Object
    start: int
    notes: list[str]


def bake_file(audio: Path, take: Take, output: Path, base: Path | None, head: str, order: Order) -> list[str]:
    """Write `output`, a .blend with the take on a Duet head, performed as `order` says.

    With `base`, that file is opened, and its head of that name, or its one Duet head, is animated (one is added where
    there is none); a head of another make has to be named. The file's frame rate stays. Without, a fresh file gets the
    head, lights, a camera, and the take's frame rate and length, and begins at frame 0 at the earliest, as Blender's
    scenes do. The file that is open in Blender is left. Returns notes for the user. Raises OutputError, HeadError,
    AudioError or WeightsError.
    """
    output = prepare_output(output)
    for_blender(output, OutputError)
    made = animated(audio, take, base, head, order)
    made.scene.frame_set(made.scene.frame_start)
    _save(made.scene, output, base and base.resolve())
    return made.notes


def animated(audio: Path, take: Take, base: Path | None, head: str, order: Order) -> Baked:
    """The scene that `bake_file` saves, in memory."""
    audio, base = audio.resolve(), base and base.resolve()
    scene = _opened(base) if base else _fresh(take)
    obj = _head_of(scene, head)
    start = scene.frame_start if order.start is None else order.start
    notes = _of_newer(base) if base else []
    if base is None:
        scene.frame_start = start
        if start < scene.frame_start:
            notes = [f"A scene of Blender's begins at frame 0 at the earliest: the take begins there, not at {start}."]
            start = scene.frame_start
    own = order.performance
    recording = Recording(audio, start, own.begin(take.fps), own.trim_end, loudness=order.loudness)
    notes += _act(scene, obj, take, recording, order)
    if base is None:
        scene.frame_end = scene.frame_start + take.frame_count - 1
        studio.add_studio(scene, obj)
    return Baked(scene, obj, start, notes)


def bake_cast(
    parts: Sequence[cast.Part], output: Path, since: int, base: Path | None = None, name: str = ""
) -> cast.Cast:
    """Write `output`, a .blend in which heads speak these lines: a fresh one, or `base` with the lines added.

    `base` may be the output, which is left as it is where somebody else has written it `since` (`written_at`), for
    their lines would be lost. A fresh file has lights and a camera, and its scene this name. Lines that fail are left
    out and told. Raises DuetError where nothing can be made.
    """
    output = prepare_output(output)
    for_blender(output, OutputError)
    base = base and base.resolve()
    scene = _opened(base) if base else _fresh(parts[0].take)
    properties.register()
    if base is None:
        scene.frame_start = min((part.start for part in parts if part.start is not None), default=1)
        scene.name = name or scene.name
    made = finish(cast.cast_steps(scene, parts, strict=False))
    if not made.made:
        raise made.failed[0]
    made.notes.extend(_of_newer(base) if base else ())
    if base is None:
        scene.frame_end = cast.span_of(made)[1]
        studio.add_studio(scene, *made.added)
    scene.frame_set(scene.frame_start)
    _save(scene, output, base, since)
    return made


def _act(scene: bpy.types.Scene, obj: bpy.types.Object, take: Take, recording: Recording, order: Order) -> list[str]:
    if makes.is_other_head(obj):
        return _act_on_target(scene, obj, take, recording, order)
    notes = finish(apply_steps(scene, obj, take, recording, order.performance, order.layer, in_sync=True))
    if order.plain is not None:
        notes += finish(plain.bake_steps(scene, obj, order.plain)).notes
    return notes


def _act_on_target(
    scene: bpy.types.Scene, obj: bpy.types.Object, take: Take, recording: Recording, order: Order
) -> list[str]:
    if order.plain is not None:
        raise HeadError(f"'{obj.name}' is no Duet head: its keys are plain already.", "Leave out --plain.")
    properties.register()
    neck.register()
    duet_of(scene).existing = "LAYER" if order.layer else "KEEP"
    scene.sync_mode = "AUDIO_SYNC"
    steps = on_target.apply_steps(scene, on_target.require_target(obj), take, recording, order.performance)
    done, notes = finish(steps)
    return [f"'{obj.name}': {done.residual}.", *done.notes, *notes]


def frame_rate(path: Path) -> float:
    """Frames per second of a .blend file, which is opened unless it is open; raises OutputError."""
    global _unchanged
    if not _is_open(path):
        open_file(path)
        _unchanged = path.resolve()
    return timing.scene_fps(bpy.context.scene)


def _opened(base: Path) -> bpy.types.Scene:
    """The scene of the file as it is on the disk: opened, unless `frame_rate` has just done so."""
    global _unchanged
    is_there, _unchanged = _unchanged == base and _is_open(base), None
    return bpy.context.scene if is_there else open_file(base)


def _is_open(path: Path) -> bool:
    return bool(bpy.data.filepath) and Path(bpy.data.filepath).resolve() == path.resolve()


def open_file(path: Path) -> bpy.types.Scene:
    """Open a .blend file in place of the one that is open, and return its scene; raises OutputError naming it."""
    name = for_blender(path, OutputError)
    try:
        path.open("rb").close()
    except FileNotFoundError as error:
        raise OutputError(f"There is no file '{path}'.", "Check its name and folder.") from error
    except OSError as error:
        raise OutputError(f"'{path}' cannot be read ({error.strerror}).", "Check who may read it.") from error
    try:
        if bpy.context.window is None:  # of a file that was saved in the background; Blender's exporters ask for one
            bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        bpy.ops.wm.open_mainfile(filepath=name, load_ui=False)
    except RuntimeError as error:
        message = f"The file '{path}' cannot be opened: it is damaged, or no .blend file."
        raise OutputError(message, "Copy or save it again.") from error
    return bpy.context.scene


def _of_newer(base: Path) -> list[str]:
    """What is to be known of a file that is open, where a later Blender has saved it."""
    data: Kind = bpy.data
    saved, own = tuple(data.version), bpy.app.version
    if saved[:2] <= own[:2]:
        return []
    versions = "Blender {}.{}, and this is {}.{}".format(*saved[:2], *own[:2])
    return [f"'{base}' was saved by {versions}: what it does not know is lost in the output."]


def _fresh(take: Take) -> bpy.types.Scene:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    timing.set_scene_fps(scene, take.fps)
    return scene


def _head_of(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    """The named head, or the scene's only one, added where there is none; raises HeadError where that is not clear."""
    found = heads.heads_of(scene)
    if name:
        if name not in scene.objects:
            if name in bpy.data.objects:
                states.require_here(scene, bpy.data.objects[name])
            shown = ", ".join(f"'{obj.name}'" for obj in found) or "none"
            raise HeadError(f"The scene '{scene.name}' has no object '{name}'.", f"Its Duet heads: {shown}.")
        return scene.objects[name]
    if len(found) > 1:
        names = ", ".join(f"'{obj.name}'" for obj in found)
        raise HeadError(
            f"The scene '{scene.name}' has {len(found)} Duet heads: {names}.", "Name one of them, as FILE.blend/NAME."
        )
    if found:
        return found[0]
    heads.require_none_elsewhere(scene)
    return heads.add_head(load_head(), load_blendshapes(), scene.collection, bpy.context.view_layer)


def _save(scene: bpy.types.Scene, output: Path, base: Path | None, since: int | None = None) -> None:
    """Save with the new sound's path relative to the file, so that both can move together."""
    start = base.parent if base else output.parent  # Blender moves relative paths from the base to the output
    spoken = [obj for obj in scene.objects if heads.head_id(obj)]
    strips: list[Kind] = [strip for obj in spoken for strip in sound.strips_of(scene, obj, None)]
    for strip in strips:
        whole = bpy.path.abspath(strip.sound.filepath)
        relative = bpy.path.relpath(whole, start=str(start))
        strip.sound.filepath = relative if fits_blender(relative) else whole
    save_copy(output, base is not None, since)
