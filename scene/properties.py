"""What the user chooses for a scene, kept in its file: head, audio, emotion, start."""

# mypy: disable-error-code="valid-type"

import bpy

from ..inference.take import EMOTIONS, GenerateRequest
from . import heads, timing
from .sliders import MAX_INTENSITY

_EMOTION_ITEMS = [
    (name, name.capitalize(), f"Speak with a {name} face; it can be changed on the timeline later") for name in EMOTIONS
]


class DuetSettings(bpy.types.PropertyGroup):
    """The choices in the sidebar."""

    head: bpy.props.PointerProperty(
        name="Head",
        type=bpy.types.Object,
        poll=lambda _, obj: heads.is_head(obj),
        description="The Duet head that speaks",
    )
    audio: bpy.props.StringProperty(
        name="Audio",
        subtype="FILE_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
        description="The recording of one voice: WAV, FLAC, MP3, OGG and others",
    )
    emotion: bpy.props.EnumProperty(
        name="Emotion", items=_EMOTION_ITEMS, default="neutral", description="How the head feels while it speaks"
    )
    intensity: bpy.props.FloatProperty(
        name="Intensity",
        description="How strong the emotion is: 0 is not at all, 1 is strong but natural",
        default=0.7,
        min=0.0,
        max=MAX_INTENSITY,
        soft_max=1.0,
    )
    start_frame: bpy.props.IntProperty(
        name="Start Frame", default=1, description="The frame at which the recording begins"
    )
    in_sync: bpy.props.BoolProperty(
        name="Sync to Audio",
        default=True,
        description="Set the scene's playback to skip frames where needed, so that lips and sound stay together",
    )


def target_head(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The head to animate: the chosen one if it is still in the scene, else the scene's only Duet head, else None."""
    chosen = scene.duet.head
    if chosen is not None and chosen.name in scene.objects:
        return chosen
    found = heads.heads_of(scene)
    return found[0] if len(found) == 1 else None


def request_of(scene: bpy.types.Scene, label: str) -> GenerateRequest:
    """The request that the choices describe, at the scene's frame rate; raises RequestError."""
    settings = scene.duet
    emotions = {} if settings.emotion == "neutral" else {settings.emotion: settings.intensity}
    return GenerateRequest(fps=timing.scene_fps(scene), emotions=emotions, audio=label)


def register() -> None:
    """Give every scene its settings."""
    bpy.utils.register_class(DuetSettings)
    bpy.types.Scene.duet = bpy.props.PointerProperty(type=DuetSettings)


def unregister() -> None:
    """Take the settings away."""
    del bpy.types.Scene.duet
    bpy.utils.unregister_class(DuetSettings)
