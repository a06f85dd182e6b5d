"""Pictures of a scene and a video of them, by Blender's own renderers and encoder."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path

import bpy

from ...inference.c_stdout import thrown_away
from ...inference.errors import OutputError
from . import compat
from .loose import Kind

SIDE = 512  # pixels of the longer one
_SAMPLES = 4  # of Cycles
_SURFACELESS = 0x31DD  # EGL_PLATFORM_SURFACELESS_MESA: pictures without a screen


def draw_frames(
    scene: Kind, frames: range, folder: Path, progress: Callable[[float], None] = lambda _: None
) -> list[Path]:
    """A PNG of each frame in a folder, SIDE pixels large; `progress` may raise.

    By Workbench, which takes a fraction of a second, or by Cycles where the system has no OpenGL.
    """
    render = scene.render
    scale = SIDE / max(render.resolution_x, render.resolution_y)
    render.resolution_x, render.resolution_y = (_even(scale * n) for n in (render.resolution_x, render.resolution_y))
    render.resolution_percentage, render.use_sequencer, render.use_border = 100, False, False
    compat.still_images(render)
    if has_graphics():
        render.engine = "BLENDER_WORKBENCH"
        scene.display.shading.light, scene.display.shading.color_type = "STUDIO", "MATERIAL"
        scene.display.shading.show_cavity, scene.display.render_aa = True, "5"
    else:
        render.engine = "CYCLES"
        scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", _SAMPLES, True
        scene.cycles.max_bounces, render.use_persistent_data = 2, True
    found = []
    for done, frame in enumerate(frames):
        progress(done / len(frames))
        scene.frame_set(frame)
        found.append(folder / f"{done + 1:05d}.png")
        render.filepath = str(found[-1])
        with thrown_away():
            bpy.ops.render.render(write_still=True, scene=scene.name)
    return found


def encode(pictures: list[Path], fps: tuple[int, float], path: Path, listen: Callable[[bpy.types.Scene], None]) -> None:
    """A video of the pictures, H.264 with AAC, in a scene apart; `listen` puts the sound into it, from frame 1 on.

    `fps` is Blender's rate and the number that divides it. Raises OutputError where that cannot be written, and
    `NoEncoderError` where this Blender has no encoder.
    """
    scene: Kind = bpy.data.scenes.new("Duet video")
    try:
        render = scene.render
        render.fps, render.fps_base = fps
        scene.view_settings.view_transform = "Standard"  # the pictures have seen another one already
        if not compat.built_with("codec_ffmpeg") or not compat.video(render):
            raise NoEncoderError
        scene.frame_start, scene.frame_end = 1, len(pictures)
        strips = scene.sequence_editor_create().strips
        strip = strips.new_image("Pictures", str(pictures[0]), channel=2, frame_start=1)
        for picture in pictures[1:]:
            strip.elements.append(picture.name)
        image = bpy.data.images.load(str(pictures[0]))
        render.resolution_x, render.resolution_y = image.size
        bpy.data.images.remove(image)
        render.resolution_percentage, render.use_sequencer, render.filepath = 100, True, str(path)
        listen(scene)
        with thrown_away():
            bpy.ops.render.render(animation=True, scene=scene.name)
        if not path.is_file() or not path.stat().st_size:
            raise OutputError(f"The video '{path}' could not be written.", "Make room, or choose another place.")
    except RuntimeError as error:
        raise OutputError(f"The video '{path}' could not be written: {error}", "Choose another place.") from error
    finally:
        bpy.data.scenes.remove(scene)


class NoEncoderError(Exception):
    """This build of Blender writes no videos."""


def _even(number: float) -> int:
    return max(2, 2 * round(number / 2))  # the encoder halves colours


def has_graphics() -> bool:
    """Whether Workbench can draw: without OpenGL, Blender would end. Asked of EGL where there may be no screen."""
    if not sys.platform.startswith("linux"):
        return True
    try:
        egl = ctypes.CDLL("libEGL.so.1")
    except OSError:
        return False
    egl.eglInitialize.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    egl.eglGetDisplay.restype, egl.eglGetDisplay.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    displays = [egl.eglGetDisplay(None)]
    found = egl.eglGetProcAddress(b"eglGetPlatformDisplayEXT")
    if found:
        get = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p)(found)
        displays.append(get(_SURFACELESS, None, None))
    return any(display and egl.eglInitialize(display, None, None) for display in displays)
