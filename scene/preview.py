"""A take as a small video with its sound, for review: drawn and encoded by Blender, nothing saved as .blend."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import bpy

from ..inference.errors import OutputError
from ..inference.formats.exports import prepare_output
from ..inference.partial_files import partial_of
from ..inference.performance.curves import frame_span
from ..inference.take import Take
from . import studio
from .blender import timing, video
from .blender.paths import for_blender
from .files import animated
from .take import sound
from .take.settings import Order

_CLOSER, _SHIFT = 1.4, -0.04  # than the studio's camera, which also shows the neck


def preview_file(
    audio: Path,
    take: Take,
    output: Path,
    base: Path | None,
    head: str,
    order: Order,
    progress: Callable[[float], None] = lambda _: None,
) -> list[str]:
    """Write `output`, an .mp4 of the take on a Duet head or on that of the file `base`, seen by the file's own camera.

    Where this Blender has no encoder, the frames come as pictures into the folder `NAME.frames` beside it. `progress`
    may raise. Returns notes for the user; raises as `bake_file` does.
    """
    output = prepare_output(output)
    for_blender(output, OutputError)
    made = animated(audio, take, base, head, order)
    scene, obj = made.scene, made.head
    if base is None or scene.camera is None:
        _look_at(scene, obj)
    count = frame_span(take.frame_count, take.fps, timing.scene_fps(scene))
    skip = round(order.performance.begin(take.fps) * timing.scene_fps(scene))
    folder = partial_of(output)  # beside it: nobody's disk but the user's

    def listen(apart: bpy.types.Scene) -> None:
        sound.add_strip(apart, obj, audio.resolve(), 1, count, skip)

    try:
        folder.mkdir()
        pictures = video.draw_frames(scene, range(made.start, made.start + count), folder, progress)
        coded = folder / "video.mp4"
        video.encode(pictures, (scene.render.fps, scene.render.fps_base), coded, listen)
        coded.replace(output)
    except video.NoEncoderError:
        return [*made.notes, _kept(folder, output)]
    except OSError as error:
        raise OutputError(f"The output '{output}' cannot be written.", "Choose another place.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return made.notes


def _look_at(scene: bpy.types.Scene, obj: bpy.types.Object) -> None:
    """Let the scene's camera, or a studio's where it has none, see the face alone."""
    if scene.camera is None:
        studio.add_studio(scene, obj)
    scene.camera.data.lens *= _CLOSER
    scene.camera.data.shift_x = _SHIFT


def _kept(pictures: Path, output: Path) -> str:
    """Leave the folder of pictures beside the output, in place of an earlier one; what the user should know of it."""
    place = output.with_suffix(".frames")
    try:
        shutil.rmtree(place, ignore_errors=True)
        pictures.replace(place)
    except OSError as error:
        raise OutputError(f"The folder '{place}' cannot be written.", "Choose another place.") from error
    return f"This Blender was built without an encoder for videos: the frames are pictures in '{place}'."
