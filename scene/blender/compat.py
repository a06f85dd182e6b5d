"""Every difference between Blender's versions (4.5 to 5.2) that Duet meets, in one place."""

from __future__ import annotations

import math
from typing import Any

import bpy

from .loose import Kind

# What Blender takes for a shape key's value where the NLA plays nothing: 0, but for 5.0.
_VALUE: Kind = bpy.types.ShapeKey.bl_rna.properties["value"]
RESTS_AT_ONE = bool(_VALUE.default == 1.0)
_STRIP_HANDLES = bpy.app.version >= (5, 1, 0)  # strip timing was renamed


def built_with(library: str) -> bool:
    """Whether this Blender was built with a library, by its name in `bpy.app.build_options`."""
    return bool(getattr(bpy.app.build_options, library))


def channelbag(action: bpy.types.Action, slot: bpy.types.ActionSlot) -> bpy.types.ActionChannelbag:
    """The F-curves of a slot in the action's first layer and strip, both made where missing.

    `action.fcurves` is gone from 5.0, and the `channelbag_ensure` helpers are newer than 4.5.
    """
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip: Kind = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    bag: bpy.types.ActionChannelbag = strip.channelbag(slot, ensure=True)
    return bag


def strip_range(strip: bpy.types.Strip) -> tuple[int, int]:
    """(first frame, frame after the last) that a sequencer strip covers."""
    if _STRIP_HANDLES:
        return strip.left_handle, strip.right_handle
    return strip.frame_final_start, strip.frame_final_end


def set_strip_range(strip: bpy.types.Strip, first: int, end: int) -> None:
    """Cut a sequencer strip to the frames from `first` to before `end`."""
    if _STRIP_HANDLES:
        strip.left_handle, strip.right_handle = first, end
    else:
        strip.frame_final_start, strip.frame_final_end = first, end


def move_strip(strip: bpy.types.Strip, start: int) -> None:
    """Let a sequencer strip's whole content begin at a frame, its cut with it."""
    setattr(strip, "content_start" if _STRIP_HANDLES else "frame_start", start)


def strip_content_start(strip: bpy.types.Strip) -> float:
    """The frame at which a strip's whole content would begin, were nothing cut off."""
    return float(strip.content_start if _STRIP_HANDLES else strip.frame_start)


def strip_heard(strip: Kind, fps: float) -> tuple[int, int, float]:
    """(first frame, frame after the last, second of the file at the first) of what a sound strip lets be heard.

    Where the sound is moved in its strip, frames in which nothing is heard are left out.
    """
    start = strip_content_start(strip)
    trimmed = strip.content_trim_start if _STRIP_HANDLES else strip.animation_offset_start
    length = strip.content_duration if _STRIP_HANDLES else strip.frame_duration
    first, last = strip_range(strip)
    first, last = max(first, math.ceil(start - 1e-3)), min(last, math.floor(start + length + 1e-3))
    second = (first - start + trimmed) / fps - strip.sound_offset
    if second < 0:
        late = math.ceil(-second * fps - 1e-3)
        first, second = first + late, max(0.0, second + late / fps)
    return first, last, second


def new_material(name: str) -> bpy.types.Material:
    """A new material with a Principled BSDF."""
    made = bpy.data.materials.new(name)
    if made.node_tree is None:
        bpy.data.materials.remove(made)
        made = _made_by_button("material")
        made.name = name
    return made


def new_world(name: str) -> bpy.types.World:
    """A new world with a Background."""
    made = bpy.data.worlds.new(name)
    if made.node_tree is None:
        bpy.data.worlds.remove(made)
        made = _made_by_button("world")
        made.name = name
    return made


def _made_by_button(kind: str) -> Any:
    """A new material or world as Blender's New button makes it: before 5.0 the API alone makes them without nodes."""
    owned = getattr(bpy.data, f"{kind}s")
    known = {item.session_uid for item in owned}
    mesh = bpy.data.meshes.new("holder")
    holder = bpy.data.objects.new("holder", mesh)  # the button asks for something that can have materials
    with bpy.context.temp_override(object=holder, active_object=holder):
        getattr(bpy.ops, kind).new()
    bpy.data.meshes.remove(mesh)  # and the object with it
    made = next(item for item in owned if item.session_uid not in known)
    made.user_clear()  # the button's own, which it gives to nobody here
    return made


def still_images(render: bpy.types.RenderSettings) -> None:
    """Have PNG files written. From 5.0 on, pictures and videos are told apart first."""
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode = "PNG", "RGB"


def video(render: bpy.types.RenderSettings) -> bool:
    """Have an .mp4 of H.264 and AAC written; False where this build has no encoder for one of them."""
    settings, ffmpeg = render.image_settings, render.ffmpeg
    try:
        if hasattr(settings, "media_type"):
            settings.media_type = "VIDEO"
        settings.file_format = "FFMPEG"
        ffmpeg.format, ffmpeg.codec, ffmpeg.audio_codec = "MPEG4", "H264", "AAC"
    except TypeError:  # the name is not among those of the build
        return False
    ffmpeg.constant_rate_factor, ffmpeg.gopsize, ffmpeg.audio_bitrate = "HIGH", 12, 128
    return True
